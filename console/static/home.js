// What the application is, and how it is doing now.
import { html, useState, useEffect, useRef } from './vendor/htm-preact.js'
import { get, useLoad } from './api.js'
import { Loaded, Notice, Page, Panel, Stream, Table, Tag, Time, link, number, plural, span } from './ui.js'
import { Graph } from './graph.js'

const kept = 15 // commits in the list

// usePulse asks for what is new, every second and a half while the page is seen.
export function usePulse() {
  const [pulse, set] = useState({ commits: [] })
  const last = useRef(0)
  useEffect(() => {
    const abort = new AbortController()
    let timer, rounds = 0
    const load = async () => {
      if (!document.hidden || !last.current) {
        try {
          const p = await get(`pulse?after=${last.current}`, abort.signal)
          const fresh = p.seq >= last.current ? p.commits : []
          last.current = p.seq
          set(old => ({ ...p, error: undefined, fresh: old.seq === undefined ? 0 : fresh.length, commits: [...fresh, ...old.commits].sort((a, b) => new Date(b.time) - new Date(a.time) || b.commit - a.commit).slice(0, kept) }))
        } catch (error) {
          if (error.name === 'AbortError') return
          set(old => ({ ...old, error }))
        }
      }
      timer = setTimeout(load, ++rounds < 4 ? 400 : 1500)
    }
    load()
    return () => { abort.abort(); clearTimeout(timer) }
  }, [])
  return pulse
}

function Rate({ minutes }) {
  const most = Math.max(1, ...minutes.map(m => m.commits))
  const w = 4, h = 44
  return html`<svg class="rate" viewBox="0 0 ${minutes.length * w} ${h}" preserveAspectRatio="none" role="img" aria-label="Commits per minute over the last hour, at most ${most}">
    ${minutes.map((m, i) => html`<rect x=${i * w} y=${h - Math.max(m.commits ? 2 : .5, m.commits / most * h)} width=${w - 1} height=${Math.max(m.commits ? 2 : .5, m.commits / most * h)}><title>${new Date(m.time).toISOString().slice(11, 16)}: ${plural(m.commits, 'commit')}, ${plural(m.events, 'event')}</title></rect>`)}
  </svg>`
}

const Fact = ({ name, value, note, kind = '', href }) => html`<div class="fact ${kind}"><dt>${name}</dt><dd>${href ? html`<a href=${href}>${value}</a>` : value}${note && html`<small>${note}</small>`}</dd></div>`

export function Home({ app }) {
  const pulse = usePulse()
  const health = useLoad('health', { every: 5000 })
  const followers = health.data?.followers ?? []
  const state = Object.fromEntries(followers.map(f => [`${f.kind}/${f.name}`,
    f.parked ? { kind: 'bad', text: `${number(f.parked)}${f.more ? '+' : ''} parked` } : f.behind ? { kind: 'warn', text: `${span(f.seconds)} behind` } : { kind: 'ok', text: 'up to date' }]))
  const parked = followers.reduce((n, f) => n + f.parked, 0)
  const slowest = followers.reduce((a, b) => b.seconds > (a?.seconds ?? 0) ? b : a, undefined)
  const queue = health.data?.queue
  const minutes = pulse.minutes ?? []
  const hour = minutes.reduce((n, m) => n + m.commits, 0)
  const events = minutes.reduce((n, m) => n + m.events, 0)
  return html`<${Page} title=${app.title} sub=${html`${plural(app.aggregates.length, 'aggregate')}, ${plural(app.views.length, 'view')}, ${plural(app.processes.length, 'process', 'processes')} in <code>${app.prefix}</code>`} />
    <${Notice} error=${pulse.error ?? health.error} />
    <dl class="facts">
      <${Fact} name="Commits/hour" value=${number(hour)} note=${plural(events, 'event')} />
      <${Fact} name="Streams" value=${pulse.streams ? number(pulse.streams.known) + (pulse.streams.complete ? '' : '+') : '–'} note=${pulse.streams?.loading ? 'still reading' : pulse.streams?.complete === false ? 'seen so far' : ''} href="#/streams" />
      <${Fact} name="Lag" value=${!health.data ? '–' : slowest ? span(slowest.seconds) : 'none'} note=${slowest ? slowest.name : ''} kind=${slowest?.seconds > 30 ? 'warn' : ''} />
      <${Fact} name="Parked streams" value=${health.data ? number(parked) : '–'} kind=${parked ? 'bad' : ''} href="#/views" />
      <${Fact} name="Queue" value=${queue ? number(queue.pending) : '–'} note="pending" href="#/queue" />
      <${Fact} name="Dead letters" value=${queue ? number(queue.dead) : '–'} kind=${queue?.dead ? 'bad' : ''} href="#/queue" />
      <div class="fact chart"><dt>Commits per minute</dt><dd>${minutes.length ? html`<${Rate} minutes=${minutes} />` : '–'}</dd></div>
    </dl>
    <${Panel} title="How events flow"><${Graph} app=${app} state=${state} /><//>
    <div class="columns">
      <${Panel} title="Last commits" tools=${html`<span class="live ${pulse.error ? 'off' : ''}">live</span>`}>
        <${Table} label="Last commits" empty="Nothing was stored yet. Send a command to begin." keyOf=${c => `${c.stream}@${c.commit}`} rows=${pulse.commits} columns=${[
          { name: 'When', cls: 'tight', cell: c => html`<${Time} at=${c.time} />` },
          { name: 'Stream', cell: c => html`<${Stream} name=${c.stream} version=${c.version} />` },
          { name: 'Events', cell: c => html`<span class="events">${c.events.map(e => html`<span>${e}</span>`)}</span>` },
          { name: 'Actor', cls: 'tight', cell: c => c.actor ? html`<span class="muted">${c.actor}</span>` : '' },
        ]} />
      <//>
      <${Panel} title="Followers" tools=${health.data && html`<span class="muted">newest ${plural(health.data.looked, 'stream')}</span>`}>
        <${Loaded} of=${health}>${h => html`<${Table} label="Followers" empty="No view or process is declared." rows=${h.followers} keyOf=${f => f.kind + f.name} columns=${[
          { name: 'Name', cell: f => html`<a href=${f.kind === 'view' ? link('views', f.name) : link('processes', f.name)}>${f.name}</a> <span class="muted">${f.kind}</span>` },
          { name: 'Lag', cls: 'num', cell: f => f.behind ? html`<span class="warn">${span(f.seconds)}</span>` : html`<span class="muted">none</span>` },
          { name: 'Behind', cls: 'num', cell: f => f.behind ? plural(f.behind, 'stream') : '' },
          { name: 'Parked', cls: 'num', cell: f => f.parked ? html`<${Tag} kind="bad">${number(f.parked)}${f.more ? '+' : ''}<//>` : '' },
        ]} />`}<//>
      <//>
    </div>`
}
