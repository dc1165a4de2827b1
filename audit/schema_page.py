"""Writes docs/reference/journal-records.md: every kind of record with its fields, from `audit.events`.

`uv run just reference` writes it; a test holds it current.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from audit.events import KINDS

_HEAD = """# Records of the journal

This page is generated from `audit/events.py` and `risk/records.py`
(`uv run just reference`).

What a line of [the journal](journal.md) holds under `body`, by its `kind`. Names ending in `_ns` are
nanoseconds UTC. Money and prices are exact decimals in USD, written as text. Quantities are whole shares or
contracts. What is unknown is null, never 0. Newer versions add kinds, and fields with a default; none is
renamed or given another meaning, so a journal of last year can be read.
"""
_NAMES = {str: "text", int: "integer", float: "float", bool: "boolean", Decimal: "decimal", Any: "anything"}


def page() -> str:
    """Return the page."""
    sections = "\n".join(_section(kind, record) for kind, record in KINDS.items())
    return f"{_HEAD}\n{sections}"


def _section(kind: str, record: type[msgspec.Struct]) -> str:
    description = inspect.cleandoc(record.__doc__ or "")
    rows = "\n".join(_rows(record))
    return f"## {kind}\n\n{description}\n\n| field | type | default |\n|---|---|---|\n{rows}\n"


def _rows(record: type[msgspec.Struct]) -> Iterator[str]:
    hints = typing.get_type_hints(record)
    for field in msgspec.structs.fields(record):
        yield f"| `{field.name}` | {_type_in_words(hints[field.name])} | {_default(field)} |"


def _type_in_words(hint: Any) -> str:
    """Return what a field may hold, as a reader of the JSON sees it."""
    parts = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin in (types.UnionType, typing.Union):
        return f"{' or '.join(_type_in_words(part) for part in parts if part is not types.NoneType)}, or null"
    if origin is tuple:
        return f"list of {_type_in_words(parts[0])}"
    if origin is dict:
        return f"table of {_type_in_words(parts[1])}"
    return _NAMES[hint]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return ""
    if field.default_factory is not msgspec.NODEFAULT:
        return "`{}`"
    return "null" if field.default is None else f"`{field.default!r}`"
