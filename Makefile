# Hubbub: `make run` serves, `make test` tests, `make check` is what a change must pass.
# Everything lives in .venv; only Python 3.11 or newer, pip and make are needed to begin with.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run cluster test test-server test-nodes test-clients test-store test-browser check attacks fuzz prove lint types conformance storm chaos bench bench-cluster bench-gateway bench-actors bench-growth simulate pins clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Hubbub needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: please install the package python3-venv (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) ..."
	@$(PIP) install -r requirements.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

# That is all of the above, and what the tests need besides: in one go, which is shorter.
$(VENV)/dev.installed: requirements-dev.txt pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) for tests ..."
	@$(PIP) install -r requirements-dev.txt
	@$(PIP) install --no-deps --editable .
	@touch $(VENV)/run.installed $@

run: $(VENV)/run.installed ## serve on http://127.0.0.1:8000, data under ./data
	@$(BIN)/hubbub serve

cluster: $(VENV)/dev.installed ## three nodes, Valkey and PostgreSQL on this machine, until Ctrl-C; nothing is kept
	@$(BIN)/python -m tests.harness.demo_cluster

test: test-server test-nodes test-clients test-store test-browser ## all tests (the browser's are skipped where Chromium is missing)

# Those that wait more than they calculate, for processes that start, stop, are killed and come back.
OF_NODES := $(addprefix tests/,chaos cluster e2e operators parent placement relays)
OF_CLIENTS := $(addprefix tests/,attacks cli clients conformance loadtest)
OF_STORE := $(addprefix tests/,migrations store)
PYTEST := $(BIN)/python -m pytest -q -m "not browser and not siege"

test-server: $(VENV)/dev.installed ## everything but what the others test
	@$(PYTEST) $(addprefix --ignore=,$(OF_NODES) $(OF_CLIENTS) $(OF_STORE))

test-nodes: $(VENV)/dev.installed ## several processes
	@$(PYTEST) $(OF_NODES)

test-clients: $(VENV)/dev.installed ## clients, whole crowds of them, attackers, the command line
	@$(PYTEST) $(OF_CLIENTS)

test-store: $(VENV)/dev.installed ## databases
	@$(PYTEST) $(OF_STORE)

# Playwright leaves an asyncio loop behind in its process, which trio's tests must not see.
test-browser: $(VENV)/dev.installed ## the page, in Chromium
	@$(BIN)/python -m pytest -q -m browser tests/web

# flake8-async, left out: time-outs as parameters (109), which are on purpose here; async functions that a protocol demands and that
# do not wait (124, 910-912); async generators (900); what to import instead of others (127).
NOT_ASYNC := ASYNC109,ASYNC124,ASYNC127,ASYNC900,ASYNC910,ASYNC911,ASYNC912
# A file takes it a quarter of a second, so only those are given to it in which there is anything that its rules look at.
MAY_BE_ASYNC := async|await|trio|start_soon|BaseException|ExceptionGroup|except *[:*]|\.exceptions
lint: $(VENV)/dev.installed ## ruff, and what only flake8-async finds
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@git grep -lE '$(MAY_BE_ASYNC)' -- 'actors/*.py' 'server/*.py' 'clients/*.py' 'loadtest/*.py' 'migrations/*.py' | \
	  xargs -P 2 -n 24 $(BIN)/flake8-async --disable=$(NOT_ASYNC)

types: $(VENV)/dev.installed ## mypy --strict
	@$(BIN)/mypy

# Side by side, more than there are processors, because all wait now and then; the longest first. What each one prints comes in one
# piece when it is done.
check: $(VENV)/dev.installed ## lint, types and tests: what continuous integration runs
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target test-nodes test-clients test-server test-browser test-store lint types

attacks: $(VENV)/dev.installed ## all attacks in full size, and how others fared meanwhile (some minutes)
	@$(BIN)/python -m pytest -q -s -m siege tests/attacks

