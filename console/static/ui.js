// What several pages show: times, JSON, differences, problems, lists.
import { html, useState, useEffect, useRef } from './vendor/htm-preact.js'
import { Exact } from './api.js'

export const link = (...parts) => '#/' + parts.map(encodeURIComponent).join('/')

export const number = n => Number(n).toLocaleString('en-US')

export const plural = (n, one, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`

export function bytes(n) {
  if (n < 1024) return `${n} B`
  if (n < 1 << 20) return `${(n / 1024).toFixed(1)} KB`
  return `${(n / (1 << 20)).toFixed(1)} MB`
}

export function span(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} d`
}

const utc = t => new Date(t).toISOString().replace('T', ' ').replace('Z', '')

// Time shows a time; relative to now, with the exact one on hover, unless exact.
export function Time({ at, exact }) {
  const [, tick] = useState(0)
  useEffect(() => {
    if (exact) return
    const timer = setInterval(() => tick(n => n + 1), 5000)
    return () => clearInterval(timer)
  }, [exact])
  if (!at || at.startsWith('0001')) return html`<span class="muted">–</span>`
  const seconds = (Date.now() - new Date(at)) / 1000
  const text = exact ? utc(at) : seconds < -1 ? `in ${span(-seconds)}` : seconds < 5 ? 'now' : `${span(seconds)} ago`
  return html`<time datetime=${at} title="${utc(at)} UTC" class=${exact ? 'mono' : ''}>${text}</time>`
}

const hues = 6
let aggregates = []
export const setAggregates = names => { aggregates = names }
export const hue = aggregate => `h${Math.max(0, aggregates.indexOf(aggregate)) % hues}`

// partsOf cuts a stream's name, user/7 or acme:user/7, into tenant, aggregate and id.
export function partsOf(name) {
  const slash = name.indexOf('/'), head = name.slice(0, slash), colon = head.indexOf(':')
  return { tenant: head.slice(0, Math.max(0, colon)), aggregate: head.slice(colon + 1), id: name.slice(slash + 1) }
}

// Stream is a link to a stream; its aggregate has a colour throughout.
export function Stream({ name, version }) {
  const { tenant, aggregate, id } = partsOf(name)
  return html`<a class="stream" href=${link('streams', name) + (version ? `?at=${version}` : '')}>${tenant && html`<span class="muted">${tenant}:</span>`}<b class=${hue(aggregate)}>${aggregate}</b>/${id}${version ? html`<i>@${version}</i>` : ''}</a>`
}

export const Tag = ({ kind, children }) => html`<span class="tag ${kind ?? ''}">${children}</span>`

