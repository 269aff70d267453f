// The application as a picture: aggregates with their events in the middle, what
// reacts to them on the left, what is read on the right. An arrow begins at its event;
// a dashed one at the command that a process manager sends.
import { html, useState, useEffect, useRef } from './vendor/htm-preact.js'
import { hue, link } from './ui.js'

const box = 196, row = 21, gap = 22, lane = 150

// layout gives every box its place. Boxes of the outer columns stand near the
// middle of their arrows, in that order.
export function layout(app) {
  let y = 0
  const middle = app.aggregates.map(a => {
    const h = 32 + row * a.events.length + 6
    const at = { name: a.name, kind: 'aggregate', x: box + lane, y, w: box, h, ports: {} }
    a.events.forEach((e, i) => { at.ports[e.name] = y + 32 + row * i + row / 2 })
    y += h + gap
    return at
  })
  const place = name => middle.find(m => m.name === name)
  const column = (all, x) => {
    const boxes = all.map(n => {
      const ends = app.flows.filter(f => f.to === n.name && f.kind === n.kind).flatMap(f => f.events.map(e => place(f.from).ports[e]))
      return { ...n, x, w: box, h: 38 + (n.ports?.length ?? 0) * 16, centre: ends.length ? ends.reduce((a, b) => a + b) / ends.length : 0 }
    }).sort((a, b) => a.centre - b.centre)
    let free = 0
    for (const b of boxes) { b.y = Math.max(free, b.centre - b.h / 2); free = b.y + b.h + 14 }
    return boxes
  }
  const decides = name => app.aggregates.find(a => a.commands.some(c => c.command === name))?.name
  const left = column(app.processes.map(p => ({
    name: p.name, kind: p.kind,
    ports: [...(p.sends ?? []).map(c => ({ text: c, to: decides(c) })), ...(p.publishes ?? []).map(m => ({ text: short(m.type) }))],
  })), 0)
  const right = column(app.views.map(v => ({ name: v.name, kind: 'view', rows: v.kind })), 2 * (box + lane))
  const bottom = b => b.y + b.h
  const height = Math.max(y - gap, ...[...left, ...right].map(bottom), 60)
  const arrows = app.flows.flatMap(f => {
    const to = [...left, ...right].find(b => b.name === f.to && b.kind === f.kind), from = place(f.from)
    if (!to || !from) return []
    return f.events.map((event, i) => {
      const toRight = to.x > from.x
      const x1 = toRight ? from.x + from.w : from.x, y1 = from.ports[event]
      const x2 = toRight ? to.x : to.x + to.w, y2 = to.y + 19 + (i - (f.events.length - 1) / 2) * Math.min(3, 22 / f.events.length)
      return { from: f.from, to: f.to, kind: f.kind, event, head: `M${x2} ${y2}l${toRight ? -6 : 6} -3v6z`, d: `M${x1} ${y1}C${x1 + (x2 - x1) * .5} ${y1} ${x1 + (x2 - x1) * .5} ${y2} ${x2} ${y2}` }
    })
  })
  const sends = left.flatMap(b => b.ports.flatMap((p, i) => {
    const to = place(p.to)
    if (!to) return []
    const x1 = b.x + b.w, y1 = b.y + 44 + 16 * i, x2 = to.x, y2 = to.y + 15
    return [{ from: b.name, command: p.text, to: p.to, d: `M${x1} ${y1}C${x1 + (x2 - x1) * .5} ${y1} ${x1 + (x2 - x1) * .5} ${y2} ${x2} ${y2}`, head: `M${x2} ${y2}l-6 -3v6z` }]
  }))
  return { middle, left, right, arrows, sends, width: 3 * box + 2 * lane, height }
}

