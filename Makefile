# Everything here runs on a machine that has Go; what else is needed is said, or
# installed where that is possible, by scripts/need.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# Flags for go test, for example: make test TESTFLAGS='-run TestTimers -v'
TESTFLAGS ?=
# Packages that bench and fuzz look at.
PKG       ?= ./...
BENCH     ?= .
BENCHTIME ?= 100ms
# Instances that lists look through.
LISTED    ?= 200000
FUZZTIME  ?= 20s

# Short tests need no servers and no terminal.
short        := $(filter -short -short=true,$(TESTFLAGS))
with_servers := $(if $(short),,./scripts/services run)

# The linter is built once for each tools/go.sum and version of Go.
lint_key := $(shell { cat tools/go.sum; go env GOVERSION; } 2>/dev/null | cksum | cut -d' ' -f1)
linter   := .bin/golangci-lint-$(lint_key)

# And so is Jaeger, which has a module of its own too.
jaeger_key := $(shell { cat telemetry/jaegertest/go.sum; go env GOVERSION; } 2>/dev/null | cksum | cut -d' ' -f1)
jaeger     := .bin/jaeger-$(jaeger_key)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## kills a worker under load, and looks for what was lost or done twice
	@./scripts/demo

.PHONY: test
test: ## all tests, with the race detector, and with servers unless TESTFLAGS=-short
	@./scripts/need go cc certs $(if $(short),,tmux)
	$(with_servers) go test -race -timeout 20m $(TESTFLAGS) ./...

.PHONY: test-jaeger
test-jaeger: $(jaeger) ## exports the traces of samples/tracing to a real Jaeger, and reads them back
	@./scripts/need go cc certs
	cd telemetry/jaegertest && WFOPS_TEST_JAEGER=$(abspath $(jaeger)) go test -race -count=1 -timeout 5m ./...

$(jaeger):
	@./scripts/need go certs
	@echo "building Jaeger; this takes some minutes, once"
	@mkdir -p .bin && rm -f .bin/jaeger-*
	cd telemetry/jaegertest && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' -o ../../$@ github.com/jaegertracing/jaeger/cmd/jaeger

.PHONY: check
check: fmt tidy vet layout lint ## everything that reads the code without running it

.PHONY: fmt
fmt: ## formatting; gofmt -w -s . mends it
	@unformatted=$$(gofmt -s -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted: run gofmt -w -s on"; echo "$$unformatted"; exit 1; fi

.PHONY: tidy
tidy: ## go.mod and go.sum name what is used and nothing else
	go mod tidy -diff

.PHONY: vet
vet: ## go vet, with and without cgo
	@./scripts/need go cc certs
	go vet ./...
	CGO_ENABLED=0 go vet ./...
	cd telemetry/jaegertest && go vet ./...

.PHONY: layout
layout: ## who may import what, and how long things may get
	go test -count=1 .

.PHONY: lint
lint: $(linter) ## golangci-lint, with and without cgo
	@./scripts/need go cc certs
	$(linter) run
	CGO_ENABLED=0 $(linter) run ./backends/...
	cd telemetry/jaegertest && ../../$(linter) run

$(linter):
	@./scripts/need go certs
	@echo "building golangci-lint; this takes some minutes, once"
	@mkdir -p .bin && rm -f .bin/golangci-lint-*
	cd tools && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: bench
bench: ## benchmarks of the parts (PKG, BENCH, BENCHTIME) and of the whole (LISTED)
	@PKG='$(PKG)' BENCH='$(BENCH)' BENCHTIME='$(BENCHTIME)' LISTED='$(LISTED)' ./scripts/bench

.PHONY: screens
screens: ## the captures in docs/screens and docs/console.md, from a seeded store
	@./scripts/need go certs
	go test -count=1 ./cmd/wfops/internal/tui -run TestScreensOfTheDocumentation -update

.PHONY: fuzz
fuzz: ## every fuzz target: PKG, FUZZTIME each
	@./scripts/fuzz $(FUZZTIME) $(PKG)

.PHONY: clean
clean: ## removes what the targets above built
	rm -rf .bin .demo
