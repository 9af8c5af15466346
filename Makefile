# Every task of the project. `make` alone lists them.

GO ?= go
BIN := bin/socorro
TOOLS := bin/tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0-dev)
GO_FILES = $(shell git ls-files -co --exclude-standard '*.go')
FUZZTIME ?= 20s

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/socorro
	$(GO) build -buildvcs=auto -ldflags "-X socorro/system.version=$(VERSION)" -o $(BIN) ./cmd/socorro

.PHONY: demo
demo: build ## post real crashes to a server of our own and show them (DUMP=path posts that minidump)
	@tools/install.sh curl
	@tools/demo.sh $(DUMP)

.PHONY: test
test: deps ## run all tests; what they need is installed first
	$(GO) test ./...

.PHONY: race
race: ## run the tests of the concurrent parts under the race detector
	$(GO) test -race ./actors/... ./storage/... ./http/collect/... ./stackwalk/...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s)
	@tools/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: build ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: check
check: format vet lint deadcode verify ## formatting, vet, lint, dead code, generated files

.PHONY: format
format: $(TOOLS)/.built
	@out=$$($(TOOLS)/gofumpt -l $(GO_FILES)); if [ -n "$$out" ]; then echo "not formatted (make fmt mends it):"; echo "$$out"; exit 1; fi

.PHONY: fmt
fmt: $(TOOLS)/.built ## format the sources
	$(TOOLS)/gofumpt -w $(GO_FILES)

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: lint
lint: $(TOOLS)/.built ## run the linters of .golangci.yml
	$(TOOLS)/golangci-lint run ./...

.PHONY: deadcode
deadcode: $(TOOLS)/.built
	@out=$$($(TOOLS)/deadcode -test ./...); if [ -n "$$out" ]; then echo "unreachable:"; echo "$$out"; exit 1; fi

.PHONY: generate
generate: build ## remake the generated documentation
	$(BIN) docs config > docs/config.md
	$(BIN) docs metrics > docs/metrics.md

.PHONY: verify
verify: build
	@$(BIN) docs config | diff -u docs/config.md - || { echo "docs/config.md is stale: make generate"; exit 1; }
	@$(BIN) docs metrics | diff -u docs/metrics.md - || { echo "docs/metrics.md is stale: make generate"; exit 1; }

.PHONY: deps
deps: ## install what the tests and benchmarks need (Chromium, Firefox, wrk)
	@tools/install.sh chromium firefox-esr wrk

.PHONY: clean
clean: ## remove what was built
	rm -rf bin demo-data

# The tools have a module of their own; they are built once per change of it.
$(TOOLS)/.built: tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	cd tools && $(GO) build -o ../$(TOOLS)/ tool
	@touch $@
