// Libraries on top of the AWS SDK for JavaScript against the embedded DynamoDB:
// each makes its table's layout and does what its users do with it.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { Entity as ElectroEntity, Service } from 'electrodb'
import { $add, ConditionCheck, Entity, GetItemCommand, item, number, PutItemCommand, PutTransaction, QueryCommand, string, Table as ToolboxTable, UpdateItemCommand } from 'dynamodb-toolbox'
import { execute } from 'dynamodb-toolbox/entity/actions/transactWrite'
import { Table as OneTable } from 'dynamodb-onetable'
import { Dynamo } from 'dynamodb-onetable/Dynamo'
import { EventStore, EventType } from '@castore/core'
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb'
import eventStoreAdapter from 'event-store-adapter-js'

const client = new DynamoDBClient({ endpoint: process.env.ENDPOINT })
const require = createRequire(import.meta.url)

// A key is written as "name:type".
const elements = (key) => key.map((k, i) => ({ AttributeName: k.split(':')[0], KeyType: i ? 'RANGE' : 'HASH' }))

async function table(TableName, key, indexes = {}) {
  const attributes = new Set([...key, ...Object.values(indexes).flat()])
  await client.send(new CreateTableCommand({
    TableName, BillingMode: 'PAY_PER_REQUEST', KeySchema: elements(key),
    AttributeDefinitions: [...attributes].map((a) => ({ AttributeName: a.split(':')[0], AttributeType: a.split(':')[1] })),
    ...(Object.keys(indexes).length > 0 && {
      GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, k]) => ({ IndexName, KeySchema: elements(k), Projection: { ProjectionType: 'ALL' } })),
    }),
  }))
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName })
}

async function electrodb() {
  await table('electro', ['pk:S', 'sk:S'], { gsi1: ['gsi1pk:S', 'gsi1sk:S'] })
  const user = new ElectroEntity({
    model: { entity: 'user', version: '1', service: 'shop' },
    attributes: { id: { type: 'string' }, team: { type: 'string' }, name: { type: 'string', required: true }, logins: { type: 'number', default: 0 }, roles: { type: 'set', items: 'string' } },
    indexes: {
      primary: { pk: { field: 'pk', composite: ['id'] }, sk: { field: 'sk', composite: [] } },
      byTeam: { index: 'gsi1', pk: { field: 'gsi1pk', composite: ['team'] }, sk: { field: 'gsi1sk', composite: ['name'] } },
    },
  }, { client, table: 'electro' })
  const service = new Service({ user })
  for (const name of ['Ann', 'Bob', 'Cy']) await user.create({ id: name.toLowerCase(), team: 'red', name, roles: ['x'] }).go()
  await assert.rejects(user.create({ id: 'ann', team: 'red', name: 'Ann' }).go())
  assert.deepEqual((await user.query.byTeam({ team: 'red' }).begins({ name: 'B' }).go()).data.map((u) => u.id), ['bob'])
  assert.equal((await user.patch({ id: 'bob' }).add({ logins: 2 }).add({ roles: ['y'] }).go({ response: 'all_new' })).data.logins, 2)
  const pages = []
  for (let cursor = null; ;) {
    const page = await user.query.byTeam({ team: 'red' }).go({ limit: 2, cursor })
    pages.push(...page.data.map((u) => u.id))
    if (!(cursor = page.cursor)) break
  }
  assert.deepEqual(pages, ['ann', 'bob', 'cy'])
  const moved = await service.transaction.write(({ user }) => [
    user.patch({ id: 'ann' }).set({ team: 'blue', name: 'Ann' }).commit(), user.delete({ id: 'cy' }).commit(),
  ]).go()
  assert.equal(moved.canceled, false)
  assert.equal((await user.query.byTeam({ team: 'blue' }).go()).data.length, 1)
  assert.equal((await user.scan.go()).data.length, 2)
}

async function toolbox() {
  await table('toolbox', ['pk:S', 'sk:S'])
  const notes = new ToolboxTable({ name: 'toolbox', partitionKey: { name: 'pk', type: 'string' }, sortKey: { name: 'sk', type: 'string' }, documentClient: DynamoDBDocumentClient.from(client) })
  const Note = new Entity({ name: 'note', table: notes, schema: item({ pk: string().key(), sk: string().key(), stars: number().default(0) }) })
  for (const sk of ['a1', 'a2', 'b1']) await Note.build(PutItemCommand).item({ pk: 'ann', sk }).options({ condition: { attr: 'pk', exists: false } }).send()
  await Note.build(UpdateItemCommand).item({ pk: 'ann', sk: 'a1', stars: $add(3) }).send()
  assert.equal((await Note.build(GetItemCommand).key({ pk: 'ann', sk: 'a1' }).options({ consistent: true }).send()).Item.stars, 3)
  const found = await notes.build(QueryCommand).query({ partition: 'ann', range: { beginsWith: 'a' } }).entities(Note).options({ filters: { note: { attr: 'stars', gte: 1 } } }).send()
  assert.deepEqual(found.Items.map((n) => n.sk), ['a1'])
  await assert.rejects(execute(
    Note.build(PutTransaction).item({ pk: 'ann', sk: 'c1' }),
    Note.build(ConditionCheck).key({ pk: 'ann', sk: 'a1' }).condition({ attr: 'stars', gt: 5 }),
  ), (e) => e.name === 'TransactionCanceledException')
  assert.equal((await Note.build(GetItemCommand).key({ pk: 'ann', sk: 'c1' }).send()).Item, undefined)
}

