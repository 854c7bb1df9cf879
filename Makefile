# make help lists what can be made.
GO ?= go
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS = -X main.version=$(VERSION)

.PHONY: help build test check bench lint golden
help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

build: ## bin/lorabench
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/lorabench ./cmd/lorabench

test: ## all tests; those that read ../shared or need ngspice say so when they skip
	$(GO) test ./...

check: lint ## what every change must pass: formatting, linters, tests, also without cgo
	$(GO) test ./...
	CGO_ENABLED=0 $(GO) test ./model/kernel ./model/checkpoint

lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'gofmt -w these files'; exit 1; }
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

bench: ## kernels: GFLOP/s and share of this machine's peak
	$(GO) test -run '^$$' -bench . ./model/kernel
