// Commands: a form for each, a dry run, and sending.
import { html, useState, useEffect } from './vendor/htm-preact.js'
import { get, post, query } from './api.js'
import { Diff, Json, Notice, Page, Panel, Stream, Tag, differences, hue, link, partsOf, plural, useQuery } from './ui.js'
import { Field, Raw, blank } from './form.js'

const tags = c => html`${c.creates && html`<${Tag}>creates<//>`} ${c.internal && html`<${Tag} kind="warn">internal<//>`} ${c.scope && html`<${Tag}>${c.scope}<//>`} ${c.onceOnly && html`<${Tag}>once only<//>`} ${c.across && html`<${Tag}>several streams<//>`}`

export function Commands({ app }) {
  const [q, change] = useQuery()
  const needle = (q.find ?? '').toLowerCase()
  const keep = q.id !== undefined ? `?id=${encodeURIComponent(q.id)}` : ''
  const shown = app.aggregates.filter(a => !q.aggregate || a.name === q.aggregate)
  return html`<${Page} title="Commands" sub="Requests for a change, decided by an aggregate. A dry run decides and stores nothing." />
    <form class="bar" role="search" onSubmit=${e => e.preventDefault()}>
      <div class="choices" role="group" aria-label="Aggregate"><button type="button" aria-pressed=${!q.aggregate} onClick=${() => change({ aggregate: '' })}>all</button>
        ${app.aggregates.map(a => html`<button type="button" class=${hue(a.name)} aria-pressed=${q.aggregate === a.name} onClick=${() => change({ aggregate: a.name })}>${a.name}</button>`)}</div>
      <input type="search" value=${q.find ?? ''} onInput=${e => change({ find: e.target.value })} placeholder="find a command" aria-label="Find a command" /></form>
    <div class="cards">${shown.map(a => html`<${Panel} title=${html`<span class=${hue(a.name)}>${a.name}</span>`}><ul class="commands">
      ${a.commands.filter(c => (c.command + (c.summary ?? '')).toLowerCase().includes(needle)).map(c => html`<li><a href="${link('commands', c.command)}${keep}"><b>${c.command}</b></a> ${tags(c)}<br /><span class="muted">${c.summary}</span></li>`)}</ul><//>`)}</div>`
}

export function OneCommand({ app, id: name }) {
  const [q] = useQuery()
  const c = app.aggregates.flatMap(a => a.commands).find(c => c.command === name)
  if (!c) return html`<${Page} title=${name} /><${Notice}>There is no command ${name}.<//>`
  return html`<${Form} key=${name} app=${app} c=${c} id=${q.id ?? ''} />`
}

const fresh = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('')

function Form({ app, c, id: given }) {
  const [id, setId] = useState(given)
  const [payload, setPayload] = useState(blank(c.schema))
  const [raw, setRaw] = useState(false)
  const [more, setMore] = useState({ commandId: fresh(), expected: '' })
  const [answer, set] = useState()
  const [busy, setBusy] = useState('')
  const [round, setRound] = useState(0) // remounts the form after "example"
  const run = async dryRun => {
    setBusy(dryRun ? 'dry' : 'send')
    const body = { id, payload, commandId: more.commandId, dryRun, ...more.expected !== '' ? { expectedVersion: Number(more.expected) } : {} }
    try { set({ dryRun, data: await post('commands/' + encodeURIComponent(c.command), body), commandId: more.commandId }) } catch (error) { set({ dryRun, error, commandId: more.commandId }) }
    setBusy('')
  }
  const fault = path => answer?.error?.fields?.filter(f => f.path === path).map(f => f.message).join('; ')
  const submit = e => { e.preventDefault(); run(true) }
  return html`<${Page} title=${c.command} sub=${html`${c.summary ? c.summary + ', ' : ''}<span class="muted">decided by <b class=${hue(c.aggregate)}>${c.aggregate}</b></span> ${tags(c)}`} />
    <div class="columns form"><${Panel} title="Payload" tools=${html`<button type="button" class="quiet" onClick=${() => { setPayload(c.example); setRound(round + 1) }}>example</button><button type="button" class="quiet" aria-pressed=${raw} onClick=${() => setRaw(!raw)}>JSON</button>`}>
      <form onSubmit=${submit} novalidate>
        <label class="field" for="aggregate-id"><span class="label">${c.aggregate} id${c.creates ? '' : html`<i aria-hidden="true">*</i>`}</span><input id="aggregate-id" value=${id} required=${!c.creates} onInput=${e => setId(e.target.value)} autocomplete="off" spellcheck="false" aria-invalid=${fault('id') || fault('/id') ? true : undefined} /><small>${c.creates ? 'may be left out: it is then made from the command id' : ''}</small></label>
        <div key=${round}>${raw ? html`<${Raw} label="Payload as JSON" rows=${12} value=${payload} onChange=${setPayload} />` : html`<${Field} schema=${c.schema} value=${payload} onChange=${setPayload} path="/payload" fault=${fault} required />`}</div>
        <details class="more"><summary>Command id, expected version</summary>
          <label class="field" for="command-id"><span class="label">command id</span><input id="command-id" class="mono" value=${more.commandId} onInput=${e => setMore({ ...more, commandId: e.target.value })} /><small>a repeat with the same id gets the first answer again</small></label>
          <label class="field" for="expected"><span class="label">expected version</span><input id="expected" inputmode="numeric" value=${more.expected} onInput=${e => setMore({ ...more, expected: e.target.value.replace(/\D/g, '') })} /><small>rejected unless the stream is at it</small></label></details>
        <div class="bar end"><button class=${app.write ? '' : 'primary'} disabled=${!!busy}>${busy === 'dry' ? '…' : 'Dry run'}</button>
          ${app.write ? html`<button type="button" class="primary" disabled=${!!busy} onClick=${() => run(false)}>${busy === 'send' ? '…' : 'Send'}</button>` : html`<span class="muted">Read only: start the console with <code>-write</code> to send.</span>`}</div>
      </form><//>
      <div>${answer ? html`<${Answer} a=${answer} app=${app} onAgain=${() => setMore({ ...more, commandId: fresh() })} />` : html`<${Panel} title="Answer"><p class="muted">A dry run shows events, the new state, claims and cost, or the rejection.</p><//>`}
      <${Panel} title="Schema"><details><summary>JSON Schema of the payload</summary><pre class="code" tabindex="0">${JSON.stringify(c.schema, null, 2)}</pre></details><//></div></div>`
}

