// The frame: pages by the address behind #, theme, keys.
import { html, render, useState, useEffect, useRef } from './vendor/htm-preact.js'
import { currentTenant, setTenant, useLoad } from './api.js'
import { Notice, Page, setAggregates } from './ui.js'
import { Home } from './home.js'
import { Streams, OneStream } from './streams.js'
import { Explain } from './explain.js'
import { Views, OneView } from './views.js'
import { Processes, OneProcess } from './processes.js'
import { Commands, OneCommand } from './commands.js'
import { Queue } from './queue.js'
import { Rehearsal } from './rehearsal.js'

const pages = [
  { path: '', name: 'Home', key: 'h', list: Home },
  { path: 'streams', name: 'Streams', key: 's', list: Streams, one: OneStream },
  { path: 'explain', name: 'Explain', key: 'e', list: Explain, one: Explain },
  { path: 'views', name: 'Views', key: 'v', list: Views, one: OneView },
  { path: 'processes', name: 'Processes', key: 'p', list: Processes, one: OneProcess },
  { path: 'commands', name: 'Commands', key: 'c', list: Commands, one: OneCommand },
  { path: 'queue', name: 'Queue', key: 'q', list: Queue },
  { path: 'rehearsal', name: 'Rehearsal', key: 'r', list: Rehearsal, alone: true }, // needs no installation
]

const parts = () => location.hash.replace(/^#\/?/, '').split('?')[0].split('/').map(p => { try { return decodeURIComponent(p) } catch { return p } })

function useRoute() {
  const [route, set] = useState(parts)
  useEffect(() => {
    const on = () => set(old => { const now = parts(); return now.join('/') === old.join('/') ? old : now })
    addEventListener('hashchange', on)
    return () => removeEventListener('hashchange', on)
  }, [])
  return route
}

const themes = ['auto', 'light', 'dark']

function Theme() {
  const [theme, set] = useState(document.documentElement.dataset.theme ?? 'auto')
  const choose = t => {
    set(t)
    if (t === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = t
    try { localStorage.setItem('daybook-theme', t) } catch { /* for this page only */ }
  }
  return html`<button class="quiet theme" onClick=${() => choose(themes[(themes.indexOf(theme) + 1) % 3])} aria-label="Theme: ${theme}. Change it.">◐ <span>${theme}</span></button>`
}

// useKeys moves by keys: g and a page's letter, j and k through a list, / to search.
function useKeys(help) {
  const before = useRef('')
  useEffect(() => {
    const on = e => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, textarea, select')) return
      const was = before.current
      before.current = e.key
      const page = pages.find(p => p.key === e.key)
      if (was === 'g' && page) { location.hash = '#/' + page.path; before.current = '' }
      else if (e.key === '?') help()
      else if (e.key === '/') {
        const search = document.querySelector('main input[type=search], main input')
        if (search) { e.preventDefault(); search.focus(); search.select() }
      } else if (e.key === 'j' || e.key === 'k') {
        const all = [...document.querySelectorAll('main tbody tr, main .timeline > li')].map(r => r.querySelector('summary, a, button')).filter(Boolean)
        const at = all.findIndex(a => a.parentElement.contains(document.activeElement) || a === document.activeElement)
        all[Math.min(all.length - 1, Math.max(0, at + (e.key === 'j' ? 1 : -1)))]?.focus()
      }
    }
    addEventListener('keydown', on)
    return () => removeEventListener('keydown', on)
  }, [])
}

function Help({ close }) {
  const dialog = useRef()
  useEffect(() => { dialog.current.showModal() }, [])
  return html`<dialog ref=${dialog} onClose=${close} aria-label="Keys"><h2>Keys</h2><dl class="keys">
    ${pages.map(p => html`<div><dt><kbd>g</kbd> <kbd>${p.key}</kbd></dt><dd>${p.name}</dd></div>`)}
    <div><dt><kbd>/</kbd></dt><dd>search or filter</dd></div><div><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next, previous in a list</dd></div>
    <div><dt><kbd>?</kbd></dt><dd>this list</dd></div></dl><form method="dialog"><button>Close</button></form></dialog>`
}

// Tenant asks whose rows and commands the pages are about.
function Tenant({ onChange }) {
  const [name, set] = useState(currentTenant())
  const choose = e => { e.preventDefault(); setTenant(name.trim()); onChange() }
  return html`<form class="tenant" onSubmit=${choose}><label>Tenant <input value=${name} onInput=${e => set(e.target.value)} onBlur=${e => name.trim() !== currentTenant() && choose(e)} placeholder="all" autocomplete="off" spellcheck="false" /></label></form>`
}

function App() {
  const [path, ...rest] = useRoute()
  const [help, setHelp] = useState(false)
  const app = useLoad('app')
  const [tenant, chosen] = useState(currentTenant())
  useKeys(() => setHelp(true))
  const main = useRef()
  const first = useRef(true)
  useEffect(() => {
    if (first.current) { first.current = false; return }
    main.current?.focus()
    scrollTo(0, 0)
  }, [path, rest.join('/')])
  if (app.data) setAggregates(app.data.aggregates.map(a => a.name))
  const page = pages.find(p => p.path === path)
  const Shown = page && (rest.length ? page.one : page.list)
  const data = app.data ?? (page?.alone ? { name: 'daybook' } : undefined)
  return html`<a class="skip" href="#main" onClick=${e => { e.preventDefault(); main.current.focus() }}>Skip to the page</a>
    <aside><a class="brand" href="#/"><img src="icon.svg" alt="" width="22" height="22" /><span>${app.data?.title ?? 'Daybook'}</span></a>
      <nav aria-label="Pages">${pages.map(p => html`<a href="#/${p.path}" class=${p === page ? 'here' : ''} aria-current=${p === page ? 'page' : undefined}>${p.name}</a>`)}</nav>
      <div class="foot">${app.data?.tenants && html`<${Tenant} onChange=${() => chosen(currentTenant())} />`}${app.data && html`<span class="stage"><b>${app.data.stage}</b> ${app.data.write ? 'read and write' : 'read only'}</span>`}<${Theme} /><button class="quiet keyhelp" onClick=${() => setHelp(true)} aria-label="Keys">?</button></div>
    </aside>
    <main id="main" tabindex="-1" ref=${main}>
      ${app.error && !page?.alone && html`<${Notice} error=${app.error} /><p><button onClick=${app.reload}>Try again</button></p>`}
      ${data && (Shown ? html`<${Shown} key=${tenant + ' ' + path + '/' + rest.join('/')} app=${data} id=${rest.join('/')} />` : html`<${Page} title="No such page" /><p><a href="#/">Home</a></p>`)}
    </main>
    ${help && html`<${Help} close=${() => setHelp(false)} />`}`
}

const root = document.getElementById('app')
root.replaceChildren()
render(html`<${App} />`, root)
