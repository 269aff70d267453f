// A rehearsal: what deploying the code of another program would change.
import { html, useState, useEffect } from './vendor/htm-preact.js'
import { useLoad } from './api.js'
import { Diff, Empty, Loaded, Notice, Page, Panel, Stream, Table, Tag, Time, differences, link, number, plural, span } from './ui.js'

const pageOf = 20 // samples

export function Rehearsal({ app }) {
  const [over, end] = useState(false)
  const all = useLoad('rehearsal', { every: over ? undefined : 1500 })
  const state = all.data?.state
  useEffect(() => { if (state && state !== 'running') end(true) }, [state])
  return html`<${Page} title="Rehearsal" sub="What deploying this code would change. A rehearsal writes nothing." />
    <${Loaded} of=${all}>${d => d.state === 'none' ? html`<${None} name=${app.name} />` : html`<${Shown} d=${d} />`}<//>`
}

const None = ({ name }) => html`<${Empty}>This console shows no rehearsal. <code>${name} rehearse -console</code> runs your code over what is stored here, and shows it on this page while it runs. <code>${name} console -rehearsal FILE</code> shows what <code>${name} rehearse -json</code> wrote.<//>`

const sum = counts => Object.values(counts ?? {}).reduce((a, n) => a + n, 0)
const changes = v => sum(v.changes?.rows) || v.differences?.length || v.incomparable
const acts = p => Object.entries(p ?? {}).some(([change, n]) => change !== 'same' && n > 0)

function Shown({ d }) {
  const r = d.report
  const rows = (r.views ?? []).reduce((n, v) => n + ['added', 'changed', 'removed'].reduce((n, k) => n + (v.changes?.rows?.[k] ?? 0), 0), 0)
  const running = d.state === 'running'
  const events = (r.faults ?? []).reduce((n, f) => n + f.count, 0)
  return html`<dl class="meta about"><div><dt>Code</dt><dd><b>${r.app}</b> ${r.build}</dd></div><div><dt>Events of</dt><dd>${r.store}</dd></div><div><dt>Began</dt><dd><${Time} at=${r.began} exact /></dd></div></dl>
    <${Verdict} d=${d} />
    <dl class="facts">
      <${Fact} name="Events" value=${number(r.events)} more=${r.seconds > 0 ? `${number(Math.round(r.events / r.seconds))} a second` : ''} />
      <${Fact} name="Streams" value=${number(r.streams)} />
      <${Fact} name="Can't be read" value=${number(events)} more="events" bad=${events} />
      <${Fact} name="Rows change" value=${number(rows)} warn=${rows} />
      <${Fact} name="States differ" value=${number(r.states.differ)} more=${`of ${number(r.states.compared)}`} warn=${r.states.differ} />
      <${Fact} name=${running ? 'So far' : 'Took'} value=${span(d.seconds)} />
      <${Fact} name="Rebuilds" value=${running ? '–' : `$ ${money(r.dollars)}`} more=${running ? '' : `${r.region}, ${r.prices}`} /></dl>
    <${Faults} all=${r.faults ?? []} />
    <${Views} all=${r.views ?? []} running=${running} app=${r.app} />
    ${(r.views ?? []).filter(changes).map(v => html`<${ViewChanges} key=${v.name} v=${v} app=${r.app} />`)}
    <${Decisions} d=${r.decisions} />
    <${Processes} all=${r.processes ?? []} />
    <${States} s=${r.states} />`
}

const money = n => n === 0 || n >= 0.01 ? n.toFixed(2) : n.toPrecision(1)

const Fact = ({ name, value, more, bad, warn }) => html`<div class="fact ${bad ? 'bad' : warn ? 'warn' : ''}"><dt>${name}</dt><dd>${value}${more && html`<small>${more}</small>`}</dd></div>`

