# Two commands are all it takes: `make lab` and `make test`. Each sets up what it needs in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Versions that are known to work together; drop them with `make test CONSTRAINTS=`.
CONSTRAINTS ?= -c constraints.txt
WORKERS ?= auto
SPREAD = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
EXAMPLES ?= 20000
HOURS ?= 30
LATE = ignore::pytest.PytestAssertRewriteWarning

.PHONY: lab test check types tests binder bare lowest newest pythons wheel bill audit docs linkcheck mutants soak look
.PHONY: hostile chaos days benchmarks format constraints clean

lab: $(VENV)/lab
	$(BIN)/ledgerkit lab $(LAB)

test: $(VENV)/dev node_modules/.bin/prism
	$(MAKE) check types tests binder bare

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev
	$(BIN)/mypy

# One process per core, each with whole modules, in the order of their names: by the number of tests, the few that start
# kernels and browsers would come last, and one process would wait for the other. WORKERS=0 runs all in one.
tests: $(VENV)/dev
	$(BIN)/python -m pytest $(SPREAD) $(PYTEST)

# Builds what Binder builds, from scratch, and runs the tutorials in it.
binder: $(VENV)/bin/python
	$(BIN)/python binder/check.py

# The wheel without any extra: what needs one says so, and all else works. EXTRAS=each has each of them alone, too.
bare: $(VENV)/dev
	EXTRAS="$(EXTRAS)" $(BIN)/python -m supply bare $(PYTEST)

# All tests with the lowest version that is allowed of each package that the kit names.
lowest: $(VENV)/dev node_modules/.bin/prism
	$(BIN)/python -m supply lowest $(SPREAD) $(PYTEST)

# All tests with the newest versions that there are, whatever constraints.txt says.
newest: $(VENV)/dev node_modules/.bin/prism
	$(BIN)/python -m supply newest $(SPREAD) $(PYTEST)

# All tests on each Python that is found; PYTHONS="/a/python3.12 /b/python3.13" names them instead.
pythons: $(VENV)/dev node_modules/.bin/prism
	PYTHONS="$(PYTHONS)" $(BIN)/python -m supply pythons $(SPREAD) $(PYTEST)

# The wheel and the source distribution of what is committed, in dist/: built twice, and the same to the byte.
wheel: $(VENV)/dev
	$(BIN)/python -m supply wheel

# The software bill of the package with all extras, as CycloneDX, in dist/bill.cdx.json.
bill: $(VENV)/dev
	$(BIN)/python -m supply bill

# Whether a pinned version is known to be vulnerable; fails where that could not be asked.
audit: $(VENV)/dev
	$(BIN)/python -m supply audit

# The pages, with every notebook run; those that did not change are not run again.
docs: $(VENV)/dev
	$(BIN)/python -m sphinx -q -W --keep-going -n -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

# Looks whether the addresses that pages link to answer: no part of the tests, which never leave this machine.
linkcheck: $(VENV)/dev
	$(BIN)/python -m sphinx -q -n -D nb_execution_mode=off -b linkcheck docs docs/_build/linkcheck

# Changes a line at a time of the modules that numbers and secrets depend on, and fails where no test notices: an hour.
# MUTANTS="amounts paging" names some modules; MUTANTS=--keep keeps kills though the tree has changed.
mutants: .venv-mutants/ready
	nice $(BIN)/python -m mutation $(MUTANTS)

# An hour of real time against a sandbox whose tokens live two seconds: MINUTES=5 makes it shorter.
soak: $(VENV)/dev
	$(BIN)/python -m pytest -m soak tests/auth --minutes $(or $(MINUTES),60) $(PYTEST)

# Opens every notebook in JupyterLab, and keeps pictures in screenshots/.
look: $(VENV)/dev
	$(BIN)/python -m pytest -m look tests/browser $(PYTEST)

# Tries the properties of what reads hostile data with many examples: make hostile EXAMPLES=20000
hostile: $(VENV)/dev
	$(BIN)/python -m pytest -n $(WORKERS) tests/hostile --examples $(EXAMPLES) $(PYTEST)

# The tests on another day, so many hours from now: the sandbox's workspace ends at the hour of the clock. What moves the
# clock is imported before pytest looks for its plugins, of which it is one, and pytest warns of that.
days: $(VENV)/dev node_modules/.bin/prism
	PYTHONPATH=tests/another_day HOURS_AHEAD=$(HOURS) $(BIN)/python -m pytest $(SPREAD) -W $(LATE) $(PYTEST)

# Lets threads work with a sandbox in a storm, one for each seed, side by side: `make chaos SEEDS=2000 FIRST=0`.
chaos: $(VENV)/dev
	$(BIN)/python -m pytest -n $(WORKERS) tests/chaos/test_chaos.py --seeds $(or $(SEEDS),200) --first $(or $(FIRST),0) $(PYTEST)

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

# mutmut, beside the packages of the kit.
.venv-mutants/ready: $(VENV)/dev
	$(BIN)/python -m venv .venv-mutants
	.venv-mutants/bin/python -m pip install --quiet $(CONSTRAINTS) 'mutmut==3.8.1'
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$(.venv-mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kit.pth"
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
	rm -rf $(VENV) .mutants .venv-* dist node_modules docs/_build docs/notebooks docs/reference .pytest_cache .mypy_cache .ruff_cache .hypothesis
