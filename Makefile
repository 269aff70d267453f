# The README's two commands need no make. These are the longer ones, by name.

# go.mod names the Go release, and an older go command downloads it, unless it is
# told to stay "local", as Go's container images and Debian tell it.
ifeq ($(filter-out local,$(GOTOOLCHAIN)),)
export GOTOOLCHAIN = auto
endif

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
COVERED = ./events/... ./follow/... ./aggregate/... ./view/... ./process/... ./dynamo/... ./messaging/... ./api/...

.PHONY: run test race lint format cover bench peers compare conformance aws-clients aws-clients-all openapi-lint clients schemathesis fuzz planted console-browser ci slow

include infra/targets.mk

.DEFAULT_GOAL := run

run: ## Daybook on this machine
	go run ./localstack

test: ## the tests
	go test ./...

race: ## the tests with the race detector, three times over
	go test -race -count=3 ./...

lint: ## formatting, vet and staticcheck
	@unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted"; exit 1; fi
	go vet ./...
	go vet -tags otlp ./functions/...
	go -C benchmarks vet ./...
	go run $(STATICCHECK) ./...
	go -C benchmarks run $(STATICCHECK) ./...

format: ## format all Go files
	"$$(go env GOROOT)/bin/gofmt" -w $$(git ls-files '*.go')

cover: ## statement coverage of the core rooms, at least 85 % each
	./.ci/coverage $(COVERED)

bench: ## the benchmarks, as ratios within a run; fails where one fell by a fifth (.ci/ratios.txt)
	.ci/ratios
	go -C benchmarks run . quick -recorded ../.ci/peers.txt
	go test -run '^$$' -bench 'ConditionalPut|Transact2|Query20' -benchtime 20000x -timeout 20m ./localstack/embedded/
	go test -run '^$$' -bench Memory -benchtime 1x -timeout 20m ./localstack/embedded/

peers: ## Daybook beside other event stores on DynamoDB, in one run; writes docs/benchmarks.md
	./benchmarks/run.sh

compare: ## the embedded DynamoDB against engines that others made
	./localstack/compare/run.sh

conformance: ## the store's suites and the end-to-end tests on engines that others made
	./localstack/compare/conformance.sh

aws-clients: ## boto3, the AWS CLI and the AWS SDK for JavaScript against the embedded DynamoDB and SQS
	./localstack/awsclients/run.sh

aws-clients-all: ## these, and libraries on top of them
	./localstack/awsclients/run.sh all

openapi-lint: ## the OpenAPI description through Redocly's and Spectral's rules, the AsyncAPI one through AsyncAPI's parser
	./localstack/clients/lint.sh

clients: ## a client by each generator of docs/clients.md, compiled and called
	./localstack/clients/run.sh

schemathesis: ## ten minutes of requests made from the OpenAPI description
	./localstack/clients/schemathesis.sh

fuzz: ## every fuzz target, a minute each
	./.ci/fuzz

planted: ## faults planted into the product, which the instruments must find
	go run ./simulation/planted

console-browser: ## the console in a browser: every page, in both themes and widths, and what a person does there
	npm ci --prefix console/testdata/axe --ignore-scripts --no-audit --no-fund
	go test -tags browser -count=1 -run 'InABrowser|Scale' ./console
	@echo "screenshots are in build/screenshots"

ci: ## what CI runs
	./.ci/run

slow: ## what CI runs now and then
	./.ci/slow