// Verdict says how it ended, or how far it is.
function Verdict({ d }) {
  const r = d.report
  if (d.state === 'failed') return html`<${Notice}>It failed: ${d.error}. What it found before is shown.<//>`
  if (d.state === 'running') {
    const total = Math.max(d.total, d.commits)
    return html`<div class="notice ok running" role="status"><progress max=${d.total ? total : undefined} value=${d.total ? d.commits : undefined} aria-label="Commits read"></progress>
      Read ${number(d.commits)}${d.total ? ` of about ${number(total)}` : ''} commits, ${plural(d.rows, 'row')}. The numbers below are of the parts that are done.</div>`
  }
  return html`${r.differs ? html`<${Notice} kind="warn">Something differs: deploying this code changes what is listed here.<//>` : html`<${Notice} kind="ok">Nothing differs${r.damaged ? ' in what could be read' : ''}: events decode, and rows, states and effects are as this code makes them.<//>`}
    ${r.damaged && html`<${Notice}>${plural(r.damaged.count, 'stream')} can't be read whole, by any code, and nothing of them was compared: ${r.damaged.streams.map(s => s.stream).join(', ')}${r.damaged.count > r.damaged.streams.length && ' …'}<//>`}
    ${r.unread > 0 && html`<${Notice} kind="warn">${plural(r.unread, 'stream')} changed while being read: run it again.<//>`}`
}

const tones = { added: 'ok', released: 'ok', removed: 'bad', parked: 'bad', dropped: 'bad', fault: 'bad', rejected: 'bad', changed: 'warn', memory: 'info', unproven: 'warn', events: 'warn', claims: 'warn' }

// Counts lists how much there is of each kind.
const Counts = ({ of, none = 'none' }) => sum(of) ? Object.entries(of).sort().map(([kind, n]) => html`<${Tag} kind=${kind === 'same' ? '' : tones[kind]}>${number(n)} ${kind}<//> `) : html`<span class="muted">${none}</span>`

function Views({ all, running, app }) {
  if (!all.length) return ''
  const rebuilds = all.filter(v => v.rebuild)
  return html`<${Panel} title="Views"><${Table} label="Views" rows=${all} keyOf=${v => v.name} empty="" columns=${[
      { name: 'View', cell: v => changes(v) ? html`<a href=${'#/rehearsal'} onClick=${e => { e.preventDefault(); document.getElementById('view-' + v.name)?.scrollIntoView() }}>${v.name}</a>` : v.name },
      { name: 'Declared', cell: v => html`v${v.version}${v.needsVersion ? html` <${Tag} kind="bad">needs v${v.version + 1}<//>` : ''}` },
      { name: 'Table', cell: v => v.table },
      { name: 'Compared', cls: 'num', cell: v => number(v.rows) },
      { name: 'Rows', cell: v => v.incomparable ? html`<${Tag} kind="warn">all<//> ${v.incomparable}` : html`<${Counts} of=${v.changes?.rows} none=${running ? 'none yet' : 'none change'} />` },
      { name: 'Index entries', cls: 'wide', cell: v => Object.entries(v.changes?.indexes ?? {}).sort().map(([name, of]) => html`<div><code>${name}</code> <${Counts} of=${of} /></div>`) },
      ...all.some(v => v.behind) ? [{ name: 'Behind', cls: 'num', cell: v => v.behind ? number(v.behind) : '' }] : [],
    ]} /><//>
    ${rebuilds.length > 0 && html`<${Panel} title="Rebuilds"><${Table} label="Rebuilds" rows=${rebuilds} keyOf=${v => v.name} empty="" columns=${[
      { name: 'View', cell: v => v.name },
      { name: 'Reads', cls: 'num', cell: v => `${number(v.rebuild.readUnits)} units` },
      { name: 'Writes', cls: 'num', cell: v => `${number(v.rebuild.writeUnits)} units` },
      { name: 'Items', cls: 'num', cell: v => number(v.rebuild.writes) },
      { name: 'Takes about', cls: 'num', cell: v => span(v.rebuild.seconds) },
      { name: 'Command', cell: v => html`<code>${app} rebuild ${v.name}</code>` },
    ]} /><//>`}`
}

function ViewChanges({ v, app }) {
  const shown = v.samples ?? []
  const found = sum(v.changes?.rows)
  return html`<${Panel} id=${'view-' + v.name} title=${v.name} tools=${html`<span class="muted">${found ? `${number(Math.min(shown.length, found))} of ${plural(found, 'difference')} listed` : ''}</span>`}>
    ${v.needsVersion && html`<${Notice}>The declaration changed and its version did not, so the projector refuses the table: raise <code>Version(${v.version + 1})</code> and run <code>${app} rebuild ${v.name}</code>.<//>`}
    ${v.differences?.length > 0 && html`<ul class="differences">${v.differences.map(d => html`<li>${d}</li>`)}</ul>`}
    ${v.incomparable && html`<p class="muted">No row was compared: ${v.incomparable}. A rebuild writes all rows.</p>`}
    <${Samples} all=${shown} of=${f => html`<${Item} f=${f} /> <${Tag} kind=${tones[f.change]}>${f.change}<//> ${Object.entries(f.entries ?? {}).map(([name, kind]) => html`<${Tag} kind=${tones[kind]}>index ${name} ${kind}<//> `)}
      ${f.text && html`<p class="bad">${f.text}</p>`}
      <${Sides} changes=${(f.fields ?? []).map(x => ({ path: x.name, before: x.stored, after: x.expected }))} />`} /><//>`
}

