# Two commands are all it takes: `make lab` and `make test`. Each sets up what it needs in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Versions that are known to work together; drop them with `make test CONSTRAINTS=`.
CONSTRAINTS ?= -c constraints.txt
WORKERS ?= auto
EXAMPLES ?= 20000

.PHONY: lab test check types tests hostile binder look docs linkcheck benchmarks format constraints clean

lab: $(VENV)/lab
	$(BIN)/ledgerkit lab $(LAB)

test: $(VENV)/dev node_modules/.bin/prism
	$(MAKE) check types tests binder

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev
	$(BIN)/mypy

# One process per core, each with whole modules, in the order of their names: by the number of tests, the few that start
# kernels and browsers would come last, and one process would wait for the other. WORKERS=0 runs all in one.
tests: $(VENV)/dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

# Builds what Binder builds, from scratch, and runs the tutorials in it.
binder: $(VENV)/bin/python
	$(BIN)/python binder/check.py

# The pages, with every notebook run; those that did not change are not run again.
docs: $(VENV)/dev
	$(BIN)/python -m sphinx -q -W --keep-going -n -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

# Looks whether the addresses that pages link to answer: no part of the tests, which never leave this machine.
linkcheck: $(VENV)/dev
	$(BIN)/python -m sphinx -q -n -D nb_execution_mode=off -b linkcheck docs docs/_build/linkcheck

# Opens every notebook in JupyterLab, and keeps pictures in screenshots/.
look: $(VENV)/dev
	$(BIN)/python -m pytest -m look tests/browser

# Tries the properties of what reads hostile data with many examples: make hostile EXAMPLES=20000
hostile: $(VENV)/dev
	$(BIN)/python -m pytest -n $(WORKERS) tests/hostile --examples $(EXAMPLES) $(PYTEST)

# Measures the kit against others on this machine, and writes benchmarks/README.md and results.json.
benchmarks: $(VENV)/dev
	$(BIN)/python -m benchmarks $(BENCHMARKS)

format: $(VENV)/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ledgerkit needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/lab: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --editable '.[all]'
	touch $@

$(VENV)/dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --editable '.[dev]'
	touch $@

# Prism plays a server that is not ours; where Node is missing, its tests are skipped and say so.
node_modules/.bin/prism: package.json
	@if command -v npm >/dev/null; then \
		npm install --silent --no-audit --no-fund --no-package-lock && touch $@; \
	else \
		echo "npm was not found: the tests against Prism will be skipped"; \
	fi

constraints: $(VENV)/dev
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '^pip==' > constraints.txt

clean:
	rm -rf $(VENV) node_modules docs/_build docs/notebooks docs/reference .pytest_cache .mypy_cache .ruff_cache .hypothesis