async function oneTable() {
  const shop = new OneTable({
    name: 'onetable', client: new Dynamo({ client }), partial: false,
    schema: {
      format: 'onetable:1.1.0', version: '0.0.1',
      indexes: { primary: { hash: 'pk', sort: 'sk' }, gs1: { hash: 'gs1pk', sort: 'gs1sk', project: 'all' } },
      models: {
        Account: { pk: { type: String, value: 'account:${id}' }, sk: { type: String, value: 'account:' }, gs1pk: { type: String, value: 'accounts' }, gs1sk: { type: String, value: '${name}' }, id: { type: String, required: true }, name: { type: String, required: true }, email: { type: String, unique: true }, balance: { type: Number, default: 0 } },
      },
      params: { isoDates: true, timestamps: true },
    },
  })
  await shop.createTable()
  assert.ok(await shop.exists())
  const Account = shop.getModel('Account')
  for (const id of ['1', '2', '3']) await Account.create({ id, name: `n${id}`, email: `${id}@example.com` })
  await assert.rejects(Account.create({ id: '4', name: 'n4', email: '1@example.com' })) // unique, by a transaction
  assert.equal((await Account.update({ id: '1' }, { add: { balance: 5 } })).balance, 5)
  assert.deepEqual((await Account.find({ gs1pk: 'accounts', gs1sk: { between: ['n1', 'n2'] } }, { index: 'gs1' })).map((a) => a.id), ['1', '2'])
  const transaction = {}
  await Account.update({ id: '2', balance: 1 }, { transaction })
  await Account.update({ id: '3', balance: 2 }, { transaction })
  await shop.transact('write', transaction)
  assert.deepEqual(await Promise.all(['2', '3'].map(async (id) => (await Account.get({ id })).balance)), [1, 2])
}

async function castore() {
  await table('castore', ['aggregateId:S', 'version:N'], { initialEvents: ['eventStoreId:S', 'timestamp:S'] })
  const store = new EventStore({
    eventStoreId: 'POKEMONS', eventTypes: [new EventType({ type: 'APPEARED' }), new EventType({ type: 'LEVELED_UP' })],
    reducer: (aggregate, event) => ({ aggregateId: event.aggregateId, version: event.version, level: (aggregate?.level ?? 0) + 1 }),
    eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({ tableName: 'castore', dynamoDBClient: client }),
  })
  await store.pushEvent({ aggregateId: '1', version: 1, type: 'APPEARED', payload: { name: 'Pikachu' } })
  for (let version = 2; version < 6; version++) await store.pushEvent({ aggregateId: '1', version, type: 'LEVELED_UP' })
  await assert.rejects(store.pushEvent({ aggregateId: '1', version: 5, type: 'LEVELED_UP' }), (e) => e.code === 'EventAlreadyExistsError')
  await EventStore.pushEventGroup(
    store.groupEvent({ aggregateId: '2', version: 1, type: 'APPEARED' }), store.groupEvent({ aggregateId: '3', version: 1, type: 'APPEARED' }))
  assert.equal((await store.getAggregate('1')).aggregate.level, 5)
  assert.deepEqual((await store.getEvents('1', { minVersion: 2, maxVersion: 4, reverse: true, limit: 2 })).events.map((e) => e.version), [4, 3, 2]) // limit is its page size
  const first = await store.listAggregateIds({ limit: 2 })
  const rest = await store.listAggregateIds({ pageToken: first.nextPageToken })
  assert.equal(first.aggregateIds.length + rest.aggregateIds.length, 3)
}

async function eventStore() {
  const layout = [['pkey:S', 'skey:S'], { 'by-aid': ['aid:S', 'seq_nr:N'] }]
  await table('journal', ...layout)
  await table('snapshot', ...layout)
  const id = { typeName: 'account', value: '1', asString: () => 'account-1' }
  const account = (name, sequenceNumber, version) => ({
    typeName: 'Account', id, name, sequenceNumber, version,
    withVersion: (v) => account(name, sequenceNumber, v), updateVersion: (f) => account(name, sequenceNumber, f(version)),
  })
  const event = (name, sequenceNumber) => ({ typeName: 'Renamed', id: `e${sequenceNumber}`, aggregateId: id, name, sequenceNumber, occurredAt: new Date(), isCreated: sequenceNumber === 1 })
  const events = eventStoreAdapter.EventStoreFactory.ofDynamoDB(client, 'journal', 'snapshot', 'by-aid', 'by-aid', 32,
    (json) => json.data ?? json, (json) => { const a = json.data ?? json; return account(a.name, a.sequenceNumber, a.version) }).withKeepSnapshotCount(2)
  await events.persistEventAndSnapshot(event('Ann', 1), account('Ann', 1, 1))
  await events.persistEvent(event('Bob', 2), 1)
  await assert.rejects(events.persistEvent(event('Cy', 3), 1)) // another was faster
  const snapshot = await events.getLatestSnapshotById(id)
  assert.equal(snapshot.version, 2)
  const since = await events.getEventsByIdSinceSequenceNumber(id, snapshot.sequenceNumber + 1)
  assert.deepEqual(since.map((e) => e.name), ['Bob'])
}

for (const [name, run] of Object.entries({
  electrodb, 'dynamodb-toolbox': toolbox, 'dynamodb-onetable': oneTable,
  '@castore/event-storage-adapter-dynamodb': castore, 'event-store-adapter-js': eventStore,
})) {
  await run()
  console.log(name, version(name))
}

// Not every package lets its package.json be imported.
function version(name) {
  const { readFileSync } = require('node:fs')
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
}
