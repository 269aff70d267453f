#!/usr/bin/env bash
# Package: awscli 1.46.3 (PyPI).
#
# Behaviour: AWS_ENDPOINT_URL sends the requests of DynamoDB, and of the other
# services, to the given address. For SQS both it and AWS_ENDPOINT_URL_SQS are
# ignored: the request goes to https://queue.amazonaws.com, that is to AWS. Only the
# option --endpoint-url is obeyed.
#
# Met by: users who point the AWS CLI at an emulator by its environment, as the
# documentation of emulators and of the AWS SDKs says, and works with queues: with
# real credentials at hand, a purge-queue meant for the machine reaches AWS.
#
# Output on 2026-11-29:
#   dynamodb with AWS_ENDPOINT_URL: arrives
#   sqs with AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_SQS: does not arrive
#   sqs with --endpoint-url: arrives
#
# Exits with an error when SQS obeys the environment.
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
python3 -m venv v
v/bin/pip -q --disable-pip-version-check install awscli==1.46.3

cat >server.py <<'PY'
import http.server

class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        print(self.headers.get("x-amz-target"), file=open("arrived", "a"))
        body = b"{}"
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, file=open("port", "w"), flush=True)
server.serve_forever()
PY
python3 server.py &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)

# Nothing leaves the machine: HTTPS goes to a proxy that is not there.
export HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1 AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_DISABLED=true
export AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null

# arrives NAME WORD ARGUMENT... tells whether the request of an aws command arrives.
arrives() {
	local name=$1 want=$2 got="does not arrive"
	shift 2
	rm -f arrived
	"$@" >/dev/null 2>&1 || true
	[ -s arrived ] && got=arrives
	echo "$name: $got"
	[ "$got" = "$want" ]
}
arrives "dynamodb with AWS_ENDPOINT_URL" arrives env AWS_ENDPOINT_URL="$url" v/bin/aws dynamodb list-tables
arrives "sqs with AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_SQS" "does not arrive" \
	env AWS_ENDPOINT_URL="$url" AWS_ENDPOINT_URL_SQS="$url" v/bin/aws sqs list-queues
arrives "sqs with --endpoint-url" arrives v/bin/aws sqs list-queues --endpoint-url "$url"
