# `make demo` and `make test` are the two commands of the README: each fills .venv by itself and can be repeated.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DISTRIBUTIONS := . extensions/appinsights extensions/opentelemetry extensions/opencensus extensions/timing extensions/telemetry devkit
# Tests at a time: more than there are processors, as much of a test is to wait for a process of its own.
PROCESSES ?= 3
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-workers packaging check format docs bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(READY) ## run the sample function app, its telemetry and the local Application Insights (ONCE=1: exit after printing)
	@$(BIN)/azfunc-ext demo $(if $(ONCE),--once)

test: check docs ## everything: lint, types, documentation, tests
	$(BIN)/python -m pytest --numprocesses=$(PROCESSES) $(ARGS)

test-workers: $(READY) ## only the tests that drive real Functions workers
	$(BIN)/python -m pytest tests/workers tests/packaging/test_samples.py $(ARGS)

packaging: $(READY) ## install wheels and samples by plain pip on each Python that is here, and run them on real workers
	ALL_PYTHONS=1 $(BIN)/python -m pytest tests/packaging --numprocesses=$(PROCESSES) $(ARGS)

check: $(READY) ## lint, formatting and types
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

format: $(READY) ## apply the formatter and the safe lint fixes
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

docs: $(READY) ## build the documentation into docs/_build/html, warnings are errors
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet -b html docs docs/_build/html

bench: $(READY) ## print what things cost beside their peers
	$(BIN)/python -m tests.benchmarks

clean: ## remove what the other targets made
	rm -rf $(VENV) docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): constraints.txt requirements-dev.txt $(DISTRIBUTIONS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or later is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another with: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Filling $(VENV) (once, about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --constraint constraints.txt hatchling editables
	@$(PIP) install --constraint constraints.txt --no-build-isolation --requirement requirements-dev.txt \
	  $(foreach distribution,$(DISTRIBUTIONS),--editable $(distribution))
	@# By itself, as it asks for azure-functions < 2, which Python 3.13 has no release of. The tests run it beside 2.x.
	@$(PIP) install --no-deps opencensus-extension-azure-functions==1.0.0
	@touch $@
