"""boto3 and the AWS CLI against the embedded DynamoDB and SQS."""

import json
import os
import subprocess
import time

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]


def refused(code, call, *args, **kwargs):
    """The error that a call must end with."""
    try:
        call(*args, **kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response
    raise AssertionError(f"{code} was expected")


def tables():
    db = boto3.resource("dynamodb", endpoint_url=ENDPOINT)
    table = db.create_table(
        TableName="py-matches",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in
                              {"id": "S", "cup": "S", "region": "S", "round": "N"}.items()],
        GlobalSecondaryIndexes=[{
            "IndexName": "by-cup",
            "KeySchema": [{"AttributeName": "cup", "KeyType": "HASH"}, {"AttributeName": "region", "KeyType": "HASH"},
                          {"AttributeName": "round", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for i in range(30):
            batch.put_item(Item={"id": f"m{i:02}", "cup": "open", "region": ["east", "west"][i % 2], "round": i, "tags": {"a", "b"}})
    found = table.query(IndexName="by-cup", KeyConditionExpression=Key("cup").eq("open") & Key("region").eq("west") & Key("round").between(5, 9))
    assert [m["id"] for m in found["Items"]] == ["m05", "m07", "m09"], found
    pages = db.meta.client.get_paginator("query").paginate(
        TableName=table.name, IndexName="by-cup", KeyConditionExpression="cup = :c AND #r = :r", PaginationConfig={"PageSize": 4},
        ExpressionAttributeNames={"#r": "region"}, ExpressionAttributeValues={":c": "open", ":r": "east"})
    assert sum(p["Count"] for p in pages) == 15
    updated = table.update_item(Key={"id": "m00"}, UpdateExpression="SET score = :s ADD #r :one", ExpressionAttributeNames={"#r": "round"},
                                ExpressionAttributeValues={":s": "1:0", ":one": 1}, ConditionExpression=Attr("id").exists(), ReturnValues="ALL_NEW")
    assert updated["Attributes"]["round"] == 1 and updated["Attributes"]["tags"] == {"a", "b"}, updated
    refused("ConditionalCheckFailedException", table.put_item, Item={"id": "m00"}, ConditionExpression=Attr("id").not_exists())
    error = refused("TransactionCanceledException", db.meta.client.transact_write_items, TransactItems=[
        {"Put": {"TableName": table.name, "Item": {"id": "new"}}},
        {"ConditionCheck": {"TableName": table.name, "Key": {"id": "m00"}, "ConditionExpression": "attribute_not_exists(id)"}},
    ])
    assert [r["Code"] for r in error["CancellationReasons"]] == ["None", "ConditionalCheckFailed"], error
    assert "Item" not in table.get_item(Key={"id": "new"}, ConsistentRead=True)
    return table


def streams(table):
    client = boto3.client("dynamodbstreams", endpoint_url=ENDPOINT)
    stream = client.describe_stream(StreamArn=table.latest_stream_arn)["StreamDescription"]

    def records(**how):
        total = []
        for shard in stream["Shards"]:
            iterator = client.get_shard_iterator(StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], **how)["ShardIterator"]
            total += client.get_records(ShardIterator=iterator)["Records"]
        return total

    everything = records(ShardIteratorType="TRIM_HORIZON")
    assert [r["eventName"] for r in everything].count("INSERT") == 30 and len(everything) == 31, len(everything)
    assert len(records(ShardIteratorType="AT_TIMESTAMP", Timestamp=time.time() - 600)) == 31
    shard = stream["Shards"][0]["ShardId"]
    refused("ValidationException", client.get_shard_iterator, StreamArn=stream["StreamArn"], ShardId=shard,
            ShardIteratorType="AT_TIMESTAMP", Timestamp=time.time() + 600)


def queues():
    sqs = boto3.client("sqs", endpoint_url=ENDPOINT)
    dead = sqs.create_queue(QueueName="py-dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName="py.fifo", Attributes={
        "FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "0",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})})["QueueUrl"]
    for body in ("one", "two", "two"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageAttributes={"kind": {"DataType": "String", "StringValue": body}})

    def receive(queue):
        return [m["Body"] for m in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]).get("Messages", [])]

    assert receive(url) == ["one", "two"]
    assert receive(url) == [] and receive(dead) == ["one", "two"]
    sqs.start_message_move_task(SourceArn=arn)
    for _ in range(100):
        task = sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]
        if task["Status"] != "RUNNING":
            break
        time.sleep(0.05)
    assert task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 2, task
    assert receive(url) == ["one", "two"]


def aws(*args):
    out = subprocess.run(["aws", *args, "--endpoint-url", ENDPOINT, "--output", "json"], check=True, capture_output=True, text=True).stdout
    return json.loads(out) if out.strip() else {}


def cli():
    aws("dynamodb", "create-table", "--table-name", "cli", "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=pk,AttributeType=S", "AttributeName=sk,AttributeType=N",
        "--key-schema", "AttributeName=pk,KeyType=HASH", "AttributeName=sk,KeyType=RANGE")
    aws("dynamodb", "wait", "table-exists", "--table-name", "cli")
    aws("dynamodb", "batch-write-item", "--request-items", json.dumps({"cli": [
        {"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"N": str(i)}}}} for i in range(5)]}))
    found = aws("dynamodb", "query", "--table-name", "cli", "--key-condition-expression", "pk = :p AND sk > :s", "--no-scan-index-forward",
                "--expression-attribute-values", '{":p":{"S":"a"},":s":{"N":"2"}}')
    assert [i["sk"]["N"] for i in found["Items"]] == ["4", "3"], found
    assert len(aws("dynamodb", "scan", "--table-name", "cli", "--page-size", "2")["Items"]) == 5
    assert "cli" in aws("dynamodb", "list-tables")["TableNames"]
    aws("dynamodb", "transact-write-items", "--transact-items", json.dumps([{"Delete": {"TableName": "cli", "Key": {"pk": {"S": "a"}, "sk": {"N": "0"}}}}]))
    assert aws("dynamodb", "get-item", "--table-name", "cli", "--key", '{"pk":{"S":"a"},"sk":{"N":"0"}}') == {}
    url = aws("sqs", "create-queue", "--queue-name", "cli.fifo", "--attributes", "FifoQueue=true,ContentBasedDeduplication=true")["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "hello", "--message-group-id", "g")
    assert aws("sqs", "receive-message", "--queue-url", url)["Messages"][0]["Body"] == "hello"


streams(tables())
queues()
print(f"boto3 {boto3.__version__}")
cli()
print(subprocess.run(["aws", "--version"], check=True, capture_output=True, text=True).stdout.split()[0])
