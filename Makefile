# make help lists what can be made.
GO ?= go
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS = -X main.version=$(VERSION)
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help setup setup-kicad demo build test check lint vuln conformance conformance-electronics bench performance bench-peers arm64
help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: ## install ngspice where it can be installed, and say so where not
	@tools/setup.sh

setup-kicad: ## unpack kicad-cli of KiCad 9 (of root below /opt, else below ~/.cache), for the tasks erc and erc_delta
	@tools/setup.sh kicad

demo: setup build ## the whole job on the embedded model: set-up, build, lorabench demo
	bin/lorabench demo

build: ## bin/lorabench
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/lorabench ./cmd/lorabench

test: ## all tests; those that read ../shared or need ngspice say so when they skip
	$(GO) test ./...

check: lint test ## what every change must pass: formatting, linters, tests, also without cgo
	CGO_ENABLED=0 $(GO) vet ./...
	CGO_ENABLED=0 $(GO) test -short ./model/... ./tasks/... ./scorers ./results ./runners ./reports

lint: ## gofmt, go vet, staticcheck, govulncheck
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w these files:" $$files; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@$(MAKE) --no-print-directory vuln

vuln: ## known vulnerabilities, where their database can be reached
	@$(GO) run $(GOVULNCHECK) ./... >.vuln.log 2>&1; code=$$?; \
	if [ $$code -eq 0 ]; then echo 'govulncheck: nothing found'; \
	elif grep -q 'fetching vulnerabilities' .vuln.log; then echo 'govulncheck: not run, its database cannot be reached'; \
	else cat .vuln.log; rm -f .vuln.log; exit 1; fi; rm -f .vuln.log

conformance: ## every sample of lm-eval's runs in ../shared, on the real model (some 15 minutes)
	$(GO) test ./runners -run TestConformanceWithLMEval -full -v -count 1 -timeout 90m

conformance-electronics: ## every generated question, mutant and null output through the real tools; every published record in ../shared
	$(GO) test ./tools/electronics -full -v -count 1 -timeout 90m

arm64: ## the same bits on arm64, under emulation (needs qemu-user and gcc-aarch64-linux-gnu)
	CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc GOARCH=arm64 $(GO) test -exec 'qemu-aarch64 -L /usr/aarch64-linux-gnu' ./model/kernel
	CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc GOARCH=arm64 $(GO) test -exec 'qemu-aarch64 -L /usr/aarch64-linux-gnu' ./model -run SameBitsOnEveryMachine

bench: build ## kernels: GFLOP/s, GB/s; engine: tokens a second, what adapters cost (some minutes)
	$(GO) test -run '^$$' -bench 'Mul/format=(BF16|Q8_0|Q4_1|Q4_K)/M=(1|8|64)$$|Attend|Peak' -benchtime 100ms ./model/kernel
	bin/lorabench bench demo --adapter spice --quick
	bin/lorabench bench --shape small --storage q8 --quick --budget 2m

performance: build ## measure what docs/performance.md says, and write its tables (an hour; the machine must be quiet)
	tools/performance/measure.sh bin/lorabench bin/performance
	$(GO) run ./tools/performance -dir bin/performance -page docs/performance.md

# Programs: LLAMA_BENCH, LLAMA_BATCHED_BENCH, IK_LLAMA_BENCH, LM_EVAL, OPENVINO_PYTHON. MODEL is a GGUF file or a folder
# of them; HF_MODEL a Hugging Face directory, DATA the datasets, ADAPTERS two PEFT folders with a comma between, for LM_EVAL.
bench-peers: build ## other engines beside lorabench, in turns: LLAMA_BENCH=… LM_EVAL=… OPENVINO_PYTHON=… MODEL=… (docs/performance.md)
	$(GO) run ./tools/benchpeers -lorabench bin/lorabench -llama-bench '$(LLAMA_BENCH)' -llama-batched-bench '$(LLAMA_BATCHED_BENCH)' \
		-ik-llama-bench '$(IK_LLAMA_BENCH)' -lm-eval '$(LM_EVAL)' -openvino-python '$(OPENVINO_PYTHON)' \
		-models '$(MODEL)' -hf '$(HF_MODEL)' -data '$(DATA)' -adapters '$(ADAPTERS)' -out peers.json $(PEERS_FLAGS)
