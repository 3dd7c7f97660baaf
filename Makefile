# Needs only Python >= 3.11 and make. `make` lists the targets.
PYTHON ?= python3
VENV ?= .venv
WORKSPACE ?= isekai-demo
DEMO_OPTIONS ?=
# Tests start workers of their own, so that more processes of pytest than this gain little.
TEST_PROCESSES ?= 2
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-fast format lint types layers docs docs-check check smoke clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[cpu]'
	@touch $@

$(STAMP)-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP) $@

setup: $(STAMP)-dev ## make .venv with everything for development

demo: $(STAMP) ## install and run the whole main job with the starter models
	$(BIN)/isekai-gen demo --workspace $(WORKSPACE) $(DEMO_OPTIONS)

test: $(STAMP)-dev ## install the dev extras and run the test suite
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

test-long: $(STAMP)-dev ## the slowest crash tests, which `make test` leaves out
	$(BIN)/python -m pytest -m long -n $(TEST_PROCESSES) --dist loadfile

test-fast: $(STAMP)-dev ## the tests that take less than 5 seconds each
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -m 'not slow'

format: $(STAMP)-dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP)-dev ## style, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: $(STAMP)-dev ## mypy --strict on the package
	$(BIN)/mypy

layers: $(STAMP)-dev ## imports run downwards only
	$(BIN)/lint-imports

docs: $(STAMP)-dev ## write docs/cli.md again
	$(BIN)/python -m isekai_gen.cli.reference docs/cli.md

docs-check: $(STAMP)-dev ## docs/cli.md is up to date
	$(BIN)/python -m isekai_gen.cli.reference .cli.tmp.md && diff docs/cli.md .cli.tmp.md; \
	  status=$$?; rm -f .cli.tmp.md; exit $$status

smoke: ## fresh environments: base install verifies a release that the whole one made
	rm -rf .smoke && $(PYTHON) -m venv .smoke/venv
	.smoke/venv/bin/python -m pip install --quiet '.[cpu]'
	cd .smoke && venv/bin/isekai-gen --help > /dev/null && venv/bin/isekai-gen doctor
	cd .smoke && venv/bin/isekai-gen demo --workspace demo --images-per-concept 2 --quiet
	$(PYTHON) -m venv .smoke/light && .smoke/light/bin/python -m pip install --quiet .
	cd .smoke && light/bin/isekai-gen release verify demo/release
	rm -rf .smoke

check: lint types layers docs-check test test-long ## everything that must hold before a commit lands

clean: ## remove what the other targets made, but no workspace
	rm -rf $(VENV) .smoke build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
