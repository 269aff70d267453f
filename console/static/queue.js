// The command queue: what waits in it, and its dead letters.
import { html, useState } from './vendor/htm-preact.js'
import { post, useLoad } from './api.js'
import { Act, Loaded, Notice, Page, Table, Time, link, number } from './ui.js'

export function Queue({ app }) {
  const letters = useLoad('letters')
  const health = useLoad('health', { every: 4000 })
  const queue = health.data?.queue
  const [chosen, choose] = useState(new Set())
  const [done, setDone] = useState()
  const toggle = id => { const next = new Set(chosen); next.has(id) ? next.delete(id) : next.add(id); choose(next) }
  const act = what => async () => { const r = await post('letters', { action: what, ids: [...chosen] }); setDone(r.letters); choose(new Set()) }
  return html`<${Page} title="Queue" sub="Commands that were sent with Prefer: respond-async wait here; those that failed for good are dead letters." tools=${html`<button onClick=${letters.reload}>Look again</button>`} />
    <dl class="facts"><div class="fact"><dt>Pending</dt><dd>${queue ? number(queue.pending) : '–'}</dd></div><div class="fact"><dt>In flight</dt><dd>${queue ? number(queue.inFlight) : '–'}</dd></div><div class="fact ${queue?.dead ? 'bad' : ''}"><dt>Dead letters</dt><dd>${queue ? number(queue.dead) : '–'}</dd></div></dl>
    ${done && html`<${Notice} kind="ok">${done.map(l => html`<div><code>${l.id}</code> ${l.command} ${l.outcome}${l.text ? `: ${l.text}` : ''}</div>`)}<//>`}
    <${Loaded} of=${letters}>${d => html`
      ${app.write && d.letters.length > 0 && html`<div class="bar">
        <${Act} label="Redrive ${chosen.size || ''}" disabled=${!chosen.size} run=${act('redrive')} onDone=${letters.reload} />
        <${Act} label="Drop ${chosen.size || ''}" sure="Delete ${chosen.size} permanently?" disabled=${!chosen.size} run=${act('drop')} onDone=${letters.reload} /></div>`}
      <${Table} label="Dead letters" rows=${d.letters} keyOf=${l => l.id} empty="No dead letters." columns=${[
        ...app.write ? [{ name: '', cls: 'tight', head: html`<input type="checkbox" aria-label="Choose all" checked=${chosen.size === d.letters.length && chosen.size > 0} onChange=${e => choose(new Set(e.target.checked ? d.letters.map(l => l.id) : []))} />`, cell: l => html`<input type="checkbox" aria-label="Choose ${l.id}" checked=${chosen.has(l.id)} onChange=${() => toggle(l.id)} />` }] : [],
        { name: 'Command', cell: l => html`<b>${l.command ?? 'unreadable'}</b>` },
        { name: 'Stream', cell: l => html`<span class="mono">${l.group}</span>` },
        { name: 'Error', cls: 'wide', cell: l => html`${l.code && html`<code class="bad">${l.code}</code>`} ${l.text}` },
        { name: 'Receives', cls: 'num', cell: l => l.receives },
        { name: 'Sent', cls: 'tight', cell: l => html`<${Time} at=${l.sent} />` },
        { name: 'Id', cell: l => html`<a href=${link('explain', l.id)}><code>${l.id}</code></a>` },
      ]} />
      ${d.more && html`<p class="muted">There are more: the first ${number(d.letters.length)} that could be received are shown, at most ten of each stream.</p>`}
      ${!app.write && d.letters.length > 0 && html`<p class="muted">Read only: start the console with <code>-write</code> to redrive or drop.</p>`}`}<//>`
}
