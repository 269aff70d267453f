// Speaks to the console's JSON API.
import { useState, useEffect, useCallback, useRef } from './vendor/htm-preact.js'

// Exact is a number that a float64 does not hold as it was written.
export class Exact {
  constructor(text) { this.text = text }
  toString() { return this.text }
  toJSON() { return JSON.rawJSON ? JSON.rawJSON(this.text) : Number(this.text) }
}

const exact = (_, v, c) => typeof v === 'number' && c?.source !== undefined && String(v) !== c.source ? new Exact(c.source) : v

export const parse = text => JSON.parse(text, exact)

// The token comes once, behind the # of the printed address, perhaps with a page, and
// is kept for this origin, port included.
const key = 'daybook-token'
let token = ''
try { token = localStorage.getItem(key) ?? '' } catch { /* storage is off */ }
const given = location.hash.match(/^#token=([\w-]+)\/?(.*)/)
if (given) {
  token = given[1]
  try { localStorage.setItem(key, token) } catch { /* kept for this page only */ }
  history.replaceState(null, '', location.pathname + '#/' + given[2])
}

// The tenant whose rows and commands the pages ask for, kept for this origin.
const tenantKey = 'daybook-tenant'
let tenant = ''
try { tenant = localStorage.getItem(tenantKey) ?? '' } catch { /* storage is off */ }
export const currentTenant = () => tenant
export function setTenant(name) {
  tenant = name
  try { localStorage.setItem(tenantKey, name) } catch { /* kept for this page only */ }
}

// Problem is an answer that is not a success.
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || `the console answered ${status}`)
    this.status = status
    this.code = body?.code ?? ''
    this.fields = body?.fields ?? []
  }
}

export const query = params => {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== null && v !== '') q.append(k, v)
  return q.size ? `?${q}` : ''
}

async function call(path, init = {}) {
  let response
  try {
    response = await fetch(`api/${path}`, { ...init, headers: { 'X-Daybook-Console': token || '-', ...tenant ? { 'X-Daybook-Tenant': tenant } : {}, ...init.headers } })
  } catch (err) {
    if (err.name === 'AbortError') throw err
    throw new Problem(0, { code: 'unreachable', detail: 'No answer from the console: is it still running?' })
  }
  const text = await response.text()
  let body
  try { body = parse(text) } catch { /* not JSON: the status says it */ }
  if (!response.ok) throw new Problem(response.status, body)
  return body
}

export const get = (path, signal) => call(path, { signal })

export const post = (path, body) =>
  call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })

// useLoad loads a path, again when it changes and, with every (milliseconds), as
// long as the page is visible. An old answer stays while a new one is awaited.
export function useLoad(path, { every } = {}) {
  const [state, set] = useState({ loading: true })
  const [round, again] = useState(0)
  const shown = useRef('')
  useEffect(() => {
    if (!path) return
    const abort = new AbortController()
    let timer
    const load = async () => {
      if (document.hidden && shown.current === path) { timer = setTimeout(load, every ?? 1000); return }
      try {
        const data = await get(path, abort.signal)
        shown.current = path
        set({ data, path, loading: false })
      } catch (error) {
        if (error.name === 'AbortError') return
        set(old => ({ data: old.path === path ? old.data : undefined, path, error, loading: false }))
      }
      if (every) timer = setTimeout(load, every)
    }
    set(old => ({ ...old, data: old.path?.split('?')[0] === path.split('?')[0] ? old.data : undefined, error: undefined, loading: true }))
    load()
    return () => { abort.abort(); clearTimeout(timer) }
  }, [path, every, round])
  return { ...state, reload: useCallback(() => again(n => n + 1), []) }
}
