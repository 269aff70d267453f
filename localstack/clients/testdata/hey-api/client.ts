// Creates a user and reads it back at once.
import { createUser, getUsers } from "./daybook";
import { client } from "./daybook/client.gen";

client.setConfig({ baseUrl: process.argv[2] });

async function main() {
	const created = await createUser({
		headers: { "Idempotency-Key": "hey-api-1" },
		body: { id: "hey-api", payload: { name: "Ada", email: "hey-api@example.com" } },
		throwOnError: true,
	});
	if (!("version" in created.data)) throw new Error("queued"); // only with Prefer: respond-async
	const row = await getUsers({ path: { key: "hey-api" }, query: { after: created.data.token }, throwOnError: true });
	console.log(row.data?.name, row.data?.version);
	if (row.data?.name !== "Ada" || row.data.version !== 1) throw new Error("another row");
}

main();
