.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
BIN := .venv/bin
PYTEST_ARGS ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: bootstrap
bootstrap: ## system packages and Python environment (the other targets call it)
	@deploy/local/bootstrap.sh

.PHONY: demo
demo: bootstrap ## everything from nothing: stack, demo data, the main job, pictures and addresses
	@$(BIN)/python -m shanhai.local demo

.PHONY: up
up: bootstrap ## start what is not running: PostgreSQL, Redis, API, tiles, worker
	@$(BIN)/python -m shanhai.local up

.PHONY: down
down: bootstrap ## stop everything that up started
	@$(BIN)/python -m shanhai.local down

.PHONY: status
status: bootstrap ## show the services with process, port, health and uptime
	@$(BIN)/python -m shanhai.local status

.PHONY: test
test: bootstrap ## the whole test suite against its own PostgreSQL and Redis
	@SHANHAI_TEST_REQUIRE=db,redis $(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: check
check: bootstrap ## format, lint, types, import contracts, compose file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

.PHONY: bench
bench: bootstrap ## benchmarks, each a ratio to a floor measured in the same run
	@$(BIN)/python -m benchmarks

.PHONY: measure
measure: bootstrap ## lines per file and per function, types, docstrings
	@$(BIN)/python benchmarks/measure_code.py

.PHONY: lock
lock: bootstrap ## compile requirements.lock anew from pyproject.toml
	@.venv/installer/bin/uv pip compile pyproject.toml --extra all --group dev \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock
