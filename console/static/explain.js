// Why something is as it is: the chain of causes and effects, with times.
import { html, useState, useEffect } from './vendor/htm-preact.js'
import { query, useLoad } from './api.js'
import { Loaded, Notice, Page, Panel, Stream, Tag, link, plural, span } from './ui.js'

const states = { done: '', waiting: 'info', unknown: '', history: '', cancelled: '', hidden: '', late: 'bad', lost: 'bad', rejected: 'bad', parked: 'bad', failed: 'bad' }
const signs = { command: '▸', commit: '●', row: '▤', process: '⚙', timer: '◷', message: '✉', claim: '⚿', letter: '✕' }

export function Explain({ id }) {
  const [asked, ask] = useState(id)
  const found = useLoad(id ? 'explain' + query({ of: id }) : '', { every: 4000 })
  useEffect(() => { ask(id) }, [id])
  const go = e => { e.preventDefault(); if (asked.trim()) location.hash = link('explain', asked.trim()) }
  return html`<${Page} title="Explain" sub="The chain of causes and effects: what a command led to, what is still to come, and what is stuck." />
    <form class="bar" role="search" onSubmit=${go}><input type="search" value=${asked} onInput=${e => ask(e.target.value)} placeholder="order/7, order/7@3, orders/7, user-email=a@b.c, or an id" aria-label="What to explain" spellcheck="false" autocomplete="off" /><button>Explain</button></form>
    ${id ? html`<${Loaded} of=${found}>${d => html`<${Answer} d=${d} />`}<//>` : html`<${Panel} title="Accepted tokens"><dl class="meta ask">
      ${[['order/7', 'a stream: all that its newest commits belong to'], ['order/7@3', 'a commit, by the consistency token that the API gave'], ['orders/7', 'a row: a view and a key'], ['user-email=ann@example.com', 'a claimed value'], ['an id', 'of a command, a commit, a timer or a message']].map(([k, v]) => html`<div><dt><code>${k}</code></dt><dd>${v}</dd></div>`)}</dl><//>`}`
}

function Answer({ d }) {
  const [all, showAll] = useState(true)
  const times = []
  const visit = n => { if (n.time && !n.time.startsWith('0001') && n.kind !== 'timer') times.push(new Date(n.time).getTime()); n.effects?.forEach(visit) }
  d.roots.forEach(visit)
  const first = Math.min(...times), last = Math.max(...times, first + 1)
  return html`${d.causes.map(c => html`<div class="notice bad"><b>${c.name}</b> ${c.state}${c.code && html` <code>${c.code}</code>`}${c.text && `: ${c.text}`}${c.next && html`<br />${c.next}`}</div>`)}
    ${!d.causes.length && html`<${Notice} kind="ok">${d.waiting ? `Nothing is stuck; ${plural(d.waiting, 'step')} ${d.waiting === 1 ? 'is' : 'are'} still to come.` : 'Nothing is stuck, and nothing is still to come.'}<//>`}
    <${Panel} title="Chain" tools=${html`<span class="muted">${times.length > 1 ? `over ${span((last - first) / 1000)}` : ''}</span><button class="quiet" aria-pressed=${!all} onClick=${() => showAll(!all)}>only what is not done</button>`}>
      <ol class="chain">${d.roots.map(n => html`<${Node} n=${n} first=${first} last=${last} all=${all} />`)}</ol>
      ${d.partial && html`<p class="muted">There is more: the answer was cut.</p>`}<//>`
}

const open = n => n.state !== 'done' && n.state !== 'hidden' && n.state !== 'history' || n.effects?.some(open)

function Name({ n }) {
  const streamed = n.name.match(/^(.*? to )?((?:[\w.-]+:)?[a-z][a-z0-9-]*\/[^@]+)(?:@(\d+))?$/)
  if (n.kind === 'row') return n.name.includes(' of ') ? html`<a href=${link('views', n.by)}>${n.name}</a>` : html`<a href="${link('views', n.by)}?key=${encodeURIComponent(n.name.slice(n.name.indexOf('/') + 1))}">${n.name}</a>`
  if (streamed && (n.kind === 'commit' || n.kind === 'command')) return html`${streamed[1] ?? ''}<${Stream} name=${streamed[2]} version=${streamed[3]} />`
  return n.name
}

function Node({ n, first, last, all }) {
  const [folded, fold] = useState(false)
  if (!all && !open(n)) return ''
  const time = n.time && !n.time.startsWith('0001') ? new Date(n.time).getTime() : undefined
  const effects = n.effects ?? []
  return html`<li class=${n.kind}><div class="step ${n.asked ? 'asked' : ''} ${states[n.state]}">
      <button class="quiet sign" disabled=${!effects.length} aria-expanded=${effects.length ? !folded : undefined} aria-label="${n.kind}${effects.length ? `: ${plural(effects.length, 'effect')}` : ''}" onClick=${() => fold(!folded)}>${folded ? '+' : signs[n.kind] ?? '·'}</button>
      <span class="who"><span class="muted">${n.kind}</span> <b><${Name} n=${n} /></b> ${n.events?.map(e => html`<code>${e}</code> `)} ${n.state !== 'done' ? html`<${Tag} kind=${states[n.state]}>${n.state}<//>` : ''} ${n.by ? html`<span class="muted">by ${n.by}</span>` : ''}
        ${n.text && html`<span class="why ${states[n.state]}">${n.code && html`<code>${n.code}</code> `}${n.text}</span>`}</span>
      <span class="when muted" title=${n.time}>${time === undefined ? '' : time === first ? n.time.slice(0, 19).replace('T', ' ') : `+${span((time - first) / 1000)}`}</span>
      <svg class="at" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><path d="M0 4H100" />${time !== undefined && html`<rect x=${Math.min(98, Math.max(0, (time - first) / (last - first) * 98))} y="1" width="2" height="6" />`}</svg></div>
    ${!folded && effects.length ? html`<ol>${effects.map(c => html`<${Node} n=${c} first=${first} last=${last} all=${all} />`)}</ol>` : ''}</li>`
}
