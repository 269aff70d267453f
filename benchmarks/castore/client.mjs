// castore as a client of the benchmarks: it reads a request per line, works through
// it, and answers with a line. See benchmarks/peer/protocol.go.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { Command, EventStore, EventType, tuple } from '@castore/core'
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb'

const [endpoint, payloads] = process.argv.slice(2)
const entries = readFileSync(payloads, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line))
const dynamoDBClient = new DynamoDBClient({
  endpoint, region: 'us-east-1', credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
})
const ledgers = new EventStore({
  eventStoreId: 'LEDGERS',
  eventTypes: [new EventType({ type: 'ENTERED' })],
  reducer: (state, { aggregateId, version, payload }) => ({
    aggregateId, version,
    entries: (state?.entries ?? 0) + 1,
    total: (state?.total ?? 0) + payload.quantity * payload.price,
    last: payload.name,
  }),
  eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({ tableName: 'castore-events', dynamoDBClient }),
})
const entered = (aggregateId, version, payload) => ({ aggregateId, version, type: 'ENTERED', payload })

const open = new Command({
  commandId: 'OPEN',
  requiredEventStores: tuple(ledgers),
  handler: async ({ id, payload }, [store]) => { await store.pushEvent(entered(id, 1, payload)) },
})
const enter = new Command({
  commandId: 'ENTER',
  requiredEventStores: tuple(ledgers),
  handler: async ({ id, added }, [store]) => {
    const { aggregate } = await store.getExistingAggregate(id)
    const events = added.map((payload, i) => entered(id, aggregate.version + 1 + i, payload))
    if (events.length === 1) {
      await store.pushEvent(events[0], { prevAggregate: aggregate })
      return
    }
    await EventStore.pushEventGroup(...events.map((event) => store.groupEvent(event)))
  },
})

// processor is the processor time that this process has used, in nanoseconds.
function processor() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

// measure runs f once for each id and notes its time, and the processor's.
async function measure(ids, f) {
  const reply = { ops: ids.length, latency_ns: [], refused: 0, seen: 0 }
  const cpu = processor()
  for (const id of ids) {
    const begin = process.hrtime.bigint()
    try {
      const seen = await f(id)
      reply.seen = seen ?? reply.seen
    } catch (e) {
      reply.refused++
      reply.error = String(e?.message ?? e)
    }
    reply.latency_ns.push(Number(process.hrtime.bigint() - begin))
  }
  reply.cpu_ns = processor() - cpu
  return reply
}

async function fill({ ids, events }) {
  for (const id of ids) {
    for (let i = 0; i < events; i++) await ledgers.pushEvent(entered(id, i + 1, entries[i % entries.length]))
  }
  return { ops: ids.length }
}

// attempts bounds the attempts of one contended append.
const attempts = 1000

// contend runs writers at once, each of which gets each commands through.
async function contend({ ids, writers, each }) {
  const reply = { ops: 0, latency_ns: [], refused: 0 }
  const cpu = processor()
  const one = async () => {
    for (let i = 0; i < each; i++) {
      const begin = process.hrtime.bigint()
      for (let attempt = 1; ; attempt++) {
        try {
          await enter.handler({ id: ids[0], added: entries.slice(0, 1) }, [ledgers])
          break
        } catch (e) {
          if (attempt === attempts) throw e
          reply.refused++
        }
      }
      reply.latency_ns.push(Number(process.hrtime.bigint() - begin))
      reply.ops++
    }
  }
  await Promise.all(Array.from({ length: writers }, one))
  reply.cpu_ns = processor() - cpu
  return reply
}

const operations = {
  fill,
  contend,
  create: ({ ids }) => measure(ids, (id) => open.handler({ id, payload: entries[0] }, [ledgers])),
  append: ({ ids, events }) => measure(ids, (id) => enter.handler({ id, added: entries.slice(0, events) }, [ledgers])),
  load: ({ ids }) => measure(ids, async (id) => (await ledgers.getAggregate(id)).aggregate.entries),
  repeat: async () => ({ unsupported: true }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let reply
  try {
    reply = await operations[request.op](request)
  } catch (e) {
    reply = { error: String(e?.stack ?? e) }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
