# Everything runs from a clean clone: each target makes what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test install lint bench docs lock clean

demo: $(VENV)/.core
	$(BIN)/zhiyin demo

install: $(VENV)/.core

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Writes the two pages that are made from code.
docs: $(VENV)/.core
	$(BIN)/python -m zhiyin.reference configuration > docs/configuration.md
	$(BIN)/python -m zhiyin.reference commands > docs/commands.md

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Zhiyin needs $(PYTHON): install it, or run make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements/core.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

# Writes the two lock files from pyproject.toml.
lock: $(VENV)/.dev
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --python-version 3.11 pyproject.toml requirements/build.in -o requirements/core.lock
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --python-version 3.11 pyproject.toml requirements/build.in --group dev -c requirements/core.lock -o requirements/dev.lock

clean:
	rm -rf $(VENV) demo
