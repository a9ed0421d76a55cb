# `make` alone lists the targets. Everything runs in .venv, which is built from the hash-checked lock file.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; choose one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: install
install: $(INSTALLED)  ## Build the environment from the locked requirements

.PHONY: demo
demo: $(INSTALLED)  ## Fetch a paginated run from an embedded server and show it
	@$(BIN)/python docs/examples/demo.py

.PHONY: test
test: $(INSTALLED)  ## Run the test suite
	$(BIN)/pytest -n 2

# What a change of openapi.yaml can break; `make test` has the rest.
CONTRACT_TESTS := tests/test_contract.py tests/test_generated.py tests/test_generation.py \
	tests/test_client_contract.py tests/evolve tests/history tests/conformance/test_contract.py \
	tests/conformance/test_reference.py tests/conformance/test_strategies.py tests/conformance/test_synthetic.py \
	tests/conformance/test_stores.py tests/tables/test_tables.py tests/tables/test_docs.py

.PHONY: contract
contract: $(INSTALLED)  ## Run the tests that a change of openapi.yaml can break
	$(BIN)/pytest -n 2 $(CONTRACT_TESTS)

.PHONY: thorough
thorough: $(INSTALLED)  ## Run the test suite with many more examples (tens of minutes)
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest
	HYPOTHESIS_PROFILE=thorough $(MAKE) --no-print-directory test-spark
	HYPOTHESIS_PROFILE=thorough $(MAKE) --no-print-directory test-spark SPARK=4.0
	$(MAKE) --no-print-directory test-sail
	$(MAKE) --no-print-directory test-matrix

.PHONY: generate
generate: $(INSTALLED)  ## Generate the client from openapi.yaml, and what docs/ has from code
	$(BIN)/python generated/generate.py
	$(BIN)/python docs/write.py

.PHONY: check
check: $(INSTALLED)  ## Fail when generated code is stale, something has no home, or the spec, types or style have findings
	$(BIN)/python generated/generate.py --check
	$(BIN)/python -m run_results_conformance evolve --impact
	$(BIN)/openapi-spec-validator openapi.yaml
	$(MAKE) --no-print-directory lint-spec
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory types

# pyright looks again at folders whose files, or the settings, have changed since it last passed, and at all of them in
# CI. mypy looks at everything each time, which is quick: it keeps what it knows of files that have not changed.
TYPED := generated wrapper conformance benchmarks/power tests/typing

