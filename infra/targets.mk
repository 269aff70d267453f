# Building and deploying; the root Makefile includes it. ENDPOINT is where an
# emulator of AWS answers. EMULATOR is ministack, ministack-docker or localstack to
# start it, or ministack, localstack, localemu or fakecloud to deploy to it.

EMULATOR ?= ministack
ENDPOINT ?= http://127.0.0.1:4566
ARCH ?= arm64

.PHONY: build synth cfn-lint deploy localstack-up localstack-down localstack-deploy e2e e2e-deployed

node_modules/.bin/cdk: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

build: ## the functions, as Lambda takes them, in build/$(ARCH)
	go run ./infra/bundle/build $(ARCH)

synth: node_modules/.bin/cdk ## the CloudFormation template, in cdk.out; needs no network
	node_modules/.bin/cdk synth --quiet

cfn-lint: ## the templates of all variants through cfn-lint
	./infra/lint.sh

deploy: node_modules/.bin/cdk ## to AWS; docs/deploy.md
	node_modules/.bin/cdk deploy

localstack-up: ## an emulator of AWS on this machine
	./localstack/deploy/up.sh $(EMULATOR)

localstack-down: ## stop it
	./localstack/deploy/up.sh down

localstack-deploy: ## the stack to the emulator at ENDPOINT
	./localstack/deploy/deploy.sh $(EMULATOR) $(ENDPOINT)

e2e: ## the end-to-end tests against what localstack-deploy has deployed
	./localstack/deploy/e2e.sh

e2e-deployed: ## MiniStack up, both kinds of API deployed twice and tested, MiniStack down
	./localstack/deploy/check.sh
