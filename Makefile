# make demo    a whole sitting from ceremony to audit, in one process
# make test    the tests; ARGS="-k merkle -x" goes to pytest
# make lint    every linter and type checker that .ci/run demands
# make sittings whole sittings with every party as a process, in which machines die, race and lie: some minutes
# make meta2   the negative tests without asserts, on each engine under a hash seed of its own (docs/attacks.md, META-2);
#              SEEDS="0 4242" takes both on each engine
# make lock    pin what CI installs, with hashes; ARGS=--upgrade takes newer releases
# make bench   what everything costs beside this machine's best; ARGS="audit --ballots 10000", see docs/benchmarks.md
# make interop the programs of others that tests/interop runs: needs Go 1.25 and Python 3.12, or newer
# make fuzz    every parser, with coverage as guide; ARGS="--seconds 600 note policy", see tests/fuzz/run.py; then the
#              native module for NATIVE_SECONDS=60 a target, where cargo-fuzz is installed
# make mutants change what decides, and see whether a test notices; ARGS="proofs tally", an hour for all
# make kill    kill board and witness hundreds of times under load; SECBALLOT_KILLS=1000 says how often
# make clean   remove the virtual environment and what was built
#
# Each target makes .venv on first use and installs only what it needs there. A Rust toolchain is used where there is
# one and is not needed: without it the group arithmetic runs on libsodium.