// Item is what differs: a row, or what a keyed view remembers of a stream.
const Item = ({ f }) => html`${f.row !== undefined || !f.stream ? html`row <code>${f.row || '(empty)'}</code> ` : 'memory '}${f.stream ? html`of <${Stream} name=${f.stream} />` : ''}`

// Samples lists examples, some at a time.
function Samples({ all, of }) {
  const [shown, show] = useState(pageOf)
  if (!all.length) return ''
  return html`<ol class="samples">${all.slice(0, shown).map((s, i) => html`<li key=${i}>${of(s)}</li>`)}</ol>
    ${all.length > shown && html`<p><button onClick=${() => show(shown + 10 * pageOf)}>More: ${number(all.length - shown)}</button></p>`}`
}

// decided is a decision as a value to compare.
const decided = events => ({ events: (events ?? []).map(e => ({ [e.name]: e.data })) })

// Decisions are of commands that were kept, and decided again.
function Decisions({ d }) {
  if (!d || !sum({ ...d, commands: 0 })) return ''
  const left = [['notKept', 'not kept'], ['across', 'over several streams'], ['erased', 'of erased persons'], ['noState', 'without a state']].filter(([name]) => d[name]).map(([name, text]) => `${number(d[name])} ${text}`)
  const differ = (d.commands ?? []).filter(c => c.samples?.length)
  return html`<${Panel} title="Decisions"><p>${plural(d.decided, 'kept command')} decided again, ${d.differ ? html`<span class="warn">${number(d.differ)} ${d.differ === 1 ? 'differs' : 'differ'}</span>` : 'none differs'}.${left.length > 0 && html` <span class="muted">Not decided: ${left.join(', ')}.</span>`}</p>
    ${(d.commands ?? []).length > 0 && html`<${Table} label="Decisions" rows=${d.commands} keyOf=${c => c.name} empty="" columns=${[
      { name: 'Command', cell: c => c.name }, { name: 'Decisions', cls: 'wide', cell: c => html`<${Counts} of=${c.counts} />` }]} />`}<//>
    ${differ.map(c => html`<${Panel} title="Decisions of ${c.name}"><${Samples} all=${c.samples} of=${s => html`<${Tag} kind=${tones[s.change]}>${s.change}<//> ${at(s.at)} ${s.code && html`<code class="bad">${s.code}</code>`} ${s.text && html`<p class="muted">${s.text}</p>`}
      <${Sides} changes=${differences(decided(s.before), decided(s.after))} />`} /><//>`)}`
}

