# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint docs clean

demo: $(READY)  ## learn hair colour (dark <-> blond) from unpaired faces in five minutes
	$(BIN)/unpaired train discogan faces:hair --config examples/faces-hair.toml --out runs/demo-$$(date +%Y%m%d-%H%M%S)

test: $(READY)  ## the whole suite
	$(BIN)/ruff check --quiet src tests docs
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python docs/from_results.py --check
	$(BIN)/python -m pytest -n 2

docs: $(READY)  ## write the numbers and pictures of results/ into README and docs
	$(BIN)/python docs/from_results.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[data,figures,dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist
