// Creates a user and reads it back at once.
import createClient from "openapi-fetch";
import type { paths } from "./daybook.js";

const client = createClient<paths>({ baseUrl: process.argv[2] });

const created = await client.POST("/commands/create-user", {
	params: { header: { "Idempotency-Key": "openapi-fetch-1" } },
	body: { id: "openapi-fetch", payload: { name: "Ada", email: "openapi-fetch@example.com" } },
});
if (created.error) throw new Error(created.error.code);
if (!("version" in created.data)) throw new Error("queued"); // only with Prefer: respond-async

const row = await client.GET("/users/{key}", {
	params: { path: { key: "openapi-fetch" }, query: { after: created.data.token } },
});
if (row.error) throw new Error(row.error.code);
console.log(row.data?.name, row.data?.version);
if (row.data?.name !== "Ada" || row.data.version !== 1) throw new Error("another row");

// A batch, and a list.
const batch = await client.POST("/commands", {
	body: [{ command: "rename-user", id: "openapi-fetch", payload: { name: "Bob" } }],
});
if (batch.data?.[0].version !== 2) throw new Error(JSON.stringify(batch));
const list = await client.GET("/users", {
	params: { query: { "name.prefix": "Bo", sort: "name", limit: 5, after: batch.data[0].token } },
});
if (list.data?.items.length !== 1) throw new Error(JSON.stringify(list));
