# What a developer runs. Needs git, make and one Python >= 3.11; uses uv when it is there.
# All paths are relative, so a folder name with a space in it is no special case.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The Python to make .venv from, where the newest one on PATH is not wanted: make install PYTHON=…
PYTHON :=
# Arguments for the tool behind a target: make test ARGS="tests/core -x"
ARGS ?=

# The codex versions of `make compat`: the oldest supported, and one in the middle.
VERSIONS ?= 0.154.0 0.158.0

PY := .venv/bin/python
# Prints the files of the modules under import-linter's rule against I/O: a module or a package each.
NO_IO := import tomllib; \
	_, rule = tomllib.load(open("pyproject.toml", "rb"))["tool"]["importlinter"]["contracts"]; \
	names = [name.replace(".", "/") for name in rule["source_modules"]]; \
	print(",".join(f"*/{name}{end}" for name in names for end in (".py", "/*.py")))
INSTALLED := .venv/.installed

# The stamp holds the folder it was made in: an environment that was copied or moved, or whose
# Python has gone, is built anew. Dependencies are installed again when pyproject.toml changes.
ifneq ($(shell test "$$(cat $(INSTALLED) 2>/dev/null)" = "$$(pwd -P)" && $(PY) -c "" && echo fits),fits)
STALE := discard-environment
endif

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

.PHONY: install
install: $(INSTALLED) ## Make .venv with everything a developer needs
	@echo ".venv is up to date"

.PHONY: discard-environment
discard-environment:
	@rm -rf .venv

# uv that is too old for dependency groups counts as no uv. Each Python is run, not only looked
# for: a name on PATH may be a shim for a version that is not there.
$(INSTALLED): pyproject.toml $(STALE)
	@set -eu; \
	rm -f $(INSTALLED); \
	if command -v uv >/dev/null && uv pip install --help 2>/dev/null | grep -q -e '--group'; then \
	  echo "Installing into .venv with uv (the codex binary alone is 140 MB)"; \
	  test -x $(PY) || uv venv --quiet --python "$(or $(PYTHON),>=3.11)" .venv; \
	  uv pip install --quiet --python $(PY) --editable . --group dev; \
	else \
	  if ! test -x $(PY); then \
	    found=; \
	    for name in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11 python3 python; do \
	      if test -n "$$name" && "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	      then found=$$name; break; fi; \
	    done; \
	    if test -z "$$found"; then \
	      echo "codex-runtime needs Python 3.11 or newer with the venv and ensurepip modules; none was found." >&2; \
	      echo "Install one (Debian and Ubuntu: apt install python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	      exit 2; \
	    fi; \
	    echo "Installing into .venv with pip and $$("$$found" --version) (the codex binary alone is 140 MB)"; \
	    rm -rf .venv; \
	    "$$found" -m venv .venv; \
	  fi; \
	  $(PY) -m ensurepip >/dev/null; \
	  $(PY) -m pip --disable-pip-version-check install --quiet --upgrade "pip>=25.1"; \
	  $(PY) -m pip --disable-pip-version-check install --quiet --editable . --group dev; \
	fi; \
	pwd -P > $(INSTALLED)

.PHONY: demo
demo: $(INSTALLED) ## Watch the real codex fix a bug, on a scripted model: no account needed
	@$(PY) -m codex_runtime demo $(ARGS)

.PHONY: test
test: $(INSTALLED) ## Run all tests
	$(PY) -m pytest $(ARGS)

.PHONY: coverage
coverage: $(INSTALLED) ## Run all tests; report branch coverage, fail under 100 % without I/O
	$(PY) -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)
	@echo "The modules that do no I/O, as pyproject.toml lists them:"
	$(PY) -m coverage report --show-missing --fail-under=100 --include="$$($(PY) -c '$(NO_IO)')"

.PHONY: lint
lint: $(INSTALLED) ## Check style and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

.PHONY: types
types: $(INSTALLED) ## Check types: pyright (src, tests, examples), mypy (src)
	$(PY) -m pyright --pythonpath $(PY)
	$(PY) -m mypy

.PHONY: layers
layers: $(INSTALLED) ## Check that imports only point down and that the core does no I/O
	.venv/bin/lint-imports

.PHONY: generate
generate: $(INSTALLED) ## Write the protocol types from the vendored schema, and their coverage
	$(PY) tools/generate_protocol.py
	$(PY) tools/coverage_table.py

.PHONY: generate-check
generate-check: $(INSTALLED) ## Check that what is generated is fresh
	$(PY) tools/generate_protocol.py --check
	$(PY) tools/coverage_table.py --check

.PHONY: schema-check
schema-check: $(INSTALLED) ## Compare the installed codex's own schema with the vendored one
	$(PY) tools/schema_check.py

.PHONY: compat
compat: $(INSTALLED) ## Run the spec suite on older codex versions, fetched from PyPI
	$(PY) tools/compat.py $(VERSIONS) $(ARGS)

.PHONY: bench
bench: $(INSTALLED) ## Measure, beside the vendor's SDK and the floors
	$(PY) benchmarks/run.py $(ARGS)

.PHONY: bench-quick
bench-quick: $(INSTALLED) ## A first look: the same with small sizes and 2 rounds
	$(PY) benchmarks/run.py --quick $(ARGS)

.PHONY: build
build: $(INSTALLED) ## Make the wheel and the source archive in dist/
	$(PY) -m hatchling build

.PHONY: clean
clean: ## Remove .venv, caches and what was built
	rm -rf .venv .compat dist htmlcov .coverage .coverage.* .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find src tests examples tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
