.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
BIN := .venv/bin
# Node.js comes with the Python environment.
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix services/api/console --silent
PYTEST_ARGS ?=
ROUNDS ?= 1
# Each of the many processes that are started would compile anew what it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: bootstrap
bootstrap: ## system packages and Python environment (the other targets call it)
	@deploy/local/bootstrap.sh

.PHONY: console
console: bootstrap ## the console in the browser, built from its sources, and the viewer's map library
	@services/api/console/build.sh --if-possible

.PHONY: demo
demo: console ## everything from nothing: stack, demo data, the main job, pictures and addresses
	@$(BIN)/python -m shanhai.local demo

.PHONY: up
up: console ## start what is not running: PostgreSQL, Redis, Mosquitto, API, tiles, worker
	@$(BIN)/python -m shanhai.local up

.PHONY: down
down: bootstrap ## stop everything that up started
	@$(BIN)/python -m shanhai.local down

.PHONY: status
status: bootstrap ## show the services with process, port, health and uptime
	@$(BIN)/python -m shanhai.local status

.PHONY: test
test: ## the whole test suite against its own PostgreSQL, Redis and a browser
	@deploy/local/bootstrap.sh chromium-headless-shell mosquitto-clients curl gdal-bin nginx-light
	@services/api/console/build.sh
	@$(NPM) test
	@SHANHAI_TEST_REQUIRE=db,redis,browser,mqtt $(BIN)/python -m pytest --numprocesses=2 --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: test-fast
test-fast: bootstrap ## the unit and contract tests alone
	@SHANHAI_TEST_REQUIRE=db,redis $(BIN)/python -m pytest --numprocesses=2 --no-loadscope-reorder tests/unit tests/contract $(PYTEST_ARGS)

.PHONY: test-faults
test-faults: bootstrap ## kill, stop and starve every part under load, ROUNDS times; 20,000 broken requests
	@deploy/local/bootstrap.sh faketime
	@SHANHAI_TEST_REQUIRE=db,redis SHANHAI_TEST_ROUNDS=$(ROUNDS) \
		$(BIN)/python -m pytest -m faults tests/faults $(PYTEST_ARGS)
	@SHANHAI_TEST_REQUIRE=db,redis SHANHAI_TEST_MUTATIONS=20000 \
		$(BIN)/python -m pytest tests/service/api/ogc/test_mutated_requests.py $(PYTEST_ARGS)

.PHONY: test-hosts
test-hosts: bootstrap ## two hosts without a shared folder: same bytes, the link cut, one of them killed; needs root
	@deploy/local/bootstrap.sh iproute2 iptables
	@SHANHAI_TEST_REQUIRE=db,redis $(BIN)/python -m pytest -m hosts tests/hosts $(PYTEST_ARGS)

.PHONY: test-compose
test-compose: bootstrap ## the compose file in a container engine: DOCKER_HOST, or SHANHAI_ENGINE with its address
	@echo "images are built first, which takes some ten minutes where NumPy was not compiled yet"
	@DOCKER_HOST=$${SHANHAI_ENGINE:-$${DOCKER_HOST:-}} $(BIN)/python -m pytest -m compose tests/compose $(PYTEST_ARGS)

.PHONY: test-provider
test-provider: ## sign in through Keycloak, which Maven fetches, and send its tokens
	@deploy/local/bootstrap.sh chromium-headless-shell openjdk-17-jre-headless maven
	@home=$$(deploy/local/keycloak.sh) && \
		SHANHAI_TEST_REQUIRE=db,redis,browser,keycloak SHANHAI_TEST_KEYCLOAK="$$home" \
		$(BIN)/python -m pytest tests/service/api/test_keycloak.py $(PYTEST_ARGS)

.PHONY: test-kubernetes
test-kubernetes: ## an API server takes the manifests (SHANHAI_KUBERNETES or KUBECONFIG; else skipped, loudly)
	@deploy/kubernetes/check.sh

.PHONY: check
check: check-types check-code check-console check-deployment ## types, lint, format, import contracts and bars of the source tree, the console, files of compose, Kubernetes and Prometheus

.PHONY: check-types
check-types: bootstrap
	$(BIN)/mypy --num-workers=2

.PHONY: check-code
check-code: bootstrap
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks.house --bars

.PHONY: check-console
check-console: bootstrap
	@services/api/console/build.sh
	@$(NPM) run check

.PHONY: check-deployment
check-deployment: bootstrap
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@deploy/local/bootstrap.sh prometheus
	promtool test rules deploy/prometheus/alerts.test.yml
	$(BIN)/kubernetes-validate --strict --quiet $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/base/*.yaml deploy/kubernetes/examples/small/*.yaml deploy/kubernetes/examples/small/restoring/*.yaml))

.PHONY: bench
bench: bootstrap ## all benchmarks, each a ratio to a floor measured in the same run, into docs/benchmarks.md; hours
	@$(BIN)/python -m benchmarks --publish
	@$(BIN)/python -m benchmarks.page

.PHONY: bench-quick
bench-quick: bootstrap ## the figures that matter most, at small sizes: five minutes
	@$(BIN)/python -m benchmarks quick

.PHONY: docs
docs: console ## the pages made from the code, and all documentation as a site in .shanhai/docs
	@$(BIN)/python docs/client_types.py
	@$(BIN)/python docs/console_types.py
	@$(BIN)/python -m benchmarks.page
	@$(BIN)/python -m docs.reference docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "$(CURDIR)/.shanhai/docs/index.html"

.PHONY: measure
measure: bootstrap ## the figures of the source tree beside their bars
	@$(BIN)/python -m benchmarks.house

.PHONY: lock
lock: bootstrap ## compile the hashed locks anew from pyproject.toml: development, and one per image
	@.venv/installer/bin/uv pip compile pyproject.toml --extra all --group dev \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock
	@for service in api worker tiles; do \
		.venv/installer/bin/uv pip compile pyproject.toml --extra $$service --constraint requirements.lock \
			--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
			--output-file deploy/locks/$$service.lock; \
	done
	@.venv/installer/bin/uv pip compile pyproject.toml --extra worker --extra data --constraint requirements.lock \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file deploy/locks/demo.lock
	@printf 'cython\nmeson-python\nninja\n' | .venv/installer/bin/uv pip compile - --python-version 3.11 --no-header --no-annotate \
		--generate-hashes --no-emit-index-url --quiet --output-file deploy/images/numpy-build.txt

.PHONY: audit
audit: bootstrap ## known vulnerabilities of all locked dependencies; asks PyPI on the internet, and fails where it has no answer
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

.PHONY: sbom
sbom: bootstrap ## what each image is made of, in the form of CycloneDX, into .shanhai/sbom
	@mkdir -p .shanhai/sbom
	@for service in api worker tiles; do \
		PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
			--output-file .shanhai/sbom/$$service.json deploy/locks/$$service.lock; \
		echo "$(CURDIR)/.shanhai/sbom/$$service.json"; \
	done
