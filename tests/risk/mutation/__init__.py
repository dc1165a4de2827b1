"""Mutation testing of the risk folder, on demand: `uv run python -m tests.risk.mutation --help`."""
