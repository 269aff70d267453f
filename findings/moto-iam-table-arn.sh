#!/usr/bin/env bash
# Package: moto 5.2.5 (PyPI, with its extras dynamodb and iam).
#
# Behaviour: with IAM switched on (set_initial_no_auth_action_count), a user whose
# policy allows dynamodb:GetItem on the ARN of the table may not get an item of it:
# moto asks every statement about the resource "*", which only a statement for "*"
# matches. And the refusal is XML with status 403, which a client of DynamoDB, which
# speaks JSON, can't read: the error's code is "403", not AccessDeniedException.
#
# Met by: users who test the least privilege of a function or of an operator's role
# against moto. A policy that is right on AWS is refused, and one that passes has
# to allow every table of the account.
#
# Output on 2026-11-29:
#   the table's ARN: 403
#   *: allowed
#
# Exits with an error when the table's ARN is enough, or the code is another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check 'moto[dynamodb,iam]==5.2.5'
cat >probe.py <<'PY'
import json

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

REGION = "us-east-1"


def key_of_user(name, resource):
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": resource}]}
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(policy))
    return iam.create_access_key(UserName=name)["AccessKey"]


@set_initial_no_auth_action_count(0)
def get(key):
    client = boto3.client("dynamodb", region_name=REGION, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    try:
        client.get_item(TableName="orders", Key={"id": {"S": "1"}})
        return "allowed"
    except ClientError as e:
        return e.response["Error"]["Code"]


with mock_aws():
    table = boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )["TableDescription"]["TableArn"]
    print("the table's ARN:", get(key_of_user("named", table)))
    print("*:", get(key_of_user("any", "*")))
PY
AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null \
	venv/bin/python probe.py | tee output
[ "$(cat output)" = "the table's ARN: 403
*: allowed" ]
