# Two commands: `make demo` starts the page, `make test` checks the project within eight minutes.
# Both work from nothing; packages are installed again only when their lists change,
# in the versions of constraints.txt, which were tested.
#
# The tests come in two tiers. `make test` checks style and types and runs all but the tests that
# are marked as long; `make test-long` runs those: the page with nano in a browser, memory over
# thousands of requests, a minute of random input for each reader. `make test-all` is both.
# PYTEST_ARGS="tests/unit -x" runs less; WORKERS=1 runs one test at a time.

PROFILE ?= nano
# Of the published checkpoints, with PROFILE=sd21: 2, 4, 8, 16 or 32.
RATE ?= 4
HOST ?= 127.0.0.1
PORT ?= 7860
PYTEST_ARGS ?=
WORKERS ?= 2
# Of fuzzing: how long in all, and which readers: all, or the name of a folder in tests/fuzz/corpus.
SECONDS ?= 3600
TARGET ?= all

VENV := .venv
BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input
# The first of these that is Python 3.11 or later; PYTHON=... takes another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

.PHONY: demo showcase test test-long test-all fuzz lint format fetch browser screenshots constraints platforms clean

demo: $(VENV)/.installed
	@$(BIN)/python -m difficmh_core fetch \
		|| echo "Going on without the weights above; the page says what is missing."
	$(BIN)/python app.py --profile $(PROFILE) --rate $(RATE) --host $(HOST) --port $(PORT)

# Decodes the examples in advance, so that a presenter shows them without a wait.
showcase: $(VENV)/.installed
	$(BIN)/python -m difficmh_core.ui.showcase --profile $(PROFILE) --rate $(RATE)

test: $(VENV)/.installed-dev fetch browser lint
	@$(BIN)/python -m difficmh_core fetch baselines \
		|| echo "Going on without VVC: its tests are skipped."
	$(PYTEST) $(PYTEST_ARGS)

test-long: $(VENV)/.installed-dev fetch browser
	$(PYTEST) -m long $(PYTEST_ARGS)

test-all: test test-long

# Random input for every reader of foreign bytes in turn, SECONDS in all; TARGET=... for one.
fuzz: $(VENV)/.installed-dev fetch
	$(BIN)/python -m tests.fuzz $(TARGET) --seconds $(SECONDS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fetch: $(VENV)/.installed
	$(BIN)/python -m difficmh_core fetch

# The pictures of the page in docs/, which the README shows.
screenshots: $(VENV)/.installed-dev browser
	$(BIN)/python -m tests.e2e.screenshots

# The browser tests drive Debian's chromium; without it they are skipped and say so.
browser:
	@command -v chromium >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
			&& echo "Installing chromium for the browser tests ..." \
			&& apt-get update -qq >/dev/null \
			&& DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
				--no-install-recommends chromium >/dev/null; } \
		|| echo "chromium is absent and could not be installed: the browser tests are skipped."

# Moves on to the newest versions that the bounds allow and writes them down; `make test` checks them.
# Then run `make platforms`, and this with another Python, whose versions may have lines of their own.
constraints: $(VENV)/.installed-dev
	$(PIP_INSTALL) --upgrade --upgrade-strategy eager -r requirements-dev.txt
	$(BIN)/python -m tests.constraints
	@touch $(VENV)/.installed $(VENV)/.installed-dev

# Where the requirements install from wheels alone: the table of docs/install.md. When they change.
platforms: $(VENV)/.installed-dev
	$(PIP_INSTALL) "uv>=0.9,<1"
	$(BIN)/python -m tests.platforms

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .gradio
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed; none was found." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.txt constraints.txt
	@echo "Installing the packages of requirements.txt (some minutes the first time) ..."
	@$(PIP_INSTALL) -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Installing the packages of requirements-dev.txt ..."
	@$(PIP_INSTALL) -r requirements-dev.txt -c constraints.txt
	@touch $@
