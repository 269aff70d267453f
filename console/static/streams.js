// Streams, found by aggregate and id, and one stream as a timeline.
import { html, useState, useEffect, useRef } from './vendor/htm-preact.js'
import { query, useLoad } from './api.js'
import { Changes, Diff, Empty, Json, Loaded, Notice, Page, Pager, Panel, Stream, Table, Tag, Time, bytes, differences, hue, link, number, partsOf, plural, useQuery } from './ui.js'

export function Streams({ app }) {
  const [q, change] = useQuery()
  const [typed, type] = useState(q.prefix ?? '')
  const found = useLoad('streams' + query({ aggregate: q.aggregate, prefix: q.prefix, cursor: q.cursor, limit: 50 }), { every: q.cursor ? undefined : 4000 })
  useEffect(() => {
    if (typed === (q.prefix ?? '')) return
    const timer = setTimeout(() => {
      const whole = app.aggregates.find(a => typed.startsWith(a.name + '/')) // user/7, pasted
      if (whole) { change({ aggregate: whole.name, prefix: typed.slice(whole.name.length + 1), cursor: '' }); type(typed.slice(whole.name.length + 1)) }
      else change({ prefix: typed, cursor: '' })
    }, 200)
    return () => clearTimeout(timer)
  }, [typed])
  const go = e => {
    e.preventDefault()
    const first = found.data?.streams[0]
    if (first) location.hash = link('streams', first.stream)
  }
  return html`<${Page} title="Streams" sub="The events of one aggregate each, those with the newest commits first." />
    <form class="bar" role="search" onSubmit=${go}>
      <div class="choices" role="group" aria-label="Aggregate">
        <button type="button" aria-pressed=${!q.aggregate} onClick=${() => change({ aggregate: '', cursor: '' })}>all</button>
        ${app.aggregates.map(a => html`<button type="button" class=${hue(a.name)} aria-pressed=${q.aggregate === a.name} onClick=${() => change({ aggregate: a.name, cursor: '' })}>${a.name}</button>`)}
      </div>
      <input type="search" value=${typed} onInput=${e => type(e.target.value)} placeholder="beginning of an id, or user/7" aria-label="Beginning of an id" spellcheck="false" autocomplete="off" />
    </form>
    <${Loaded} of=${found}>${d => html`
      <${Table} label="Streams" rows=${d.streams} keyOf=${s => s.stream} empty=${d.loading ? 'Still reading the events table.' : 'No stream begins so.'} columns=${[
        { name: 'Stream', cell: s => html`<${Stream} name=${s.stream} />` },
        { name: 'Version', cls: 'num', cell: s => number(s.version) },
        { name: 'Commits', cls: 'num', cell: s => number(s.commits) },
        { name: 'Last event', cell: s => s.event },
        { name: 'Last commit', cls: 'tight', cell: s => html`<${Time} at=${s.time} />` },
        { name: 'Actor', cell: s => html`<span class="muted">${s.actor ?? ''}</span>` },
      ]} />
      <${Pager} count=${d.streams.length} what="stream" next=${d.next} first=${q.cursor} onNext=${() => change({ cursor: d.next }, true)} onFirst=${() => change({ cursor: '' })} />
      <p class="muted">${d.loading ? 'The events table is being read; ' : ''}${d.complete ? `All ${plural(d.known, 'stream')} are listed.` : `${plural(d.known, 'stream')} of the newest changes known; a whole id finds any other stream.`}</p>`}<//>`
}

export function OneStream({ app, id }) {
  const [q, change] = useQuery()
  const at = q.at ? Number(q.at) : undefined
  const page = useLoad('stream' + query({ stream: id, before: q.before, at: q.at, time: q.time, limit: 50 }), { every: q.before || q.at || q.time ? undefined : 3000 })
  const [jump, setJump] = useState('')
  const go = e => {
    e.preventDefault()
    if (/^\d+$/.test(jump)) change({ at: jump, before: '', time: '' }, true)
    else if (!isNaN(new Date(jump))) change({ time: new Date(/Z|[+-]\d\d:\d\d$/.test(jump) ? jump : jump.replace(' ', 'T') + 'Z').toISOString(), at: '', before: '' }, true)
  }
  const { aggregate, id: plain } = partsOf(id)
  const bad = jump && !/^\d+$/.test(jump) && isNaN(new Date(jump))
  return html`<${Page} title=${html`<${Stream} name=${id} />`} sub=${page.data ? `At version ${number(page.data.version)}.` : ''} tools=${html`
      <a class="button" href=${link('explain', id)}>Explain</a>
      ${app.write && app.aggregates.some(a => a.name === aggregate) ? html`<a class="button" href="${link('commands')}?aggregate=${aggregate}&id=${encodeURIComponent(plain)}">Send a command</a>` : ''}`} />
    <form class="bar" onSubmit=${go}>
      <input value=${jump} onInput=${e => setJump(e.target.value)} placeholder="version, or time such as 2026-11-29 10:15" aria-label="Jump to a version or a time (UTC)" aria-invalid=${bad || undefined} />
      <button disabled=${!jump || bad}>Jump</button>
      ${(q.before || q.at || q.time) && html`<button type="button" onClick=${() => change({ before: '', at: '', time: '' })}>Newest</button>`}
    </form>
    <${Loaded} of=${page} rows=${10}>${d => html`
      <${Moment} stream=${id} version=${at} app=${app} aggregate=${aggregate} />
      <${Timeline} commits=${d.commits} at=${at} stream=${id} />
      <${Pager} count=${d.commits.length} what="commit" next=${d.older} first=${q.before} onNext=${() => change({ before: d.older, at: '', time: '' }, true)} onFirst=${() => change({ before: '' })} />`}<//>`
}

