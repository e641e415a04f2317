# Everything that a person or CI does with this repository. `make` alone lists it.

PYTHON ?= python3
CARGO  ?= cargo
export PYTHON CARGO

# Labelled texts for `make eval`: JSONL files, or folders with such files.
DATA   ?= tests/corpus
# Our own model learnt from the other texts of such sets; empty for all, as for texts that it never saw.
FOLD   ?= validation

# What `make model` learns from beside our own texts (a folder of labelled sets), and how long.
STEPS  ?=
RUN    ?= training/run
MODEL  ?= assets/ner

VENV   := .venv
VENV_PYTHON := $(VENV)/bin/python
VENV_STAMP  := $(VENV)/.installed
PYTHON_CODE := assets scripts clients tests training
TRAIN_VENV   := training/.venv
TRAIN_PYTHON := $(abspath $(TRAIN_VENV))/bin/python
TRAIN_STAMP  := $(TRAIN_VENV)/.installed
TRAIN_DATA   = $(if $(filter-out tests/corpus,$(DATA)),--data $(abspath $(DATA)))

# In CI the profile of that name: no early stop, a test report, longer limits.
ifeq ($(CI),true)
NEXTEST_PROFILE := --profile ci
endif

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-rust test-python soak-dispatch bench bench-replay bench-dispatch bench-worker eval calibrate model ablations texts lint reference assets lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Show Cordon at work: service, local model and a dozen requests, all on this machine
	@$(PYTHON) scripts/demo.py

serve: ## Run the service in the foreground, with local inference (Ollama if it runs, else a small pinned model)
	@$(PYTHON) scripts/serve.py

test: test-rust test-python ## Run every test

test-rust: assets ## Run the Rust tests (with cargo-nextest if it is installed)
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    $(CARGO) nextest run --locked $(NEXTEST_PROFILE) && $(CARGO) test --locked --doc; \
	else \
	    echo "cargo-nextest is not installed; using cargo test"; \
	    $(CARGO) test --locked; \
	fi

test-python: assets $(VENV_STAMP) ## Run the Python tests against the real service and the real local model
	$(CARGO) build --locked --bin cordon
	$(VENV_PYTHON) -m pytest tests/python
	$(VENV_PYTHON) -m pytest -c tests/python/pytest.ini --rootdir training training/tests

soak-dispatch: ## Drive 100,000 seeded schedules of faults through Dispatch and print what was seen
	@CORDON_SCHEDULES=100000 $(CARGO) test --quiet --locked --lib dispatch::tests::schedules -- --nocapture

bench: assets $(VENV_STAMP) ## Measure: rules, model, service, start, memory, and Presidio beside it
	@$(VENV_PYTHON) scripts/bench.py

bench-replay: assets ## Replay another policy over a log of a million records, twice: time, and whether the bytes are the same
	@$(CARGO) bench --quiet --locked --bench replay

bench-dispatch: assets $(VENV_STAMP) ## Measure what Dispatch adds to a backend, with LiteLLM and Portkey beside it
	@$(VENV_PYTHON) scripts/bench_dispatch.py

bench-worker: assets ## Measure bulk classification over NATS with one worker and with two, and what a document costs
	@$(PYTHON) scripts/bench_worker.py

eval: assets ## Measure detection and levels on labelled texts, the pinned model beside our own: make eval DATA="my.jsonl"
	@$(CARGO) run --quiet --locked --release --bin cordon -- eval --gold $(DATA) \
	    $(if $(FOLD),--fold $(FOLD)) --compare rampart

calibrate: assets ## Fit the embedded table of scores on labelled texts: make calibrate DATA="tests/corpus mine"
	@$(CARGO) run --quiet --locked --release --bin cordon -- calibrate detection --gold $(DATA) \
	    --write src/detect/calibration/default.toml

model: $(TRAIN_STAMP) ## Train, export and measure our own model: make model DATA=sets STEPS=50 RUN=/tmp/run MODEL=/tmp/model
	@assets="$$($(PYTHON) assets/fetch.py runtime training --json)" && cd training && \
	    $(TRAIN_PYTHON) -m cordon_model --assets "$$assets" $(TRAIN_DATA) $(if $(STEPS),--steps $(STEPS)) \
	    --run $(abspath $(RUN)) --out $(abspath $(MODEL))

ablations: $(TRAIN_STAMP) ## Train short runs that differ in one choice each and compare them: make ablations DATA=sets STEPS=300
	@assets="$$($(PYTHON) assets/fetch.py runtime training --json)" && cd training && \
	    $(TRAIN_PYTHON) -m cordon_model.ablate --assets "$$assets" $(TRAIN_DATA) $(if $(STEPS),--steps $(STEPS)) \
	    --run $(abspath $(RUN))/ablations

texts: $(TRAIN_STAMP) ## Check the texts that the model learns from: labels, topics, and that no two are alike
	@cd training && $(TRAIN_PYTHON) -m cordon_model.texts

lint: $(VENV_STAMP) ## Check format and lints of Rust and Python
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(VENV)/bin/ruff check $(PYTHON_CODE)
	$(VENV)/bin/ruff format --check $(PYTHON_CODE)

reference: ## Write the reference pages in docs/ anew from what they describe
	$(CARGO) run --quiet --locked --bin cordon -- types --markdown > docs/entity-types.new
	mv docs/entity-types.new docs/entity-types.md

assets: ## Fetch what Cordon runs with into the user's cache, pinned by hash
	@$(PYTHON) assets/fetch.py

lock: $(VENV_STAMP) ## Write all lock files of assets and Python packages anew (for maintainers; needs uv and npm)
	$(PYTHON) assets/relock.py
	cd tests/python && uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock requirements.in
	cd training && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock requirements.in
	cd tests/bench/peers && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock requirements.in
	cd tests/bench/gateways && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock requirements.in && \
	    npm install --silent --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

clean: ## Remove what was built here (the assets in the user's cache stay)
	$(CARGO) clean
	rm -rf $(VENV) .pytest_cache .ruff_cache

# A new environment whenever the lock file changes: no package of an older lock stays behind.
$(VENV_STAMP): tests/python/requirements.lock
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
	    --requirement tests/python/requirements.lock
	touch $@

$(TRAIN_STAMP): training/requirements.lock
	rm -rf $(TRAIN_VENV)
	$(PYTHON) -m venv $(TRAIN_VENV)
	$(TRAIN_PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
	    --requirement training/requirements.lock
	touch $@
