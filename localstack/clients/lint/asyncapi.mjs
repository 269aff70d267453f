// Reads an AsyncAPI description by AsyncAPI's own parser, which holds it to the
// specification's schema, resolves its references and validates its examples. It
// fails on errors and warnings, on a description without messages, and when the
// parser lets a broken one through.
import {Parser} from "@asyncapi/parser"
import {readFileSync} from "node:fs"

async function faults(text) {
	const {document, diagnostics} = await new Parser().parse(text)
	return {document, found: diagnostics.filter(d => d.severity <= 1)}
}

const text = readFileSync(process.argv[2], "utf8")
const {document, found} = await faults(text)
for (const d of found) console.error(`${d.code} at ${d.path.join("/")}: ${d.message}`)
const messages = document?.allMessages().all() ?? []
const broken = text.replaceAll('"action":"send"', '"action":"shout"')
if (broken === text || (await faults(broken)).found.length === 0) {
	console.error("the parser accepts an action that AsyncAPI does not have")
	process.exit(1)
}
if (found.length > 0 || messages.length === 0) process.exit(1)
console.log(`AsyncAPI ${document.version()}: ${messages.length} messages, no faults`)