$(VENV)/fuzz.installed: requirements-fuzz.txt $(VENV)/dev.installed
	@$(PIP) install -r requirements-fuzz.txt
	@touch $@

SECONDS ?= 60
fuzz: $(VENV)/fuzz.installed ## every reader of bytes, commands of several people against a model, crashes under traffic, for SECONDS (60) each
	@$(BIN)/python -m tests.fuzz.run --seconds $(SECONDS)
	@HUBBUB_HISTORIES=$$(($(SECONDS) * 4)) $(BIN)/python -m pytest -q tests/sessions/test_every_command.py
	@HUBBUB_STORM=$(SECONDS) $(BIN)/python -m pytest -q tests/test_whoever_crashes.py

conformance: $(VENV)/dev.installed ## the whole Autobahn suite, with compression on (ten minutes; make conformance OPTIONS=--help)
	@$(BIN)/python tests/conformance/run.py $(OPTIONS)

storm: $(VENV)/dev.installed ## 10,000 clients cut off at once come back: how long it takes, and that nothing is missing
	@$(BIN)/python -m tests.e2e.storming

CONNECTIONS ?= 1000
prove: $(VENV)/dev.installed ## what is claimed of so many CONNECTIONS (1,000), on this machine: report/index.html
	@$(BIN)/hubbub prove --connections $(CONNECTIONS) $(OPTIONS)

chaos: $(VENV)/dev.installed ## people post while everything fails in turn, for twenty minutes (make chaos OPTIONS=--help)
	@$(BIN)/python -m tests.chaos.run $(OPTIONS)

bench: $(VENV)/dev.installed ## the figures, one JSON object a line (takes minutes; wants an idle machine)
	@$(BIN)/python tests/bench/run.py

# What it is compared with, besides the `websockets` that the tests need. Without npm that column stays empty.
build/peers/node_modules/ws:
	@npm install --silent --no-audit --no-fund --prefix build/peers ws@8.23.0 || \
	  echo "npm cannot install it: Node ws is left out" >&2

bench-gateway: $(VENV)/dev.installed build/peers/node_modules/ws ## the gateway beside other servers (a quarter of an hour)
	@$(BIN)/python tests/bench/gateway/run.py

bench-cluster: $(VENV)/dev.installed ## what it costs to be several (make bench-cluster OPTIONS=--help)
	@$(BIN)/python tests/bench/cluster/run.py $(OPTIONS)

# Apart from .venv, because triotp asks for a trio that is too old for us.
build/python-peers/installed: tests/bench/actors/peers.txt $(VENV)/run.installed
	@$(PIP) install --no-deps --upgrade --target $(@D) -r $< && touch $@ || \
	  echo "the Python peers could not be installed: their columns will say so" >&2

bench-actors: build/python-peers/installed ## actors beside Erlang and Python peers (make bench-actors OPTIONS=--help)
	@$(BIN)/python tests/bench/actors/run.py $(OPTIONS)

bench-growth: $(VENV)/dev.installed ## memory and CPU as people and rooms become more, and a plot (make bench-growth OPTIONS=--help)
	@$(BIN)/python tests/bench/growth/run.py $(OPTIONS)

simulate: $(VENV)/dev.installed ## thousands of nodes: shards, relays, what goes through the engine; and a plot (a minute)
	@$(BIN)/python tests/bench/simulation/run.py $(OPTIONS)

PIN = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
pins: $(BIN)/python ## renew requirements*.txt after a change of dependencies
	@$(PIP) install uv
	@$(PIN) pyproject.toml -o requirements.txt
	@$(PIN) pyproject.toml --extra dev -o requirements-dev.txt
	@$(PIN) pyproject.toml --extra fuzz -o requirements-fuzz.txt
	@$(PIN) --no-deps tests/bench/actors/peers.in -o tests/bench/actors/peers.txt

clean: ## remove the environment and caches, never ./data
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
