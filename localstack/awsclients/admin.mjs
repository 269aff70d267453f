// dynamodb-admin, a web page for tables, on the embedded DynamoDB.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { BatchWriteItemCommand, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { createServer } from 'dynamodb-admin'

const client = new DynamoDBClient({ endpoint: process.env.ENDPOINT })
const TableName = 'admin-pages'
await client.send(new CreateTableCommand({
  TableName, BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, { AttributeName: 'n', AttributeType: 'N' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'n', KeyType: 'RANGE' }],
}))
await client.send(new BatchWriteItemCommand({
  RequestItems: { [TableName]: Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { pk: { S: i < 20 ? 'ann' : 'bob' }, n: { N: String(i) }, note: { S: `note ${i}` } } } })) },
}))
const server = createServer({ dynamoDbClient: client }).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const page = async (path) => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`)
  assert.equal(answer.status, 200, `${path}: ${answer.status}`)
  return answer.text()
}
try {
  assert.match(await page('/'), /admin-pages/)
  assert.match(await page(`/tables/${TableName}`), /admin-pages/)
  assert.match(await page(`/tables/${TableName}/items/ann,3`), /note 3/)
  assert.match(await page(`/tables/${TableName}/meta`), /TableArn/)
  const rows = async (query = '') => JSON.parse(await page(`/tables/${TableName}/items?${new URLSearchParams(query)}`))
  const first = await rows({ pageSize: '20' })
  assert.equal(first.Items.length, 20)
  assert.equal((await rows({ pageSize: '20', startKey: decodeURIComponent(first.nextKey) })).Items.length, 5)
  const bob = await rows({ operationType: 'query', filters: JSON.stringify({ pk: { value: 'bob', type: 'S', operator: '=' } }) })
  assert.deepEqual(bob.Items.map((row) => row.n), [20, 21, 22, 23, 24])
} finally {
  server.close()
}
console.log('dynamodb-admin', JSON.parse(readFileSync(new URL('node_modules/dynamodb-admin/package.json', import.meta.url))).version)