function Answer({ a, app, onAgain }) {
  if (a.error) return html`<${Panel} title=${a.error.code && a.error.status === 422 ? 'Rejected' : 'Refused'} cls="bad"><${Notice} error=${a.error} /><//>`
  const d = a.data
  if (!a.dryRun) return html`<${Panel} title="Accepted" cls="good" tools=${html`<button class="quiet" onClick=${onAgain}>new command id</button>`}>
      <p>${d.version ? html`<${Stream} name="${d.stream}" version=${d.version} />` : html`<code>${d.stream}</code>`} ${d.started && html`<${Tag} kind="ok">started<//>`} ${d.replayed && html`<${Tag} kind="warn">replayed: this command id was answered before<//>`}</p>
      ${d.token ? html`<${Trace} token=${d.token} stream=${d.stream} app=${app} />` : html`<p class="muted">Nothing to do: the stream is as the command asks.</p>`}
      <p><a href=${link('explain', a.commandId)}>Explain: what follows from it</a></p><//>`
  return html`<${Panel} title="Dry run: accepted" cls="good">
    ${d.replayed && html`<${Notice} kind="warn">This command id was answered before: sending would change nothing.<//>`}
    ${d.streams.length === 0 && !d.replayed && html`<p class="muted">Nothing to do: the stream is as the command asks.</p>`}
    ${d.streams.map(s => html`<div class="event"><h3><${Stream} name=${s.stream} /> <span class="muted">would be at version ${s.version}</span></h3>
      ${s.events.map(e => html`<div><b>${e.name}</b><${Json} v=${e.data} /></div>`)}
      <h4>change of the state</h4><${Diff} changes=${differences(s.before, s.after)} />
      ${s.claims?.length ? html`<p>claims ${s.claims.map(k => html`<code>${k}</code> `)}</p>` : ''}${s.releases?.length ? html`<p>releases ${s.releases.map(k => html`<code>${k}</code> `)}</p>` : ''}</div>`)}
    <p class="muted">It would cost about ${plural(d.writeUnits, 'write unit')}${d.appends > 1 ? ' in one transaction' : ''}.</p><//>`
}

// Trace follows an accepted command to the rows of the views of its stream.
function Trace({ token, stream, app }) {
  const { aggregate, id } = partsOf(stream)
  const views = app.flows.filter(f => f.kind === 'view' && f.from === aggregate && app.views.find(v => v.name === f.to)?.kind === 'rows').map(f => f.to)
  const [seen, set] = useState({})
  useEffect(() => {
    let stopped = false, tries = 0
    const look = async () => {
      const state = await get('followed' + query({ token })).catch(() => undefined)
      if (stopped) return
      if (state) set(Object.fromEntries(state.followers.map(f => [`${f.kind}/${f.name}`, f])))
      if (++tries < 40 && !(state?.followers.every(f => f.applied || f.parked))) setTimeout(look, 250)
    }
    look()
    return () => { stopped = true }
  }, [token])
  return html`<ul class="trace">${Object.values(seen).map(f => html`<li class=${f.applied ? 'ok' : f.parked ? 'bad' : ''}>${f.applied ? '✓' : f.parked ? '✕' : '…'} <a href=${f.kind === 'view' ? link('views', f.name) + (views.includes(f.name) ? `?key=${encodeURIComponent(id)}` : '') : link('processes', f.name)}>${f.name}</a> <span class="muted">${f.kind === 'view' ? 'view' : f.kind} ${f.applied ? 'has it' : f.parked ? 'is parked' : 'is behind'}</span></li>`)}</ul>`
}
