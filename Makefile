# Everything runs in .venv, made from the lock files by the first of Python 3.11, 3.12 that is found.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3))
VENV := .venv
BIN := $(VENV)/bin
ROOMS := data audio_model cf_model ranker engine api
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo install test check bench docs lock clean

demo: install  ## sample catalogue, training, service on http://127.0.0.1:8000
	$(BIN)/segue --home segue-demo demo

install: $(VENV)/.installed  ## .venv with pinned, hashed dependencies

$(VENV)/.installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})" \
		|| { echo "Segue needs Python 3.11 or 3.12; name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# The lock holds everything, so nothing is resolved: pip may not look for newer releases.
	$(BIN)/pip install --quiet --require-hashes --no-deps --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $@

test: install  ## all tests, with coverage
	$(BIN)/coverage erase
	$(BIN)/pytest --cov --cov-report=term

check: install  ## style, types, the rooms' one-way order, the lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	! grep -nE '(https?|file)://' requirements*.lock

bench: install  ## every benchmark beside its reference, as ratios
	$(BIN)/python -m benchmarks

docs: install  ## the reference pages that are generated from the code
	$(BIN)/python -m docs.generate

lock:  ## pin all dependencies anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --quiet --output-file requirements-dev.lock

clean:  ## forget the environment and all caches
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
