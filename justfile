# Developer commands. `uv run just` lists them; `uv run just check` is what CI runs.

set shell := ["bash", "-euo", "pipefail", "-c"]

default:
    @just --list

# Linters, types, import contract and the tests, as CI runs them.
check: lint types imports lock test

# Style and likely bugs (ruff), without changing a file.
lint:
    uv run ruff check .
    uv run ruff format --check .

# Reformat, and repair what ruff can repair.
format:
    uv run ruff check --fix .
    uv run ruff format .

# mypy, strict.
types:
    uv run mypy

# Imports point one way (DESIGN, import-linter).
imports:
    uv run lint-imports

# The lock file is current and names public index hosts only.
lock:
    uv lock --check
    ! grep -oE 'https?://[^/"]+' uv.lock | sort -u | grep -vE '^https://(pypi\.org|files\.pythonhosted\.org)$'

# All tests but the benchmarks; arguments go to pytest.
test *ARGS:
    uv run pytest {{ARGS}}

# Benchmarks: each a ratio measured in one run, so nothing else should run beside them.
bench *ARGS:
    uv run --group peers pytest tests/benchmarks -n0 --benchmark-only --benchmark-disable-gc --benchmark-columns=median,rounds --timeout=1800 {{ARGS}}

# Branch coverage of one folder, e.g. `just coverage risk`.
coverage FOLDER:
    uv run pytest tests/{{FOLDER}} --cov={{FOLDER}} --cov-branch --cov-report=term-missing

# Rewrite the reference pages that are generated from the code; tests hold them current.
reference:
    uv run python -m cli.commands_reference
