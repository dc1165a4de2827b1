"""A number of things as refusals and reports say it."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return `1 share`, `2 shares`: `count` with the noun `one`, or its plural (by default with an s)."""
    if count == 1:
        return f"1 {one}"
    return f"{count} {one + 's' if many is None else many}"
