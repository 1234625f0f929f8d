# Two commands: `make demo` makes a first picture, `make test` runs every check.
# Both set themselves up from a bare checkout with nothing but Python 3.11 or newer.
# The tests look at pages in Chromium and at a terminal in tmux: as root on Debian `make test` installs
# them (not with SEEN=), elsewhere it says how; where they are missing their tests are skipped.
# `make proof` kills daemon and engine at random for about half an hour and counts what came of it; it can
# be interrupted and goes on where it stopped. SEED, DAEMON_KILLS and ENGINE_KILLS may be given.
# `make bench` measures what the daemon costs, about half an hour on a calm machine, and writes
# docs/performance.md; where COMFYUI_URL is set, pages are measured against that engine too.
# `make matrix` kills the daemon at every step of every scenario, also where `make test` does it once.

VENV   = .venv
BIN    = $(VENV)/bin
READY  = $(VENV)/.ready
TESTED = $(VENV)/.ready-for-tests
DEMO   = demo
PIP    = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c tests/constraints.txt

SEEN   = chromium tmux
APT    = DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20

SEED         = 1
DAEMON_KILLS = 2000
ENGINE_KILLS = 500

# The tests start hundreds of processes, which are quicker where what was compiled is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test matrix proof bench clean

demo: $(READY)
	@$(BIN)/plasma-watch init $(DEMO)
	@$(BIN)/plasma-watch submit --home $(DEMO) $(DEMO)/examples/first-page.toml
	@$(BIN)/plasma-watch run --home $(DEMO) --sandbox --drain
	@echo && echo "Picture and manifest lie below $(DEMO)/:"
	@$(BIN)/plasma-watch status --home $(DEMO) first-page

test: $(TESTED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 4 --dist worksteal

matrix: $(TESTED)
	WHOLE_MATRIX=1 $(BIN)/pytest -n 4 tests/crash

proof: $(TESTED)
	$(BIN)/python -m tests.proof --seed $(SEED) --daemon-kills $(DAEMON_KILLS) \
	  --engine-kills $(ENGINE_KILLS) --state .proof --write

bench: $(TESTED)
	$(BIN)/python -m benchmarks --write

$(READY): pyproject.toml tests/constraints.txt
	@python=$$(for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then echo $$p; break; fi; done); \
	if [ -z "$$python" ]; then \
	  echo "Plasma Watch needs Python 3.11 or newer; this machine has: $$(python3 --version 2>&1)."; \
	  echo "Install it (macOS: 'brew install python@3.12'; Debian, Ubuntu: 'apt install python3.11-venv')"; \
	  echo "and run 'make $(MAKECMDGOALS)' again."; exit 1; fi; \
	$$python -m venv $(VENV) || { \
	  echo "$$python cannot make a virtual environment (Debian, Ubuntu: 'apt install python3-venv')."; exit 1; }
	@$(PIP) -e '.[sandbox]'
	@touch $(READY)

$(TESTED): $(READY)
	@$(PIP) -e '.[test]'
	@for each in $(SEEN); do \
	  command -v $$each >/dev/null 2>&1 && continue; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "Installing $$each, which tests look through."; \
	    { $(APT) install -y --no-install-recommends $$each || { $(APT) update && \
	      $(APT) install -y --no-install-recommends $$each; }; } >/dev/null 2>&1 </dev/null; \
	    command -v $$each >/dev/null 2>&1 && continue; fi; \
	  echo "There is no $$each here: what is looked at through it is skipped (Debian: 'apt install $$each')."; \
	done
	@touch $(TESTED)

clean:
	rm -rf $(VENV) $(DEMO) .proof .bench
