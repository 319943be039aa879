.PHONY: build test ci bench fuzz demo

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

FUZZTIME ?= 1m
fuzz: ## every fuzz target for FUZZTIME
	scripts/fuzz $(FUZZTIME)
