# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint docs clean

demo: $(READY)  ## learn hair colour (dark <-> blond) from unpaired faces in five minutes
	$(BIN)/unpaired demo --out runs/demo

test: $(READY)  ## the whole suite
	$(BIN)/ruff check src tests
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest

docs: $(READY)  ## write the numbers and pictures of results/ into README and docs
	$(BIN)/python docs/from_results.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[data,figures,dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist
