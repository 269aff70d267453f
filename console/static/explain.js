import { html } from './vendor/htm-preact.js'
import { Page } from './ui.js'
export const Explain = () => html`<${Page} title="Explain" />`