export function Graph({ app, state = {} }) {
  const [hot, setHot] = useState()
  const frame = useRef()
  useEffect(() => { frame.current.scrollLeft = (frame.current.scrollWidth - frame.current.clientWidth) / 2 }, []) // the aggregates first, where it is narrow
  const g = layout(app)
  const on = a => !hot || (hot.event ? a.from === hot.name && a.event === hot.event : a.to === hot.name && a.kind === hot.kind || a.from === hot.name && hot.kind === 'aggregate')
  const watch = what => ({ onMouseEnter: () => setHot(what), onMouseLeave: () => setHot(), onFocus: () => setHot(what), onBlur: () => setHot() })
  const target = b => b.kind === 'view' ? link('views', b.name) : link('processes', b.name)
  const outer = b => {
    const s = state[`${b.kind}/${b.name}`]
    return html`<a href=${target(b)} class="node ${b.kind} ${s?.kind ?? ''}" ...${watch(b)}>
      <rect x=${b.x + .5} y=${b.y + .5} width=${b.w - 1} height=${b.h - 1} rx="4" />
      <text x=${b.x + 12} y=${b.y + 17} class="name">${b.name}</text>
      <text x=${b.x + 12} y=${b.y + 31} class="sub">${b.kind === 'view' ? (b.rows === 'keyed' ? 'view, keyed rows' : 'view') : b.kind === 'outbox' ? 'outbox' : 'process manager'}</text>
      ${s && html`<text x=${b.x + b.w - 10} y=${b.y + 17} class="state" text-anchor="end">${s.text}</text>`}
      ${(b.ports ?? []).map((p, i) => html`<text x=${b.x + 12} y=${b.y + 48 + 16 * i} class="port">${p.to ? '⇢' : '⇠'} ${p.text}</text>`)}
    </a>`
  }
  return html`<div class="graph scroll" ref=${frame} tabindex="0" role="region" aria-label="Graph of the application">
    <svg viewBox="-2 -2 ${g.width + 4} ${g.height + 4}" width=${g.width} role="group" aria-label="Aggregates, and what follows their events">
      ${g.sends.map(s => html`<path class="sends ${hot && hot.name !== s.from && hot.name !== s.to ? 'off' : ''}" d=${s.d}><title>${s.from} sends ${s.command} to ${s.to}</title></path><path class="sent" d=${s.head} />`)}
      ${g.arrows.map(a => html`<path class="arrow ${hue(a.from)} ${on(a) ? hot ? 'hot' : '' : 'off'}" d=${a.d}><title>${a.event} → ${a.to}</title></path><path class="tip ${hue(a.from)} ${on(a) ? '' : 'off'}" d=${a.head} />`)}
      ${g.middle.map(m => html`<a href="${link('streams')}?aggregate=${m.name}" class="node aggregate ${hue(m.name)}" ...${watch(m)}>
        <rect x=${m.x + .5} y=${m.y + .5} width=${m.w - 1} height=${m.h - 1} rx="4" />
        <path class="bar" d="M${m.x + 1} ${m.y + 27.5}h${m.w - 2}" />
        <text x=${m.x + 12} y=${m.y + 19} class="name">${m.name}</text>
        ${Object.entries(m.ports).map(([event, y]) => html`<text x=${m.x + m.w / 2} y=${y + 4} text-anchor="middle" class="port ${hot && !g.arrows.some(a => a.from === m.name && a.event === event && on(a)) ? 'off' : ''}" onMouseEnter=${e => { e.stopPropagation(); setHot({ name: m.name, event }) }}>${event}</text>`)}
      </a>`)}
      ${g.left.map(outer)}${g.right.map(outer)}
    </svg></div>
    <details class="textual"><summary>The same as a list</summary><ul>${app.flows.map(f => html`<li><b>${f.from}</b> → <a href=${f.kind === 'view' ? link('views', f.to) : link('processes', f.to)}>${f.to}</a> <span class="muted">(${f.kind === 'manager' ? 'process manager' : f.kind})</span>: ${f.events.join(', ')}</li>`)}${app.processes.filter(p => p.sends?.length).map(p => html`<li><a href=${link('processes', p.name)}>${p.name}</a> sends ${p.sends.join(', ')}</li>`)}</ul></details>`
}

// short is a type of CloudEvent without what all of an application share.
const short = type => type.split('.').slice(-2).join('.')
