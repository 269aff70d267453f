#!/usr/bin/env bash
# Packages: @castore/event-storage-adapter-dynamodb 2.4.2 with @castore/core 2.4.2,
# beside @castore/event-storage-adapter-in-memory 2.4.2; dynalite 4.0.0 as the
# DynamoDB.
#
# Behaviour: getEvents(id, { limit: 2 }) of the in-memory adapter returns two
# events. Of the DynamoDB adapter it returns all of them: the limit becomes the
# Limit of each Query, and the adapter goes on as long as there is a
# LastEvaluatedKey. So a limit makes the call slower (a request for each two
# events) and bounds nothing.
#
# Met by: users who test an event-sourced service in memory and read a long stream
# page by page, or asks for its last event with { reverse: true, limit: 1 }.
#
# Output on 2026-11-29:
#   in memory: 5,4
#   DynamoDB:  5,4,3,2,1
#
# Exits with an error when both adapters answer alike.
set -euo pipefail
folder=$(mktemp -d)
server=
cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --ignore-scripts --loglevel=error dynalite@4.0.0 @aws-sdk/client-dynamodb@3.1169.0 \
	@castore/core@2.4.2 @castore/event-storage-adapter-dynamodb@2.4.2 @castore/event-storage-adapter-in-memory@2.4.2 >/dev/null
cat >server.cjs <<'JS'
const server = require('dynalite')({ createTableMs: 0 })
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat >probe.mjs <<'JS'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EventStore, EventType } from '@castore/core'
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb'
import { InMemoryEventStorageAdapter } from '@castore/event-storage-adapter-in-memory'

const dynamoDBClient = new DynamoDBClient({ endpoint: `http://127.0.0.1:${process.argv[2]}`, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } })
await dynamoDBClient.send(new CreateTableCommand({
  TableName: 'events', BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [['aggregateId', 'S'], ['version', 'N'], ['eventStoreId', 'S'], ['timestamp', 'S']].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
  KeySchema: [{ AttributeName: 'aggregateId', KeyType: 'HASH' }, { AttributeName: 'version', KeyType: 'RANGE' }],
  GlobalSecondaryIndexes: [{ IndexName: 'initialEvents', Projection: { ProjectionType: 'KEYS_ONLY' }, KeySchema: [{ AttributeName: 'eventStoreId', KeyType: 'HASH' }, { AttributeName: 'timestamp', KeyType: 'RANGE' }] }],
}))
async function versions(eventStorageAdapter) {
  const store = new EventStore({ eventStoreId: 'ORDERS', eventTypes: [new EventType({ type: 'CHANGED' })], reducer: (a) => a, eventStorageAdapter })
  for (let version = 1; version <= 5; version++) await store.pushEvent({ aggregateId: '1', version, type: 'CHANGED' })
  return (await store.getEvents('1', { reverse: true, limit: 2 })).events.map((e) => e.version).join()
}
const memory = await versions(new InMemoryEventStorageAdapter({}))
const dynamo = await versions(new DynamoDBSingleTableEventStorageAdapter({ tableName: 'events', dynamoDBClient }))
console.log(`in memory: ${memory}\nDynamoDB:  ${dynamo}`)
process.exit(memory === '5,4' && dynamo === '5,4,3,2,1' ? 0 : 1)
JS
node --no-warnings server.cjs >port 2>log &
server=$!
for _ in $(seq 100); do
	[ ! -s port ] || break
	sleep 0.1
done
node --no-warnings probe.mjs "$(cat port)"
