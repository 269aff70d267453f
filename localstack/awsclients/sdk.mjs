// The AWS SDK for JavaScript against the embedded DynamoDB and SQS.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { DescribeStreamCommand, DynamoDBStreamsClient, GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-dynamodb-streams'
import { BatchWriteCommand, DynamoDBDocumentClient, GetCommand, paginateQuery, PutCommand, TransactGetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'

const endpoint = process.env.ENDPOINT
const TableName = 'js-notes'
const db = new DynamoDBClient({ endpoint })
const doc = DynamoDBDocumentClient.from(db)

const made = await db.send(new CreateTableCommand({
  TableName, BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'user', AttributeType: 'S' }, { AttributeName: 'at', AttributeType: 'N' }, { AttributeName: 'folder', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'user', KeyType: 'HASH' }, { AttributeName: 'at', KeyType: 'RANGE' }],
  GlobalSecondaryIndexes: [{
    IndexName: 'by-folder', Projection: { ProjectionType: 'KEYS_ONLY' },
    KeySchema: [{ AttributeName: 'user', KeyType: 'HASH' }, { AttributeName: 'folder', KeyType: 'HASH' }, { AttributeName: 'at', KeyType: 'RANGE' }],
  }],
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
}))
await waitUntilTableExists({ client: db, maxWaitTime: 60 }, { TableName })
await doc.send(new BatchWriteCommand({
  RequestItems: { [TableName]: Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { user: 'ann', at: i, folder: i % 2 ? 'odd' : 'even', text: 'é'.repeat(i) } } })) },
}))
const seen = []
for await (const page of paginateQuery({ client: doc, pageSize: 3 }, {
  TableName, IndexName: 'by-folder', KeyConditionExpression: '#u = :u AND folder = :f AND #at < :max', ScanIndexForward: false,
  ExpressionAttributeNames: { '#u': 'user', '#at': 'at' }, ExpressionAttributeValues: { ':u': 'ann', ':f': 'odd', ':max': 20 },
})) seen.push(...page.Items)
assert.deepEqual(seen.map((n) => n.at), [19, 17, 15, 13, 11, 9, 7, 5, 3, 1])
assert.deepEqual(Object.keys(seen[0]).sort(), ['at', 'folder', 'user'])

const key = { user: 'ann', at: 0 }
const updated = await doc.send(new UpdateCommand({
  TableName, Key: key, UpdateExpression: 'SET labels = :l, stars = if_not_exists(stars, :zero) + :one', ReturnValues: 'UPDATED_NEW',
  ExpressionAttributeValues: { ':l': new Set(['x', 'y']), ':zero': 0, ':one': 1 },
}))
assert.equal(updated.Attributes.stars, 1)
await assert.rejects(doc.send(new PutCommand({ TableName, Item: key, ConditionExpression: 'attribute_not_exists(#u)', ExpressionAttributeNames: { '#u': 'user' }, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })),
  (e) => e.name === 'ConditionalCheckFailedException' && e.Item.stars.N === '1')
const token = 'a-token-of-its-own'
const write = new TransactWriteCommand({ ClientRequestToken: token, TransactItems: [{ Update: { TableName, Key: key, UpdateExpression: 'ADD stars :one', ExpressionAttributeValues: { ':one': 1 } } }] })
await doc.send(write)
await doc.send(write) // a repeat changes nothing
const read = await doc.send(new TransactGetCommand({ TransactItems: [{ Get: { TableName, Key: key } }, { Get: { TableName, Key: { user: 'bob', at: 0 } } }] }))
assert.equal(read.Responses[0].Item.stars, 2)
assert.equal(read.Responses[1].Item, undefined)
assert.deepEqual((await doc.send(new GetCommand({ TableName, Key: key, ProjectionExpression: 'labels' }))).Item, { labels: new Set(['x', 'y']) })

const streams = new DynamoDBStreamsClient({ endpoint })
const StreamArn = made.TableDescription.LatestStreamArn
const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }))
let records = 0
for (const { ShardId } of StreamDescription.Shards) {
  const { ShardIterator } = await streams.send(new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
  records += (await streams.send(new GetRecordsCommand({ ShardIterator }))).Records.length
}
assert.equal(records, 27)

const sqs = new SQSClient({ endpoint })
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'js.fifo', Attributes: { FifoQueue: 'true' } }))
const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: ['a', 'b', 'a'].map((id, i) => ({ Id: String(i), MessageBody: id, MessageGroupId: 'g', MessageDeduplicationId: id })) }))
assert.equal(sent.Successful.length, 3)
const got = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'] }))
assert.deepEqual(got.Messages.map((m) => m.Body), ['a', 'b'])
for (const { ReceiptHandle } of got.Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
assert.equal((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages, undefined)
const version = createRequire(import.meta.url)('@aws-sdk/client-dynamodb/package.json').version
console.log('AWS SDK for JavaScript', version)
