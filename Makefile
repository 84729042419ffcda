# Everything runs from a clean clone: each target makes what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
COMPILE = $(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --python-version 3.11 pyproject.toml requirements/build.in

.PHONY: demo test install install-llm lint bench bench-quality docs lock clean

demo: $(VENV)/.core
	$(BIN)/zhiyin demo

install: $(VENV)/.core

# With what a language model in this process needs: torch and transformers.
install-llm: $(VENV)/.llm

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Every model of ours and the peers, on every data set at hand.
bench-quality: $(VENV)/.dev
	$(BIN)/python -m benchmarks quality

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

$(VENV)/.llm: requirements/llm.lock requirements/torch.txt requirements/accelerate.txt $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/torch.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/llm.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/accelerate.txt
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.llm
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

# Writes the lock files from pyproject.toml.
lock: $(VENV)/.dev
	$(COMPILE) -o requirements/core.lock
	$(COMPILE) --extra llm -c requirements/core.lock -o requirements/llm.lock
	$(COMPILE) --extra llm --extra postgres --extra traces --group dev -c requirements/llm.lock -o requirements/dev.lock

clean:
	rm -rf $(VENV) demo