// Sides shows differences side by side: as it is, and as the code makes it.
const Sides = ({ changes }) => changes.length ? html`<div class="beside"><div class="heads" aria-hidden="true"><span></span><span>is</span><span>would be</span></div><${Diff} changes=${changes} /></div>` : ''

const at = token => { const i = token.lastIndexOf('@'); return html`<${Stream} name=${i < 0 ? token : token.slice(0, i)} version=${i < 0 ? undefined : token.slice(i + 1)} />` }

function Faults({ all }) {
  if (!all.length) return ''
  return html`<${Panel} title="Events that can't be read" cls="bad"><${Table} label="Events that can't be read" rows=${all} empty="" columns=${[
    { name: 'Event', cell: f => html`<b>${f.event || 'others'}</b>` },
    { name: 'Schema', cls: 'num', cell: f => f.schema || '' },
    { name: 'Events', cls: 'num', cell: f => number(f.count) },
    { name: 'Error', cls: 'wide', cell: f => f.error },
    { name: 'Such as', cell: f => f.samples.slice(0, 5).map(s => html`<div>${at(s)}</div>`) },
  ]} /><//>`
}

function Processes({ all }) {
  if (!all.length) return ''
  const differ = all.filter(p => p.samples?.length)
  return html`<${Panel} title="Processes"><${Table} label="Processes" rows=${all} keyOf=${p => p.name} empty="" columns=${[
      { name: 'Process', cell: p => html`<a href=${link('processes', p.name)}>${p.name}</a>` },
      { name: 'Commands', cell: p => html`<${Counts} of=${p.commands} />` },
      { name: 'Timers', cell: p => html`<${Counts} of=${p.timers} />` },
      { name: 'Memories', cls: 'num', cell: p => p.memories ? html`<${Tag} kind="warn">${number(p.memories)} differ<//>` : '' },
      { name: 'Would be parked', cls: 'num', cell: p => p.faults ? html`<${Tag} kind="bad">${plural(p.faults, 'stream')}<//>` : '' },
      { name: 'Messages', cls: 'num', cell: p => p.messages ? number(p.messages) : '' },
    ]} />
    ${all.some(p => acts(p.commands) && p.commands.unproven) && html`<p class="muted">Unproven: the code would send the command, and nothing stored shows that it was sent, or that it was rejected.</p>`}<//>
    ${differ.map(p => html`<${Panel} title="Effects of ${p.name}"><${Samples} all=${p.samples} of=${s => html`${s.kind} ${s.name && html`<b>${s.name}</b> `}<${Tag} kind=${tones[s.change]}>${s.change}<//> ${s.kind === 'command' ? 'because of' : 'of'} ${at(s.event)}${s.id && html` → ${s.id.includes('@') ? at(s.id) : s.id}`} ${s.text && html`<p class="muted">${s.text}</p>`}`} /><//>`)}`
}

function States({ s }) {
  const rest = [s.otherSchema && `${number(s.otherSchema)} of another schema version are ignored by the code`, s.erased && `${number(s.erased)} of erased persons were left out`].filter(Boolean).join('; ')
  return html`<${Panel} title="States in snapshots"><p>${plural(s.compared, 'snapshot')} compared, ${s.differ ? html`<span class="warn">${number(s.differ)} ${s.differ === 1 ? 'differs' : 'differ'}</span>` : 'none differs'}.${rest && html` <span class="muted">${rest}.</span>`}</p>
    <${Samples} all=${s.samples ?? []} of=${x => html`${at(x.at)} ${x.error ? html`<p class="bad">${x.error}</p>` : html`<${Sides} changes=${differences(x.stored, x.expected)} />`}`} /><//>`
}