.PHONY: types
types: $(INSTALLED)  ## Check types, with pyright only where something changed since it last passed (in CI: everywhere)
	$(BIN)/mypy
	@mkdir -p .pyright; changed=""; \
	for folder in $(TYPED); do \
		stamp=.pyright/$${folder//\//-}; \
		{ cat pyproject.toml requirements/dev.txt; find $$folder -name '*.py' | sort | xargs cat; } | sha256sum >$$stamp.new; \
		[ -z "$$CI" ] && cmp --silent $$stamp.new $$stamp || changed="$$changed $$folder"; \
	done; \
	[ -z "$$changed" ] || { echo "pyright --warnings$$changed"; $(BIN)/pyright --warnings $$changed; } && \
	for stamp in .pyright/*.new; do mv $$stamp $${stamp%.new}; done

.PHONY: evolve
evolve: $(INSTALLED)  ## Say whom the changes of openapi.yaml since a release break: make evolve [BASE=revision]
	@base="$(or $(BASE),$$(git describe --tags --abbrev=0 2>/dev/null || echo HEAD))"; old=$$(mktemp); \
	trap 'rm -f "$$old"' EXIT; git show "$$base:openapi.yaml" >"$$old" && echo "openapi.yaml since $$base:" && \
	$(BIN)/python -m run_results_conformance evolve "$$old" openapi.yaml

.PHONY: impact
impact: $(INSTALLED)  ## List the properties and flags that tables, report, fetch, synthetic runs or docs do not have yet
	@$(BIN)/python -m run_results_conformance evolve --impact

# Installed again only when the lock file has changed.
requirements/node/node_modules/installed: requirements/node/package-lock.json
	@cd requirements/node && npm ci --silent && touch node_modules/installed

.PHONY: lint-spec
lint-spec:  ## Lint openapi.yaml with Spectral and Redocly (needs Node and npm)
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory requirements/node/node_modules/installed && cd requirements/node && \
		npx --no-install spectral lint --ruleset spectral.yaml --fail-severity hint ../../openapi.yaml && \
		REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --no-install redocly lint --config redocly.yaml ../../openapi.yaml; \
	elif [ -n "$$CI" ]; then echo "lint-spec needs npm"; exit 1; \
	else echo "SKIPPED: lint-spec needs npm, which is not installed"; fi

.PHONY: pictures
pictures: $(INSTALLED)  ## Take the pictures of the documentation, with Chromium and pdftoppm
	$(BIN)/python -m tests.report.pictures

.PHONY: fuzz
fuzz: $(INSTALLED)  ## Let schemathesis fuzz a server: make fuzz [URL=...]; without URL the reference server
	$(BIN)/python -m run_results_conformance fuzz $(URL)

.PHONY: power
power: $(INSTALLED)  ## Measure which faults the verifier and other tools find, into docs/power.md: make power [ALONE=1] [FULL=1]
	$(BIN)/python -m benchmarks.power.faults $(if $(FULL),--full) $(if $(ALONE),--alone)

.PHONY: mutants
mutants: $(INSTALLED)  ## Measure which mutants of the reference server the verifier finds, into docs/power.md
	$(BIN)/python -m benchmarks.power.mutants

# Environments with packages of others, apart from our own.
.venv-%/installed: requirements/%.txt
	$(PYTHON) -m venv --clear .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: interop
interop: $(INSTALLED) .venv-interop/installed  ## Test against clients and servers of others (needs Node and npm)
	cd requirements/node-interop && npm ci --silent
	RUN_RESULTS_SDK_PYTHON=$(CURDIR)/.venv-interop/bin/python \
		RUN_RESULTS_NODE_INTEROP=$(CURDIR)/requirements/node-interop $(BIN)/pytest tests/interop

# Which Spark: the newest, or 4.0 with `make test-spark SPARK=4.0`.
SPARK_ENVIRONMENT := spark$(if $(SPARK),-$(SPARK))

.PHONY: test-spark
test-spark: .venv-$(SPARK_ENVIRONMENT)/installed  ## Test with Spark, in an environment of its own (needs Java 17 or later)
	PYTHONPATH=$(CURDIR)/generated:$(CURDIR)/wrapper:$(CURDIR)/conformance .venv-$(SPARK_ENVIRONMENT)/bin/python -m pytest tests/spark

.PHONY: test-sail
test-sail: .venv-sail/installed  ## Test with Sail, which is Spark without Java, in an environment of its own
	PYTHONPATH=$(CURDIR)/generated:$(CURDIR)/wrapper:$(CURDIR)/conformance .venv-sail/bin/python -m pytest \
		tests/sail tests/docs/test_recipes.py -k sail

.PHONY: bench
bench: .venv-bench/installed  ## Measure the client and its peers, into benchmarks/speed/RESULTS.md: make bench [BENCH=--quick]
	.venv-bench/bin/python benchmarks/speed/run.py $(BENCH)

.PHONY: format
format: $(INSTALLED)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every extra but spark, whose packages are large and have environments of their own.
EXTRAS := arrow cli conformance delta evolve fuzz http2 report

.PHONY: lock
lock: $(INSTALLED)  ## Update requirements/dev.txt to the newest allowed versions
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS:%=--extra %) --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --upgrade --quiet --output-file requirements/dev.txt

.PHONY: lock-bench
lock-bench: $(INSTALLED)  ## Update requirements/bench.txt, which `make bench` installs
	$(BIN)/uv pip compile pyproject.toml requirements/bench.in --extra arrow --constraint requirements/dev.txt \
		--universal --python-version 3.11 --generate-hashes --no-header --upgrade --quiet \
		--output-file requirements/bench.txt

.PHONY: lock-spark
lock-spark: $(INSTALLED)  ## Update requirements/spark.txt and spark-4.0.txt, which `make test-spark` installs
	for name in spark spark-4.0; do $(BIN)/uv pip compile pyproject.toml requirements/$$name.in --extra spark \
		--extra conformance --universal --python-version 3.11 --generate-hashes --no-header \
		--upgrade --quiet --output-file requirements/$$name.txt || exit 1; done

.PHONY: lock-sail
lock-sail: $(INSTALLED)  ## Update requirements/sail.txt, which `make test-sail` installs
	$(BIN)/uv pip compile pyproject.toml requirements/sail.in --extra conformance --extra delta --universal \
		--python-version 3.11 --generate-hashes --no-header --upgrade --quiet --output-file requirements/sail.txt

.PHONY: lock-dist
lock-dist: $(INSTALLED)  ## Update the lock files of `make dist`
	$(BIN)/uv pip compile requirements/build.in --universal --python-version 3.11 --generate-hashes --no-header \
		--upgrade --quiet --output-file requirements/build.txt
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS:%=--extra %) --constraint requirements/dev.txt --universal \
		--python-version 3.11 --generate-hashes --no-header --upgrade --quiet --output-file requirements/extras.txt

.PHONY: wheel
wheel: .venv-build/installed  ## Build the wheel into dist/
	.venv-build/bin/python requirements/dist.py --wheel

.PHONY: dist
dist: .venv-build/installed .venv-extras/installed  ## Build sdist, wheel, SBOM and licences into dist/, each twice, and compare
	.venv-build/bin/python requirements/dist.py

.PHONY: test-matrix
test-matrix: wheel $(INSTALLED)  ## Test the wheel with the lowest and newest versions of everything, on every Python found
	$(BIN)/python requirements/matrix.py dist/*.whl

.PHONY: release
release: $(INSTALLED)  ## Ship a version: set it, check, test, build, commit and tag: make release VERSION=0.2.0
	@test -n "$(VERSION)" || { echo "give the version: make release VERSION=0.2.0"; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "commit what has changed first"; exit 1; }
	$(BIN)/python requirements/release.py "$(VERSION)"
	git commit --quiet --message "Release $(VERSION)" wrapper/run_results/version.py CHANGELOG.md
	$(MAKE) check test dist
	git tag --annotate "v$(VERSION)" --message "Release $(VERSION)"

.PHONY: docs
docs: .venv-docs/installed  ## Build the documentation site into build/site; every finding is an error
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=generated:wrapper:conformance .venv-docs/bin/mkdocs build --clean --quiet
	@echo "the site is in build/site: open build/site/index.html; to search in it: $(PYTHON) -m http.server -d build/site"

.PHONY: lock-docs
lock-docs: $(INSTALLED)  ## Update requirements/docs.txt, which `make docs` installs
	$(BIN)/uv pip compile pyproject.toml requirements/docs.in --extra arrow --extra cli --extra conformance \
		--constraint requirements/dev.txt --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--quiet --output-file requirements/docs.txt

.PHONY: clean
clean:  ## Remove everything that make has built
	rm -rf .venv .venv-* dist build .mypy_cache .pyright .pytest_cache .ruff_cache .hypothesis requirements/node/node_modules
