"""A line of a day file: `<64 hex digits> <JSON>` and a newline.

The digits are the SHA-256 of the former line's 64 digits followed by this line's JSON; before the first
record stand 64 zeros. The JSON is an envelope around the record: `seq`, `ts_ns`, `kind`, and where they
are known `correlation_id`, `caused_by`, `market_ns`; last the record itself as `body`.
"""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

GENESIS = b"0" * 64
"""What stands in for the hash of a record before the first."""

HASH_DIGITS = 64
JSON_START = HASH_DIGITS + 1
DAY_FILE_SUFFIX = ".jsonl"

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What the decoder raises for bytes that are not the JSON that was expected."""

_STARTS = re.compile(rb'([0-9a-f]{64}) \{"seq":([1-9][0-9]{0,18}),"ts_ns":(-?[0-9]{1,19}),"kind":"([a-z_]+)"')
_DAY_FILE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.jsonl")


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A record on its way to the disk or back, in the order of its fields on disk."""

    seq: int
    ts_ns: int
    kind: str
    correlation_id: str | None = None
    caused_by: int | None = None
    market_ns: int | None = None
    body: Any


class LineStart(msgspec.Struct, frozen=True):
    """What a line says of itself before its record: read without decoding the record."""

    hash: bytes
    seq: int
    ts_ns: int
    kind: str


def chained(previous_hash: bytes, json: bytes) -> bytes:
    """Return the 64 hex digits of a line with `json` after the line with `previous_hash`."""
    return sha256(previous_hash + json).hexdigest().encode()


def line_start(line: bytes) -> LineStart | None:
    """Return what stands at the start of a line; None for what no writer has written."""
    match = _STARTS.match(line)
    if match is None:
        return None
    digits, seq, ts_ns, kind = match.groups()
    return LineStart(digits, int(seq), int(ts_ns), kind.decode())


def day_file_name(day: date) -> str:
    """Return the name of the file of a New York day."""
    return f"{day.isoformat()}{DAY_FILE_SUFFIX}"


def day_of_file(name: str) -> date | None:
    """Return the day in a day file's name; None for any other name."""
    if _DAY_FILE.fullmatch(name) is None:
        return None
    try:
        return date.fromisoformat(name.removesuffix(DAY_FILE_SUFFIX))
    except ValueError:
        return None


def day_files(folder: Path) -> list[Path]:
    """Return a journal's day files, oldest first; raises OSError when the folder cannot be read."""
    return sorted(path for path in folder.iterdir() if day_of_file(path.name) is not None)


def as_builtin(value: Any) -> object:
    """Convert what JSON does not know: NumPy's numbers and arrays become plain ones."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a record cannot hold {type(value).__name__}")
