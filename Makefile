.PHONY: build test ci bench chaos fuzz demo

build: ## the three programs, into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...

test: ## every test, with the race detector and a real redis-server
	scripts/test

ci: ## what must hold on every commit
	.ci/run

demo: ## an import into the built-in sandbox
	go run ./cmd/enqueue create --sandbox samples/shipments.csv

bench: ## the figures of docs/benchmarks.md
	scripts/bench

chaos: ## the long fault suite of docs/reliability.md: half an hour, and it must be let alone
	CHAOS=long go test -count=1 -v -timeout=45m ./internal/chaos

FUZZTIME ?= 1m
fuzz: ## every fuzz target for FUZZTIME
	scripts/fuzz $(FUZZTIME)
