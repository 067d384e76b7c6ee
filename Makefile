# Surefill. The two commands to know: `make demo` and `make test`; each does its own set-up.
# PYTHON=python3.12 chooses an interpreter; ARGS="--seed 7" goes to the demo.

.DEFAULT_GOAL := help
.PHONY: help demo test check ready warm fmt tidy cover docs site bench mutants constraints clean

BIN := .venv/bin
export PYTHON
# Containers often forbid bytecode: then every process of every test compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=
# The type check uses one core, and what compiles the tests another.
MAKEFLAGS += --jobs=2
# The pure packages, each held at 100 % branch coverage by its own tests (style.md 27; which they
# are stands in pyproject.toml). The rest runs unmeasured: coverage would cost it a third more time.
PURE := tests/core tests/tactics tests/journal tests/tca tests/brokers/alpaca/translate
PYTEST := $(BIN)/python -m pytest -q -rs --dist loadfile --no-loadscope-reorder

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | sort

demo: ## the main job on this machine: no key, no network (ARGS="--seed 7")
	@scripts/setup all
	@$(BIN)/surefill demo $(ARGS)

# More workers than cores where tests talk to real processes, and mostly wait; the long ones of
# tests/system go first (tests/conftest.py), the others fill what they leave.
test: check warm ## every check and every test, skips with their reason
	@rm -f build/*.xml
	$(PYTEST) -n 2 $(PURE) --junitxml=build/pure.xml --cov --cov-report=term --cov-fail-under=100 $(ARGS)
	$(PYTEST) -n 4 tests $(PURE:%=--ignore %) --junitxml=build/rest.xml $(ARGS)
	@$(BIN)/python scripts/join_results.py build/tests.xml build/pure.xml build/rest.xml

check: ready ## format, lint, types, layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

ready:
	@scripts/setup all,dev

# Compiles every test once, beside the type check, instead of once in each worker.
warm: ready
	@mkdir -p build
	@$(BIN)/python -m pytest -q --collect-only tests > build/collected.txt || (tail -n 40 build/collected.txt; exit 1)

tidy: ## the house rules alone, in seconds
	@scripts/setup all,dev
	$(BIN)/python -m pytest -q -p no:randomly -p no:cacheprovider tests/tidy

fmt: ## format and sort imports in place
	@scripts/setup all,dev
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format .

cover: ## branch coverage of the whole package
	@scripts/setup all,dev
	$(BIN)/python -m pytest -q --cov=surefill --cov-report=term-missing $(ARGS)

site: ## the documentation as a site, in build/site; a warning is an error
	@scripts/setup all,dev
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env -q -b html docs build/site
	@echo "open build/site/index.html"

docs: ## write the documents that are tables of the code
	@scripts/setup all,dev
	$(BIN)/python scripts/gen_docs.py

bench: ## time the order path on this machine
	@scripts/setup all,dev
	$(BIN)/python scripts/bench.py $(ARGS)

mutants: ## change core in every small way and see whether a test notices (ARGS="--only pricing")
	@scripts/setup all,dev,mutation
	$(BIN)/python scripts/mutants.py $(ARGS)

constraints: ## write constraints.txt from .venv (after changing a dependency)
	@scripts/setup all,dev
	$(BIN)/python scripts/gen_constraints.py

clean: ## remove what the tools wrote; keeps .venv and journals
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov build