export function Notice({ error, children, kind = 'bad' }) {
  if (!error && !children) return ''
  return html`<div class="notice ${kind}" role=${kind === 'bad' ? 'alert' : 'status'}>
    ${error ? html`${error.code && html`<code>${error.code}</code>`} ${error.message}
      ${error.fields?.length ? html`<ul>${error.fields.map(f => html`<li><code>${f.path}</code> ${f.message}</li>`)}</ul>` : ''}` : children}
  </div>`
}

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`

// Loaded shows what was loaded, or why it was not.
export function Loaded({ of, children, rows = 6 }) {
  return html`
    <${Notice} error=${of.error} />
    ${of.data === undefined && of.loading ? html`<div class="skeleton" aria-busy="true" aria-label="Loading">${Array(rows).fill(0).map(() => html`<i />`)}</div>` : ''}
    ${of.data !== undefined ? children(of.data) : ''}`
}

export function Page({ title, sub, tools, children }) {
  useEffect(() => { document.title = `${typeof title === 'string' ? title : 'Stream'} · Daybook` }, [title])
  return html`<header class="page"><div><h1>${title}</h1>${sub && html`<p>${sub}</p>`}</div>${tools && html`<div class="tools">${tools}</div>`}</header>${children}`
}

export function Panel({ title, tools, children, cls = '', id }) {
  return html`<section class="panel ${cls}" id=${id}>${title && html`<div class="head"><h2>${title}</h2>${tools && html`<div class="tools">${tools}</div>`}</div>`}${children}</section>`
}

// Table is a table that scrolls within its panel; columns are {name, cls, cell}.
export function Table({ columns, rows, keyOf, empty, label }) {
  if (!rows.length) return html`<${Empty}>${empty}<//>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table>
    <thead><tr>${columns.map(c => html`<th scope="col" class=${c.cls} aria-sort=${c.sorted}>${c.head ?? c.name}</th>`)}</tr></thead>
    <tbody>${rows.map((r, i) => html`<tr key=${keyOf ? keyOf(r) : i}>${columns.map(c => html`<td class=${c.cls} data-label=${c.name}>${c.cell(r)}</td>`)}</tr>`)}</tbody>
  </table></div>`
}

const plain = v => v === null || typeof v !== 'object' || v instanceof Exact

function Scalar({ v }) {
  if (v === null) return html`<span class="j-null">null</span>`
  if (typeof v === 'string') return html`<span class="j-text">${JSON.stringify(v)}</span>`
  return html`<span class="j-number">${String(v)}</span>`
}

// Json shows a value with its structure, long lists cut.
export function Json({ v, depth = 0 }) {
  const [all, showAll] = useState(false)
  if (v === undefined) return html`<span class="muted">–</span>`
  if (plain(v)) return html`<${Scalar} v=${v} />`
  const list = Array.isArray(v)
  const entries = Object.entries(v)
  if (!entries.length) return list ? '[]' : '{}'
  if (depth > 0 && entries.every(([, x]) => plain(x)) && JSON.stringify(v).length < 60)
    return html`${list ? '[' : '{'}${entries.map(([k, x], i) => html`${i ? ', ' : ''}${!list && html`<span class="j-key">${k}</span>: `}<${Scalar} v=${x} />`)}${list ? ']' : '}'}`
  const shown = all ? entries : entries.slice(0, 100)
  return html`<div class="json">${shown.map(([k, x]) => html`<div><span class="j-key">${list ? `${k}.` : k}</span> <${Json} v=${x} depth=${depth + 1} /></div>`)}
    ${shown.length < entries.length && html`<button class="quiet" onClick=${() => showAll(true)}>${entries.length - shown.length} more</button>`}</div>`
}

// differences lists what changed between two values, by path.
export function differences(before, after, path = '') {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const open = v => v && !plain(v) && !Array.isArray(v)
  if (open(before) && open(after) || path === '' && (before ?? null) === null && open(after)) {
    const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])]
    return names.flatMap(n => differences(before?.[n], after[n], path ? `${path}.${n}` : n))
  }
  return [{ path, before, after }]
}

export function Diff({ changes, none = 'The state did not change.' }) {
  if (!changes.length) return html`<p class="muted">${none}</p>`
  return html`<div class="diff">${changes.map(c => html`<div><span class="path">${c.path || 'value'}</span><div>
    ${c.before !== undefined && html`<del><${Json} v=${c.before} depth=${1} /></del>`}
    ${c.after !== undefined && html`<ins><${Json} v=${c.after} depth=${1} /></ins>`}</div></div>`)}</div>`
}

const brief = v => v === undefined ? '∅' : plain(v) ? (typeof v === 'string' ? v : String(v)) : Array.isArray(v) ? `[${v.length}]` : '{…}'
const cut = (s, n = 28) => s.length > n ? s.slice(0, n - 1) + '…' : s

// Changes is a difference in one line.
export const Changes = ({ changes }) => html`<span class="changes">${changes.slice(0, 4).map(c => html`<span class="change"><em>${c.path}</em> ${c.before !== undefined && html`<s>${cut(brief(c.before))}</s> → `}<b>${cut(brief(c.after))}</b></span>`)}${changes.length > 4 && html`<span class="muted">+${changes.length - 4}</span>`}</span>`

// useQuery is the part of the address behind ?, as an object to read and change.
export function useQuery() {
  const read = () => Object.fromEntries(new URLSearchParams(location.hash.split('?')[1] ?? ''))
  const [q, set] = useState(read)
  useEffect(() => {
    const on = () => set(read())
    addEventListener('hashchange', on)
    return () => removeEventListener('hashchange', on)
  }, [])
  const change = (changes, push) => {
    const next = new URLSearchParams()
    for (const [k, v] of Object.entries({ ...read(), ...changes })) if (v !== undefined && v !== '' && v !== null) next.set(k, v)
    const hash = location.hash.split('?')[0] + (next.size ? `?${next}` : '')
    if (push) location.hash = hash
    else { history.replaceState(null, '', hash); dispatchEvent(new HashChangeEvent('hashchange')) }
  }
  return [q, change]
}

export function Pager({ next, onNext, first, onFirst, count, what = 'row' }) {
  return html`<nav class="pager" aria-label="Pages"><span class="muted">${plural(count, what)}${next ? ' on this page' : ''}</span>
    <button disabled=${!first} onClick=${onFirst}>First</button><button disabled=${!next} onClick=${onNext}>Next</button></nav>`
}

// Act is a button that asks first, does something, and tells what came out.
export function Act({ label, sure, run, onDone, kind = '', disabled }) {
  const [state, set] = useState('')
  const [error, fail] = useState()
  const button = useRef()
  const go = async () => {
    if (sure && state !== 'sure') { set('sure'); return }
    set('busy'); fail(undefined)
    try { await run(); set('done'); onDone?.() } catch (err) { fail(err); set('') }
  }
  return html`<span class="act"><button ref=${button} class="${kind} ${state === 'sure' ? 'danger' : ''}" disabled=${disabled || state === 'busy'} onClick=${go} onBlur=${() => state === 'sure' && set('')}>${state === 'sure' ? sure : state === 'busy' ? '…' : label}</button>
    ${error && html`<span class="bad" role="alert">${error.message}</span>`}</span>`
}