// Moment shows the state and the rows at a version, when asked.
function Moment({ stream, version, app, aggregate }) {
  const [open, set] = useState(false)
  const rows = app.flows.filter(f => f.from === aggregate && f.kind === 'view').map(f => f.to)
  const moment = useLoad(open ? 'moment' + query({ stream, version }) : '')
  return html`<details class="panel moment" onToggle=${e => set(e.target.open)}><summary>State${rows.length ? ' and rows' : ''} ${version ? `at version ${version}` : 'now'}</summary>
    ${open && html`<${Loaded} of=${moment} rows=${3}>${m => html`<div class="sides">
      <div><h3>state of ${aggregate}</h3><${Json} v=${m.state} /></div>
      ${Object.entries(m.rows).map(([name, row]) => html`<div><h3>row of <a href=${link('views', name)}>${name}</a></h3>${row === null ? html`<p class="muted">No row.</p>` : html`<${Json} v=${row} />`}</div>`)}</div>`}<//>`}
  </details>`
}

function Timeline({ commits, at, stream }) {
  if (!commits.length) return html`<${Empty}>No commits here.<//>`
  let day = ''
  return html`<ol class="timeline" reversed>${[...commits].reverse().map(c => {
    const date = c.time.slice(0, 10), fresh = date !== day
    day = date
    return html`${fresh && html`<li class="day" key=${date}>${date}</li>`}<${Entry} key=${c.commit} c=${c} at=${at} stream=${stream} />`
  })}</ol>`
}

function Entry({ c, at, stream }) {
  const states = [c.before, ...c.events.map(e => e.after)]
  const changes = c.events.map((e, i) => e.after === undefined ? [] : differences(states[i], e.after))
  const marked = at !== undefined && c.events.some(e => e.version === at)
  const [open, set] = useState(marked)
  const here = useRef()
  useEffect(() => { if (marked) { set(true); here.current.scrollIntoView({ block: 'center' }) } }, [marked])
  return html`<li ref=${here} class="entry ${marked ? 'marked' : ''}"><details open=${open} onToggle=${e => set(e.target.open)}>
    <summary><span class="version">${c.events.length > 1 ? `${c.events[0].version}–${c.version}` : c.version}</span>
      <time class="mono" datetime=${c.time} title="${c.time}">${new Date(c.time).toISOString().slice(11, 23)}</time>
      <span class="what">${c.events.map((e, i) => html`<span><b>${e.name}</b> <${Changes} changes=${changes[i]} /></span>`)}</span>
      <span class="actor">${c.actor}</span></summary>
    ${open && html`<div class="inside">
      ${c.fault && html`<${Notice}>The state is not known from here on: ${c.fault}<//>`}
      ${c.kept?.map(k => html`<div class="event"><h3>${k.name} <span class="muted">command${k.stream ? html` to <${Stream} name=${k.stream} />, of which this is a part` : ''}</span></h3>${k.payload && html`<${Json} v=${k.payload} />`}</div>`)}
      ${c.events.map((e, i) => html`<div class="event"><h3>${e.name} <span class="muted">version ${e.version}, schema ${e.schema}</span></h3>
        <div class="sides"><div><h4>data</h4><${Json} v=${e.data} /></div>
          <div><h4>change of the state</h4><${Diff} changes=${changes[i]} /></div>
          <details class="states"><summary>state before and after</summary><div class="sides"><div><h4>before</h4><${Json} v=${states[i]} /></div><div><h4>after</h4><${Json} v=${e.after} /></div></div></details></div></div>`)}
      <dl class="meta">
        <div><dt>commit</dt><dd>${c.commit} <code>${c.id}</code></dd></div>
        <div><dt>command</dt><dd>${c.commands.map(id => html`<a href=${link('explain', id)}><code>${id}</code></a> `)}</dd></div>
        <div><dt>actor</dt><dd>${c.actor || '–'}</dd></div>
        ${c.correlation && html`<div><dt>correlation</dt><dd><code>${c.correlation}</code></dd></div>`}
        ${c.causation && html`<div><dt>causation</dt><dd>${c.causation.includes('@') ? html`<${Stream} name=${c.causation.split('@')[0]} version=${c.causation.split('@')[1]} />` : html`<code>${c.causation}</code>`}</dd></div>`}
        ${c.claims?.length ? html`<div><dt>claims</dt><dd>${c.claims.map(k => html`<code>${k}</code> `)}</dd></div>` : ''}
        ${c.releases?.length ? html`<div><dt>releases</dt><dd>${c.releases.map(k => html`<code>${k}</code> `)}</dd></div>` : ''}
        <div><dt>cost</dt><dd>${plural(c.writeUnits, 'write unit')}, ${bytes(c.bytes)} stored${c.snapshot ? html` <${Tag}>snapshot<//>` : ''}</dd></div>
        <div><dt>link</dt><dd><a href="${link('streams', stream)}?at=${c.version}">this version</a> · <a href=${link('explain', `${stream}@${c.version}`)}>explain</a></dd></div>
      </dl></div>`}
  </details></li>`
}
