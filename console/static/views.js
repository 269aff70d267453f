// Views: rows by their indexes, tables, and streams that could not be followed.
import { html, useState } from './vendor/htm-preact.js'
import { get, post, query, useLoad, Exact } from './api.js'
import { Act, Diff, Empty, Json, Loaded, Notice, Page, Pager, Panel, Stream, Table, Tag, Time, bytes, link, number, plural, useQuery } from './ui.js'

const tableState = { right: 'ok', filling: 'warn', lacking: 'bad', unfilled: 'warn' }

export function Views() {
  const views = useLoad('views', { every: 5000 })
  return html`<${Page} title="Views" sub="What queries answer from: a table each, made of events." />
    <${Loaded} of=${views}>${d => html`<${Table} label="Views" rows=${d.views} keyOf=${v => v.view} empty="The application declares no view." columns=${[
      { name: 'View', cell: v => html`<a href=${link('views', v.view)}>${v.view}</a>` },
      { name: 'Kind', cell: v => v.kind },
      { name: 'Tables', cell: v => html`${v.tables.map(t => html`<${Tag} kind=${t.mismatch ? 'bad' : tableState[t.state]}>${t.table}${t.answers ? ' answers' : ''}${t.state !== 'right' ? ` ${t.state}` : ''}<//> `)}` },
      { name: 'Items', cls: 'num', cell: v => number(v.items) },
      { name: 'Size', cls: 'num', cell: v => bytes(v.bytes) },
      { name: 'Parked', cls: 'num', cell: v => v.parked ? html`<${Tag} kind="bad">${number(v.parked)}<//>` : '' },
    ]} />`}<//>`
}

export function OneView({ app, id }) {
  const [q, change] = useQuery()
  const view = app.views.find(v => v.name === id)
  if (!view) return html`<${Page} title=${id} /><${Notice}>There is no view ${id}.<//>`
  const tab = q.tab ?? 'rows'
  const follows = app.flows.filter(f => f.kind === 'view' && f.to === id)
  const tabs = [['rows', 'Rows'], ['parked', 'Parked'], ['tables', 'Tables'], ['shape', 'Shape']]
  return html`<${Page} title=${id} sub=${html`${view.kind === 'keyed' ? 'Keyed rows' : 'A row for each stream'} of ${follows.map((f, i) => html`${i ? ', ' : ''}<a href="${link('streams')}?aggregate=${f.from}">${f.from}</a>`)}, version ${view.version}.`} />
    <nav class="tabs" aria-label="Parts of the view">${tabs.map(([key, name]) => html`<a href="${link('views', id)}?tab=${key}" aria-current=${tab === key ? 'page' : undefined}>${name}</a>`)}</nav>
    ${tab === 'rows' && html`<${Rows} view=${view} q=${q} change=${change} />`}
    ${tab === 'parked' && html`<${Parked} name=${id} app=${app} />`}
    ${tab === 'tables' && html`<${Tables} name=${id} app=${app} />`}
    ${tab === 'shape' && html`<${Shape} view=${view} follows=${follows} />`}`
}

const indexName = x => x.partition ? `${x.partition}, by ${x.sort}` : `all, by ${x.sort}`
const words = { eq: 'is', ne: 'is not', lt: 'below', lte: 'at most', gt: 'above', gte: 'at least', prefix: 'begins with', in: 'one of', exists: 'exists' }

// Rows filters by the key or by a declared index: nothing else is served.
function Rows({ view, q, change }) {
  const index = view.indexes.find(x => x.name === q.index) ?? undefined
  const [draft, set] = useState({ key: q.key ?? '', part: q.part ?? '', op: q.op ?? 'eq', value: q.value ?? '' })
  const params = {}
  if (index) {
    if (index.partition) params[index.partition] = q.part
    if (q.value) params[q.op === 'eq' || !q.op ? index.sort : `${index.sort}.${q.op}`] = q.value
    params.sort = (q.desc ? '-' : '') + index.sort
  }
  const ready = index ? !index.partition || q.part : q.key
  const start = !q.index && !q.key && view.indexes.find(x => !x.partition)
  const path = ready ? (index ? `rows/${view.name}` + query({ ...params, cursor: q.cursor, limit: 50 }) : '') : start ? `rows/${view.name}` + query({ sort: start.sort, cursor: q.cursor, limit: 50 }) : ''
  const rows = useLoad(path)
  const sort = view.fields.find(f => f.name === (index?.sort ?? 'id'))
  const submit = e => { e.preventDefault(); change({ ...(index ? { part: draft.part, op: draft.op, value: draft.value } : { key: draft.key }), cursor: '' }) }
  const input = (name, label, list) => html`<label>${label}<input name=${name} value=${draft[name]} onInput=${e => set({ ...draft, [name]: e.target.value })} list=${list} autocomplete="off" spellcheck="false" /></label>`
  return html`<form class="bar filters" onSubmit=${submit}>
      <label>by<select name="index" value=${q.index ?? ''} onChange=${e => { set({ ...draft, part: '', value: '' }); change({ index: e.target.value, key: '', part: '', value: '', op: '', cursor: '', row: '' }) }}>
        <option value="">key</option>${view.indexes.map(x => html`<option value=${x.name}>${indexName(x)}</option>`)}</select></label>
      ${!index && input('key', 'id')}
      ${index?.partition && input('part', index.partition)}
      ${index && index.sort !== 'id' && html`<label>${index.sort}<select name="op" value=${draft.op} onChange=${e => set({ ...draft, op: e.target.value })}>${(sort?.operators ?? ['eq']).filter(o => !['ne', 'in', 'exists'].includes(o)).map(o => html`<option value=${o}>${words[o] ?? o}</option>`)}</select></label>${input('value', 'value')}`}
      <button>Show</button>
      ${index && html`<button type="button" aria-pressed=${!!q.desc} onClick=${() => change({ desc: q.desc ? '' : '1', cursor: '' })}>${q.desc ? '↓ descending' : '↑ ascending'}</button>`}
    </form>
    ${!index && q.key && html`<${OneRow} view=${view} id=${q.key} />`}
    ${path ? html`<${Loaded} of=${rows}>${d => html`
      ${d.parked && html`<${Notice} kind="warn">Some rows are behind, since a stream is parked: see <a href="${link('views', view.name)}?tab=parked">Parked</a>.<//>`}
      <${RowTable} view=${view} rows=${d.items} sort=${params.sort ?? start?.sort} onOpen=${row => change({ row }, true)} />
      <${Pager} count=${d.items.length} next=${d.next} first=${q.cursor} onNext=${() => change({ cursor: d.next }, true)} onFirst=${() => change({ cursor: '' })} />`}<//>`
    : !q.key && html`<${Empty}>${index ? `Name the ${index.partition} whose rows to list.` : view.indexes.length ? 'Name a key, or choose an index to list rows.' : 'Name the key of a row: this view has no index.'}<//>`}
    ${q.row && html`<${OneRow} view=${view} id=${q.row} close=${() => change({ row: '' })} />`}`
}

function Cell({ v }) {
  if (v === undefined || v === null) return html`<span class="muted">–</span>`
  if (typeof v === 'object' && !(v instanceof Exact)) return html`<span class="muted" title=${JSON.stringify(v)}>${Array.isArray(v) ? `[${v.length}]` : '{…}'}</span>`
  return String(v)
}

function RowTable({ view, rows, sort = '', onOpen }) {
  const names = [...new Set(['id', ...view.fields.map(f => f.name), ...rows.flatMap(r => Object.keys(r))])]
  const numeric = new Set(view.fields.filter(f => f.type === 'integer' || f.type === 'number').map(f => f.name))
  return html`<${Table} label="Rows of ${view.name}" rows=${rows} keyOf=${r => r.id} empty="No rows." columns=${names.map(n => ({
    name: n, cls: numeric.has(n) ? 'num' : '', sorted: sort === n ? 'ascending' : sort === '-' + n ? 'descending' : undefined,
    cell: r => n === 'id' ? html`<button class="linkish mono" onClick=${() => onOpen(r.id)}>${r.id === '' ? '(empty)' : r.id}</button>` : html`<${Cell} v=${r[n]} />`,
  }))} />`
}

// OneRow shows a row, and compares it with its events when asked.
function OneRow({ view, id, close }) {
  const row = useLoad('row' + query({ view: view.name, key: id }) + (id === '' ? '&key=' : ''))
  const [check, setCheck] = useState()
  const run = async () => { try { setCheck({ data: await get('verify' + query({ view: view.name, key: id })) }) } catch (error) { setCheck({ error }) } }
  return html`<${Panel} title=${html`Row <code>${id}</code>`} cls="row" tools=${html`<button onClick=${run}>Compare with the events</button>${close && html`<button class="quiet" onClick=${close} aria-label="Close">✕</button>`}`}>
    <${Loaded} of=${row} rows=${4}>${d => html`<div class="sides"><div><${Json} v=${d.row} /></div><div>
      ${d.stream && html`<p><${Stream} name=${d.stream} /></p>`}
      ${d.parked && html`<${Notice} kind="warn">The row is behind: its stream is parked.<//>`}
      ${check && html`<${Notice} error=${check.error} />${check.data && html`<${Verdict} v=${check.data} />`}`}</div></div>`}<//>
  <//>`
}

function Verdict({ v }) {
  if (v.right) return html`<${Notice} kind="ok">As its events say, up to commit ${v.applied ?? '–'}.<//>`
  return html`<${Notice} kind="warn">${v.text || v.kind}<//><${Diff} none="" changes=${(v.fields ?? []).map(f => ({ path: f.name, before: f.stored, after: f.expected }))} />`
}

// Parked lists parked streams of a view, a process manager or an outbox.
export function Parked({ name, app }) {
  const [after, setAfter] = useState('')
  const parked = useLoad('parked' + query({ name, after }), { every: 5000 })
  return html`<${Loaded} of=${parked}>${d => html`
    ${d.parked.length > 0 && app.write && html`<div class="bar"><${Act} label="Redrive all" sure="Redrive all of ${name}?" run=${() => post('redrive', { name })} onDone=${parked.reload} /></div>`}
    <${Table} label="Parked streams" rows=${d.parked} keyOf=${f => f.stream} empty="No stream is parked." columns=${[
      { name: 'Stream', cell: f => html`<${Stream} name=${f.stream} />` },
      { name: 'Commit', cls: 'num', cell: f => f.commit },
      { name: 'Error', cls: 'wide', cell: f => html`<code class="bad">${f.code}</code> ${f.text}` },
      { name: 'Attempts', cls: 'num', cell: f => f.attempts },
      { name: 'Last attempt', cls: 'tight', cell: f => html`<${Time} at=${f.time} />` },
      { name: '', cls: 'tight', cell: f => app.write ? html`<${Act} label="Redrive" run=${() => post('redrive', { name, stream: f.stream })} onDone=${parked.reload} />` : '' },
    ]} />
    <${Pager} count=${d.parked.length} what="stream" next=${d.next} first=${after} onNext=${() => setAfter(d.next)} onFirst=${() => setAfter('')} />
    ${!app.write && d.parked.length > 0 && html`<p class="muted">Read only: start the console with <code>-write</code> to redrive.</p>`}`}<//>`
}

function Tables({ name, app }) {
  const views = useLoad('views' + query({ view: name }), { every: 2000 })
  const [sample, setSample] = useState()
  return html`<${Loaded} of=${views}>${d => {
    const v = d.views.find(v => v.view === name)
    const busy = v.tables.some(t => t.state === 'filling')
    return html`<${Table} label="Tables" rows=${v.tables} keyOf=${t => t.table} empty="No table." columns=${[
        { name: 'Table', cell: t => html`<b>${t.table}</b>` },
        { name: 'State', cell: t => html`<${Tag} kind=${t.mismatch ? 'bad' : tableState[t.state]}>${t.state}<//> ${t.answers ? html`<${Tag} kind="ok">answers queries<//>` : ''} ${t.from && new Date(t.from) > Date.now() ? html`<span class="warn">answers from ${t.from.slice(11, 19)}</span>` : ''}` },
        { name: 'Filled', cell: t => t.segments ? html`<progress max=${t.segments} value=${t.segmentsDone ?? 0}>${t.segmentsDone}/${t.segments}</progress> <span class="muted">${number(t.commits ?? 0)} commits</span>` : '' },
        { name: 'Note', cls: 'wide', cell: t => t.mismatch ?? t.next ?? '' },
        { name: '', cls: 'tight', cell: t => app.write && !t.answers && t.state === 'right' ? html`<${Act} label=${t.before ? 'Switch back' : 'Switch to it'} sure="Let ${t.table} answer${t.before ? ' again' : ''}?" run=${() => post('switch', { view: name, table: t.table })} onDone=${views.reload} />` : '' },
      ]} />
      ${app.write ? html`<div class="bar"><${Act} label=${busy ? 'Resume the rebuild' : 'Rebuild'} sure="Rebuild ${name} from all events?" run=${() => post('rebuild', { view: name })} onDone=${views.reload} />
        <${Act} label="Verify a sample" run=${async () => setSample((await post('sample', { view: name })).views[0])} /></div>` : ''}
      ${sample && html`<${Sample} s=${sample} />`}
      <p class="muted">Table <code>${v.table}</code>, ${plural(v.items, 'item')}, ${bytes(v.bytes)}. A rebuild fills a table beside the one that answers; queries change over when you switch.</p>`
  }}<//>`
}

function Sample({ s }) {
  const found = Object.entries(s.counts ?? {})
  if (!found.length) return html`<${Notice} kind="ok">A twentieth was compared, ${plural(s.rows, 'row')} of ${plural(s.streams, 'stream')}: as the events say.<//>`
  return html`<${Notice} kind="warn">A twentieth was compared: ${found.map(([kind, n]) => `${n} ${kind}`).join(', ')}.<//>
    <${Table} label="Findings" rows=${s.findings} empty="" columns=${[
      { name: 'Row', cell: f => html`<code>${f.row ?? ''}</code>` }, { name: 'Stream', cell: f => f.stream ? html`<${Stream} name=${f.stream} />` : '' },
      { name: 'Found', cell: f => f.kind }, { name: 'Differences', cls: 'wide', cell: f => f.text || (f.fields ?? []).map(x => x.name).join(', ') }]} />`
}

function Shape({ view, follows }) {
  return html`<div class="columns"><${Panel} title="Fields"><${Table} label="Fields" rows=${view.fields} keyOf=${f => f.name} empty="No fields." columns=${[
      { name: 'Field', cell: f => html`<code>${f.name}</code>` },
      { name: 'Type', cell: f => html`${f.type}${f.nullable ? html` <span class="muted">or null</span>` : ''}` },
      { name: 'Filters', cls: 'wide', cell: f => html`<span class="muted">${f.operators.join(' ')}</span>` },
    ]} /><//>
    <div><${Panel} title="Indexes"><${Table} label="Indexes" rows=${view.indexes} keyOf=${x => x.name} empty="None: rows are found by their key." columns=${[
      { name: 'Index', cell: x => html`<a href="${link('views', view.name)}?index=${x.name}">${x.name}</a>` },
      { name: 'Partition', cell: x => x.partition || html`<span class="muted">all rows</span>` },
      { name: 'Sort', cell: x => x.sort },
      { name: 'Shards', cls: 'num', cell: x => x.shards },
    ]} /><//>
    <${Panel} title="Made of"><ul class="flows">${follows.map(f => html`<li><b>${f.from}</b> ${f.events.map(e => html`<code>${e}</code> `)}</li>`)}</ul><//>
    <${Panel} title="Row schema"><details><summary>JSON Schema</summary><pre class="code" tabindex="0">${JSON.stringify(view.schema, null, 2)}</pre></details><//></div></div>`
}
