# Everything a fresh machine needs is Python >= 3.11: each target makes .venv first, from the pins in constraints.txt.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check bench mutants clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.stamp ## Replay 24 weeks of a synthetic study through the production code path
	$(BIN)/vigil demo

test: .venv/.stamp ## Run every test that can run here; what is skipped says what it needs
	$(BIN)/pytest

check: .venv/.stamp ## Lint, formatting, types (strict), and the arrows between the packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.stamp ## Print how long sweeps and grading of real data take, and what the engine does
	$(BIN)/python -m tests.bench.sweeps
	$(BIN)/python -m tests.bench.grading

mutants: .venv/.stamp ## Change grading, dates, units and kinds, one thing at a time: do the tests notice? (two hours)
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[mutation]'
	PATH="$(CURDIR)/$(BIN):$$PATH" mutmut run --max-children 2 >mutants.log 2>&1 || { tail -20 mutants.log; exit 1; }
	$(BIN)/python -m tests.mutation.report

clean: ## Remove the virtual environment, caches and what the demo left
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info vigil-demo mutants mutants.log

.venv/.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "vigil needs Python 3.11 or newer: name one with 'make $(MAKECMDGOALS) PYTHON=python3.11'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "this Python cannot make virtual environments: install its venv package (Debian: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
