# Every target sets up .venv by itself when it is missing or older than pyproject.toml and constraints.txt.
#
#   make demo     train for two minutes on the manual of Python, compare with baselines, print a sample
#   make test     run the tests                  make test PYTEST_ARGS="tests/text -k bpe"
#   make check    lint, format and type checks   make format mends what can be mended
#   make bench    run every benchmark again, results to benchmarks/results
#   make docs     write the command reference anew
#
# PYTHON chooses the interpreter that .venv is made from: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.made-for
# Tests are many small things: two processes with one thread each beat one process with two threads.
TEST_PROCESSES ?= 2

# An environment that was copied or moved with its checkout still points at the old place: install again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(shell rm -f $(STAMP))
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench docs clean clean-loops

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "anaphora needs Python 3.11 or newer")'
	$(RUN) -c "" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@$(RUN) -m pip install --quiet --disable-pip-version-check kenlm >/dev/null 2>&1 \
		|| echo "kenlm does not build here: the tests compare with golden files alone"
	@echo "$(CURDIR)" > $(STAMP)

demo: $(STAMP)
	$(RUN) -m anaphora train python-manual --minutes 2 --out runs/demo --overwrite
	@echo
	$(RUN) -m anaphora generate runs/demo --prompt "The " --max-new-tokens 400 --temperature 0.8 --seed 1

test: $(STAMP)
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(TEST_PROCESSES) --dist worksteal $(PYTEST_ARGS)

check: $(STAMP)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

format: $(STAMP)
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

bench: $(STAMP)
	OMP_WAIT_POLICY=PASSIVE $(RUN) -m benchmarks $(BENCH_ARGS)

docs: $(STAMP)
	$(RUN) docs/make_reference.py

clean-loops:
	find src benchmarks tests -name '*.nb[ic]' -delete

clean: clean-loops
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
