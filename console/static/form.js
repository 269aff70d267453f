// A form made from a JSON Schema, for the payload of a command.
import { html, useState } from './vendor/htm-preact.js'
import { Exact, parse } from './api.js'

// blank is a value to begin with: what is required, empty.
export function blank(schema) {
  switch (kindOf(schema)) {
    case 'object': return Object.fromEntries((schema.required ?? []).filter(n => schema.properties?.[n]).map(n => [n, blank(schema.properties[n])]))
    case 'array': return Array.from({ length: Math.min(schema.minItems ?? 0, 3) }, () => blank(schema.items))
    case 'boolean': return false
    case 'string': return ''
    default: return undefined
  }
}

const kindOf = s => {
  const types = [s?.type].flat().filter(t => t && t !== 'null')
  return types.length === 1 ? types[0] : s?.properties ? 'object' : s?.enum ? 'string' : 'any'
}
const nullable = s => [s?.type].flat().includes('null')

const hints = s => [
  s.format && s.format !== 'int64' && s.format !== 'int32' ? s.format : '',
  s.minimum !== undefined && s.maximum !== undefined ? `${s.minimum} to ${s.maximum}` : s.minimum !== undefined ? `at least ${s.minimum}` : s.maximum !== undefined ? `at most ${s.maximum}` : '',
  s.maxLength && !s.enum ? `up to ${s.maxLength} characters` : '',
  s.maxItems ? `${s.minItems ?? 0} to ${s.maxItems} of them` : '',
].filter(Boolean).join(', ')

// Field edits a value of a schema; fault finds what the server refused at a path.
export function Field({ name, schema, value, onChange, required, path, fault }) {
  const kind = kindOf(schema)
  const wrong = fault?.(path)
  const id = 'f' + path.replace(/\W/g, '-')
  if (kind === 'object' && schema.properties) {
    const v = value ?? {}
    const own = Object.entries(schema.properties).map(([n, s]) => html`<${Field} key=${n} name=${n} schema=${s} value=${v[n]} required=${schema.required?.includes(n)} path=${`${path}/${n}`} fault=${fault}
      onChange=${x => { const next = { ...v }; if (x === undefined) delete next[n]; else next[n] = x; onChange(next) }} />`)
    return name === undefined ? own : html`<fieldset><legend>${name}${required && html`<i>*</i>`}</legend>${value === undefined && !required ? html`<button type="button" class="quiet" onClick=${() => onChange(blank(schema))}>add</button>` : own}</fieldset>`
  }
  if (kind === 'array') return html`<${List} ...${{ name, schema, value, onChange, required, path, fault }} />`
  const label = html`<span class="label">${name}${required ? html`<i aria-hidden="true">*</i>` : ''}</span>`
  const common = { id, 'aria-invalid': wrong ? true : undefined, 'aria-describedby': wrong ? `${id}-wrong` : undefined, required }
  let input
  if (kind === 'boolean' && required) return html`<label class="check"><input type="checkbox" ...${common} required=${false} checked=${value === true} onChange=${e => onChange(e.target.checked)} /> ${name}</label>`
  if (schema.enum || kind === 'boolean') {
    const options = schema.enum ?? [true, false]
    input = html`<select ...${common} value=${value === undefined ? '' : String(value)} onChange=${e => onChange(e.target.value === '' ? undefined : options.find(o => String(o) === e.target.value))}><option value="">${required ? 'choose …' : 'left out'}</option>${options.map(o => html`<option value=${String(o)}>${String(o)}</option>`)}</select>`
  } else if (kind === 'integer' || kind === 'number') {
    input = html`<input ...${common} inputmode=${kind === 'integer' ? 'numeric' : 'decimal'} value=${value === undefined ? '' : String(value)} onInput=${e => onChange(numeral(e.target.value))} autocomplete="off" />`
  } else if (kind === 'string') {
    input = html`<input ...${common} type=${{ email: 'email' }[schema.format] ?? 'text'} value=${value ?? ''} placeholder=${schema.format === 'date-time' ? '2006-01-02T15:04:05Z' : ''} onInput=${e => onChange(e.target.value === '' && !required ? undefined : e.target.value)} autocomplete="off" spellcheck="false" />`
  } else input = html`<${Raw} id=${id} value=${value} onChange=${onChange} />`
  return html`<label class="field" for=${id}>${label}${input}<small>${[schema.description, hints(schema), nullable(schema) ? 'may be null' : ''].filter(Boolean).join('; ')}</small>${wrong && html`<small class="bad" id="${id}-wrong">${wrong}</small>`}</label>`
}

// numeral keeps a number as it was typed: the server says what is wrong with it.
const numeral = text => text === '' ? undefined : /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? (String(Number(text)) === text ? Number(text) : new Exact(text)) : text

function List({ name, schema, value = [], onChange, required, path, fault }) {
  const set = (i, x) => onChange(value.map((v, n) => n === i ? x : v))
  const wrong = fault?.(path)
  return html`<fieldset class="list"><legend>${name}${required && html`<i>*</i>`} <small>${hints(schema)}</small></legend>
    ${value.map((v, i) => html`<div class="item" key=${i}><div class="fields"><${Field} name=${kindOf(schema.items) === 'object' ? undefined : `${i + 1}`} schema=${schema.items} value=${v} required path=${`${path}/${i}`} fault=${fault} onChange=${x => set(i, x)} /></div>
      <button type="button" class="quiet" aria-label="Remove ${name} ${i + 1}" onClick=${() => onChange(value.filter((_, n) => n !== i))}>✕</button></div>`)}
    ${wrong && html`<small class="bad">${wrong}</small>`}
    <button type="button" class="quiet" onClick=${() => onChange([...value, blank(schema.items) ?? ''])}>+ ${name}</button></fieldset>`
}

// Raw edits any JSON; what is not JSON yet is marked.
export function Raw({ id, value, onChange, rows = 4, label }) {
  const [text, set] = useState(value === undefined ? '' : JSON.stringify(value, null, 2))
  const [wrong, setWrong] = useState('')
  const input = e => {
    set(e.target.value)
    try { onChange(e.target.value.trim() ? parse(e.target.value) : undefined); setWrong('') } catch (err) { setWrong(err.message) }
  }
  return html`<textarea id=${id} rows=${rows} spellcheck="false" aria-label=${label} aria-invalid=${wrong ? true : undefined} onInput=${input}>${text}</textarea>${wrong && html`<small class="bad">${wrong}</small>`}`
}
