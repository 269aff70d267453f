// Process managers and outboxes: what runs, what waits, what is stuck.
import { html, useState } from './vendor/htm-preact.js'
import { post, query, useLoad } from './api.js'
import { Act, Json, Loaded, Notice, Page, Pager, Panel, Stream, Table, Tag, Time, link, number, partsOf, plural, span, useQuery } from './ui.js'
import { Parked } from './views.js'

export function Processes({ app }) {
  const health = useLoad('health', { every: 5000 })
  const state = name => health.data?.followers.find(f => f.name === name && f.kind !== 'view')
  return html`<${Page} title="Processes" sub="Process managers send commands and set timers because of events; outboxes publish events." />
    <${Notice} error=${health.error} />
    <${Table} label="Processes" rows=${app.processes} keyOf=${p => p.name} empty="The application declares no process manager and no outbox." columns=${[
      { name: 'Name', cell: p => html`<a href=${link('processes', p.name)}>${p.name}</a>` },
      { name: 'Kind', cell: p => p.kind === 'manager' ? 'process manager' : p.kind },
      { name: 'Follows', cls: 'wide', cell: p => app.flows.filter(f => f.to === p.name && f.kind === p.kind).map(f => html`<span><b>${f.from}</b> <span class="muted">${f.events.join(', ')}</span> </span>`) },
      { name: 'Lag', cls: 'num', cell: p => { const s = state(p.name); return !s ? '' : s.behind ? html`<span class="warn">${span(s.seconds)}</span>` : html`<span class="muted">none</span>` } },
      { name: 'Parked', cls: 'num', cell: p => { const s = state(p.name); return s?.parked ? html`<${Tag} kind="bad">${number(s.parked)}<//>` : '' } },
    ]} />`
}

export function OneProcess({ app, id }) {
  const [q, change] = useQuery()
  const p = app.processes.find(p => p.name === id)
  if (!p) return html`<${Page} title=${id} /><${Notice}>There is no process manager or outbox ${id}.<//>`
  const tab = q.tab ?? 'running'
  const tabs = [['running', 'Instances'], ['parked', 'Parked'], ...p.publishes?.length ? [['messages', 'Messages']] : []]
  return html`<${Page} title=${id} sub=${html`${p.kind === 'manager' ? 'Process manager' : 'Outbox'} of ${app.flows.filter(f => f.to === id && f.kind === p.kind).map((f, i) => html`${i ? ', ' : ''}<a href="${link('streams')}?aggregate=${f.from}">${f.from}</a>`)}.`} />
    <nav class="tabs" aria-label="Parts of the process">${tabs.map(([key, name]) => html`<a href="${link('processes', id)}?tab=${key}" aria-current=${tab === key ? 'page' : undefined}>${name}</a>`)}</nav>
    ${tab === 'running' && html`<${Instances} p=${p} app=${app} q=${q} change=${change} />`}
    ${tab === 'parked' && html`<${Parked} name=${id} app=${app} />`}
    ${tab === 'messages' && html`<${Messages} p=${p} />`}`
}

function Instances({ p, app, q, change }) {
  const [named, name] = useState(q.stream ?? '')
  const all = useLoad('instances' + query({ process: p.name, stream: q.stream, cursor: q.cursor }), { every: q.cursor ? undefined : 4000 })
  const go = e => { e.preventDefault(); change({ stream: named.trim(), cursor: '' }) }
  return html`<form class="bar" role="search" onSubmit=${go}><input type="search" value=${named} onInput=${e => name(e.target.value)} placeholder="a stream, such as ${app.flows.find(f => f.to === p.name)?.from}/7" aria-label="Stream" spellcheck="false" autocomplete="off" /><button>Show</button></form>
  <${Loaded} of=${all}>${d => html`
    <${Table} label="Instances of ${p.name}" rows=${d.instances} keyOf=${i => i.stream} empty=${d.next ? 'None on this page; there are more.' : 'Nothing runs here.'} columns=${[
      { name: 'Stream', cell: i => html`<${Stream} name=${i.stream} />` },
      { name: 'State', cell: i => i.parked ? html`<${Tag} kind="bad">parked<//> <span class="bad">${i.parked.text}</span>` : i.attempts ? html`<${Tag} kind="warn">${plural(i.attempts, 'failed attempt')}<//>` : i.timers?.length ? html`<${Tag} kind="info">waits<//>` : html`<span class="muted">handled commit ${i.commit}</span>` },
      { name: 'Timers', cell: i => (i.timers ?? []).map(t => html`<a class="timer" href=${link('explain', t.id)}>${t.name}${t.due ? html` <${Time} at=${t.due} />` : ''}</a>`) },
      { name: 'Rejections', cell: i => (i.rejections ?? i.answered ?? []).map(r => html`<span class="timer">${r.command} <code>${r.code}</code></span>`) },
      { name: 'Remembers', cls: 'wide', cell: i => i.memory === undefined || i.memory === null ? '' : html`<details><summary class="mono">${JSON.stringify(i.memory).slice(0, 48)}</summary><${Json} v=${i.memory} /></details>` },
      { name: 'Last commit', cls: 'tight', cell: i => html`<${Time} at=${i.time} />` },
      { name: 'Step', cls: 'tight', cell: i => html`<a href=${link('explain', i.stream)}>explain</a>${app.write ? html` · <a href="${link('commands')}?aggregate=${partsOf(i.stream).aggregate}&id=${encodeURIComponent(partsOf(i.stream).id)}">send</a>${i.parked ? html` <${Act} label="Retry" run=${() => post('redrive', { name: p.name, stream: i.stream })} onDone=${all.reload} />` : ''}` : ''}` },
    ]} />
    <${Pager} count=${d.instances.length} what="instance" next=${d.next} first=${q.cursor} onNext=${() => change({ cursor: d.next }, true)} onFirst=${() => change({ cursor: '' })} />`}<//>`
}

const Messages = ({ p }) => html`${p.publishes.map(m => html`<${Panel} title=${html`<code>${m.type}</code>`}><p>made of event <code>${m.event}</code></p><details><summary>JSON Schema of the data</summary><pre class="code" tabindex="0">${JSON.stringify(m.schema, null, 2)}</pre></details><//>`)}`