VENV := .venv
BIN := $(VENV)/bin
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NATIVE := $(wildcard .cargo/config.toml native/Cargo.toml native/Cargo.lock native/build.rs native/src/*.rs)
ARGS ?=

.PHONY: demo bench test lint lock clean fuzz kill meta2 mutants sittings
.DELETE_ON_ERROR:

demo: $(VENV)/.core
	$(BIN)/secballot demo $(ARGS)

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(or $(ARGS),all)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto $(ARGS)

# The second half needs `cargo install cargo-fuzz` and a nightly toolchain.
NATIVE_SECONDS ?= 60
fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz/run.py --seconds 60 $(ARGS)
	@if ! cargo +nightly fuzz --version >/dev/null 2>&1; then \
	  echo 'fuzz: SKIPPED the native module: no cargo-fuzz with a nightly toolchain here'; \
	else set -e; cd native; \
	  export LD_LIBRARY_PATH="$$($(PYO3_PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')"; \
	  for target in $$(cargo +nightly fuzz list); do \
	    echo "=== native target $$target, $(NATIVE_SECONDS) s"; \
	    cargo +nightly fuzz run $$target -- -max_total_time=$(NATIVE_SECONDS) -timeout=60; done; fi

# What mutmut asks for must not move what the other targets use.
mutants: $(VENV)/.dev
	@test -x $(VENV)/mutants/bin/mutmut || $(BIN)/python -m venv --clear $(VENV)/mutants
	$(VENV)/mutants/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement requirements/dev.txt
	$(VENV)/mutants/bin/python -m pip --disable-pip-version-check --quiet install mutmut==3.8.1
	$(VENV)/mutants/bin/python tests/mutation/run.py $(ARGS)

kill: export SECBALLOT_KILLS ?= 300
kill: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/faults -k killed $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if ! test -f native/Cargo.toml; then :; \
	elif ! command -v cargo >/dev/null 2>&1; then echo 'lint: no cargo here, native/ is not checked'; \
	else set -ex; cd native; cargo fmt --check; cargo fmt --check --manifest-path fuzz/Cargo.toml; cargo clippy --locked --all-targets -- -D warnings; fi

sittings: $(VENV)/.dev
	SECBALLOT_SITTINGS=1 $(BIN)/python -m pytest tests/sitting_processes $(ARGS)

# Workers of xdist inherit PYTHONOPTIMIZE and would not be given -O. Pytest warns that asserts outside of tests vanish;
# the tests see for themselves that theirs do not, and the library has none.
meta2: $(VENV)/.dev
	@engines="$$($(BIN)/python -c 'from tests.engines import ENGINES; print(*ENGINES)')"; \
	for engine in $$engines; do \
	  seeds="$(SEEDS)"; \
	  [ -n "$$seeds" ] || case "$$engines" in *' '*) [ "$$engine" = native ] && seeds=0 || seeds=4242;; *) seeds='0 4242';; esac; \
	  for seed in $$seeds; do \
	    echo "=== engine $$engine, hash seed $$seed, without asserts"; \
	    SECBALLOT_ENGINE=$$engine PYTHONHASHSEED=$$seed PYTHONOPTIMIZE=1 $(BIN)/python -m pytest -n auto \
	      -W ignore::pytest.PytestConfigWarning tests/adversary tests/audit tests/unit $(ARGS) || exit 1; \
	  done; done

# One file for every supported Python and platform; markers tell them apart. The second is what a plain install needs,
# with what runs the tests of it; then what only CI adds, and what `make interop` installs. No file names a package index. That there are
# files for each Python is tried, since a release may have none for an older one.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header $(ARGS) --python-version 3.11
lock: $(BIN)/python
	$(PIP) install uv
	$(LOCK) --extra dev pyproject.toml --output-file requirements/dev.txt
	printf 'pytest\nhypothesis\n' | $(LOCK) --constraint requirements/dev.txt pyproject.toml - --output-file requirements/installed.txt
	$(LOCK) --extra dask --constraint requirements/dev.txt pyproject.toml --output-file requirements/dask.txt
	for version in 3.11 3.12 3.13; do for file in dev installed dask; do \
	  $(PIP) install --dry-run --require-hashes --requirement requirements/$$file.txt --python-version $$version \
	    --only-binary=:all: --target $(VENV)/none || exit 1; \
	done; done
	$(LOCK:3.11=3.12) tests/interop/requirements.in --output-file requirements/interop.txt

clean:
	rm -rf $(VENV) build dist native/target secballot.egg-info secballot/_group*.so secballot/_group*.pyd

# Candidates are run, not only looked up: a version manager may leave a name in PATH that starts nothing, and Debian
# ships Python without the parts that make a virtual environment.
$(BIN)/python:
	@for python in python3.13 python3.12 python3.11 python3; do \
	  command -v $$python >/dev/null 2>&1 || continue; \
	  $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	    >/dev/null 2>&1 || continue; \
	  echo "making $(VENV) with $$($$python --version)"; \
	  $$python -m venv --clear $(VENV) && exit 0; \
	  rm -rf $(VENV); exit 1; \
	done; \
	echo 'secballot needs Python 3.11, 3.12 or 3.13 with its venv module, and found none in PATH.' >&2; \
	echo 'Debian, Ubuntu: apt-get install python3 python3-venv.  macOS: brew install python@3.13.' >&2; \
	exit 1

# The old engine goes first: if the new one does not compile, the install succeeds all the same.
$(VENV)/.core: $(BIN)/python pyproject.toml $(NATIVE)
	@echo 'installing secballot and what it needs into $(VENV)'
	@rm -f secballot/_group*.so secballot/_group*.pyd
	@$(PIP) install --editable '.[client]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml requirements/dev.txt $(NATIVE)
	@echo 'installing secballot and its development tools into $(VENV)'
	@rm -f secballot/_group*.so secballot/_group*.pyd
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $(VENV)/.core $@

# What is not here is not made: the tests that need it are skipped, and say so.
PEERS := $(VENV)/interop

interop: $(PEERS)/.go $(PEERS)/.python

$(PEERS)/.go: $(wildcard tests/interop/go/*)
	@if ! command -v go >/dev/null 2>&1; then echo 'interop: no go here, nothing of it is built'; \
	else set -e; echo 'building the Go programs of tests/interop'; mkdir -p $(PEERS)/bin; \
	  cd tests/interop/go; test -z "$$(gofmt -l .)"; go vet .; go build -buildvcs=false -trimpath -o $(CURDIR)/$(PEERS)/bin/ . tool; \
	  touch $(CURDIR)/$@; fi

$(PEERS)/.python: requirements/interop.txt
	@for python in python3.14 python3.13 python3.12 python3 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[2-9].*/bin/python; do \
	  $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1 || continue; \
	  echo "installing the Python programs of tests/interop for $$($$python --version)"; \
	  $$python -m venv --clear $(PEERS)/python \
	    && $(PEERS)/python/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes \
	      --requirement $< && touch $@; \
	  exit; \
	done; \
	echo 'interop: no Python 3.12 or newer with its venv module here, nothing for it is installed'
