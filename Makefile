# Everything a person does here by one word each; `make` alone lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
ENV    := $(VENV)/.installed
STAMPS := .make
LIFELINES := .venv-lifelines
PEERS := .venv-peers
WORKERS ?= 2

# What a target's result rests on; nothing else makes it run again.
CODE           := src pyproject.toml requirements.lock
REPORT_INPUTS  := $(CODE) notebooks params data
TEST_INPUTS    := $(REPORT_INPUTS) tests benchmarks docs environment.yml Makefile README.md .ci

PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --nbval tests notebooks
LAB    := $(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks \
          --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
          --LabApp.extension_manager=readonly $(if $(filter 0,$(shell id -u)),--allow-root)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help env reports test retest lab check format notebooks docs texts mutants lifelines bench peers lock clean

# $(call once,target,inputs,command,the run is needed when this shell test holds)
# runs the command unless it succeeded before on the same contents of the inputs.
define once
@now=$$(find $(wildcard $(2)) -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -o -type f -print \
        | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum); \
if [ -z "$(FORCE)" ] && [ "$$now" = "$$(cat $(STAMPS)/$(1) 2>/dev/null)" ] && ! { $(4); }; then \
  echo "$(1): nothing changed since the last success (make $(1) FORCE=1 runs it again)"; \
else \
  rm -f $(STAMPS)/$(1) && $(3) && mkdir -p $(STAMPS) && echo "$$now" > $(STAMPS)/$(1); \
fi
endef

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(ENV) ## the environment in .venv, from the hashed lock (PYTHON=… chooses another Python)

reports: $(ENV) ## the reports of every company in params/, into reports/
	$(call once,reports,$(REPORT_INPUTS),$(BIN)/kpi run --all,[ ! -f reports/index.html ])

test: $(ENV) ## all tests: unit, property, notebooks, template (FORCE=1 runs them again)
	$(call once,test,$(TEST_INPUTS),$(PYTEST),false)

retest: ## all tests again, though nothing changed
	@$(MAKE) test FORCE=1

lab: $(ENV) ## JupyterLab, opened on the notebooks
	$(LAB)

check: $(ENV) ## formatter, linter and type checker, changing nothing
	$(BIN)/ruff format --check
	$(BIN)/ruff check --output-format=concise
	$(BIN)/mypy

format: $(ENV) ## let the formatter and the linter mend what they can
	$(BIN)/ruff check --fix --output-format=concise
	$(BIN)/ruff format

notebooks: $(ENV) ## execute the committed notebooks again and clean them
	$(BIN)/python notebooks/refresh.py

docs: $(ENV) ## docs/kpis.md again, from the glossary
	$(BIN)/python -c "from pathlib import Path; from analysis.glossary import as_markdown; \
	  Path('docs/kpis.md').write_text(as_markdown(), encoding='utf-8')"

texts: $(ENV) ## the texts of reports collected into src/analysis/locales/*.po, new ones to be translated
	$(BIN)/python tests/catalogue.py

mutants: $(ENV) ## plant known faults one by one: each must fail a test
	$(BIN)/python tests/mutants.py --jobs $(WORKERS)

lifelines: $(ENV) $(LIFELINES)/.installed ## survival curves held against the library lifelines, in an environment of its own
	@$(BIN)/python tests/lifelines/ours.py > $(LIFELINES)/figures.json
	@$(LIFELINES)/bin/python tests/lifelines/theirs.py < $(LIFELINES)/figures.json

bench: $(ENV) ## the time of one typical client's KPI table
	$(BIN)/python benchmarks/table.py

peers: $(ENV) $(PEERS)/.installed ## fits timed against the libraries lifetimes and lifelines, in an environment of their own
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/peers/ours.py $(PEERS)/customers
	@OMP_NUM_THREADS=1 $(PEERS)/bin/python benchmarks/peers/theirs.py $(PEERS)/customers

lock: $(ENV) ## requirements.lock again, from pyproject.toml (add ARGS=--upgrade for newer versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra dev $(ARGS) pyproject.toml --output-file requirements.lock

clean: ## remove .venv, caches and stamps; reports stay
	rm -rf $(VENV) $(LIFELINES) $(PEERS) $(STAMPS) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks
	find . -type d \( -name __pycache__ -o -name .ipynb_checkpoints -o -name '*.egg-info' \) -prune -exec rm -rf {} +

# --- the environment ---------------------------------------------------------------------------------

# A Python whose venv comes without pip (Debian's without python3-venv) may still have a pip of its own.
PIP = $$([ -x $(BIN)/pip ] && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python) \
      --disable-pip-version-check --quiet

NEW_VENV = "$(PYTHON)" -m venv $$("$(PYTHON)" -c 'import ensurepip' 2>/dev/null || echo --without-pip)

$(ENV): requirements.lock pyproject.toml | $(BIN)/python
	@echo "env: installing the locked packages (the first time takes about two minutes)"
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements.lock
	@$(PIP) install --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@[ -n "$(PYTHON)" ] && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; say where it is: make env PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv' 2>/dev/null && \
	  { "$(PYTHON)" -c 'import ensurepip' 2>/dev/null || "$(PYTHON)" -m pip --version >/dev/null 2>&1; } || { \
	  echo "$(PYTHON) comes without venv and pip; on Debian and Ubuntu run: apt-get install python3-venv" >&2; exit 1; }
	@$(NEW_VENV) $(VENV)

# Lifelines works with an older pandas than this package, so it has an environment to itself.
$(LIFELINES)/.installed: BIN = $(LIFELINES)/bin
$(LIFELINES)/.installed: tests/lifelines/requirements.txt
	@$(NEW_VENV) $(LIFELINES)
	@$(PIP) install --requirement $<
	@touch $@

# Lifetimes too; beside it lifelines once more, for its speed.
$(PEERS)/.installed: BIN = $(PEERS)/bin
$(PEERS)/.installed: benchmarks/peers/requirements.txt
	@$(NEW_VENV) $(PEERS)
	@$(PIP) install --requirement $<
	@touch $@
