"""Reads the records of a journal back, also while it is written. It does not verify: `verify` does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec

from audit.events import KINDS, Entry
from audit.journal.errors import readable
from audit.journal.head import HEAD_FILE
from audit.journal.line import JSON_START, UNREADABLE, day_files, line_start
from market.errors import DataError, NotFoundError

Body = Callable[[msgspec.Raw], Any]


class _RawEnvelope(msgspec.Struct, gc=False):
    seq: int
    ts_ns: int
    kind: str
    body: msgspec.Raw
    correlation_id: str | None = None
    caused_by: int | None = None
    market_ns: int | None = None


_decode_envelope = msgspec.json.Decoder(_RawEnvelope).decode
_decoders = {kind: msgspec.json.Decoder(body).decode for kind, body in KINDS.items()}


def read_entries(
    folder: Path,
    *,
    kinds: Collection[str] | None = None,
    from_seq: int = 1,
    to_seq: int | None = None,
    skip_unreadable: bool = False,
) -> Iterator[Entry]:
    """Yield the records `from_seq` to `to_seq` (both included) of the kinds named, in order.

    Each body is of its type in `audit.events`; a float that is not a number was written as null and
    comes back as NaN. A last line without its newline is left out: it is being written, or was torn off.
    Raises `NotFoundError` for a folder without a journal or a kind that does not exist, and `DataError`
    (file:line) for a line that cannot be read, which `skip_unreadable` leaves out instead.
    """
    unknown = sorted(set(kinds or ()) - set(KINDS))
    if unknown:
        raise NotFoundError(f"There is no kind of record {unknown[0]!r}. Kinds: {', '.join(KINDS)}.")
    with readable(folder):
        paths = _without_earlier(_existing_day_files(folder), from_seq)
    wanted = None if kinds is None else frozenset(kinds)
    return _entries(paths, kinds=wanted, first=from_seq, last=to_seq, skip_unreadable=skip_unreadable)


def decode_entry(line: bytes, place: str) -> Entry:
    """Return the record of one line without its newline; raises `DataError` that names `place`."""
    raw = _raw(line, place)
    return _entry(raw, place)


def _existing_day_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NotFoundError(f"{folder} holds no journal. Name the folder of a run that has one.")
    paths = day_files(folder)
    if not paths and not (folder / HEAD_FILE).exists():
        raise NotFoundError(f"{folder} holds no journal. Name the folder of a run that has one.")
    return paths


def _entries(
    paths: list[Path], *, kinds: frozenset[str] | None, first: int, last: int | None, skip_unreadable: bool
) -> Iterator[Entry]:
    for place, line in _lines(paths):
        try:
            raw = _raw(line, place)
            if last is not None and raw.seq > last:
                return
            if raw.seq >= first and (kinds is None or raw.kind in kinds):
                yield _entry(raw, place)
        except DataError:
            if not skip_unreadable:
                raise


def _lines(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the whole lines with their places."""
    for path in paths:
        with readable(path), path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                yield f"{path}:{number}", line


def _without_earlier(paths: list[Path], first: int) -> list[Path]:
    """Leave out the files that end before record `first`, by the number that the next one begins with."""
    for index in range(len(paths) - 1, 0, -1):
        with paths[index].open("rb") as file:
            start = line_start(file.readline())
        if start is not None and start.seq <= first:
            return paths[index:]
    return paths


def _raw(line: bytes, place: str) -> _RawEnvelope:
    try:
        return _decode_envelope(line[JSON_START:])
    except UNREADABLE as error:
        raise DataError(
            f"{place} is not a line of a journal: {error}. Run `harvester audit verify`."
        ) from None


def _entry(raw: _RawEnvelope, place: str) -> Entry:
    decode = _decoders.get(raw.kind)
    if decode is None:
        raise DataError(
            f"{place} is of kind {raw.kind!r}, which this version does not know. Read it with a newer one."
        )
    try:
        body = decode(raw.body)
    except UNREADABLE as error:
        body = _with_nan(raw, error, place)
    return Entry(
        seq=raw.seq,
        ts_ns=raw.ts_ns,
        kind=raw.kind,
        body=body,
        correlation_id=raw.correlation_id,
        caused_by=raw.caused_by,
        market_ns=raw.market_ns,
    )


def _with_nan(raw: _RawEnvelope, error: Exception, place: str) -> Any:
    """Return a body whose tables of floats hold null: a number that JSON cannot write."""
    try:
        content = msgspec.json.decode(raw.body)
        for value in content.values() if isinstance(content, dict) else ():
            if isinstance(value, dict):
                value.update({name: float("nan") for name, each in value.items() if each is None})
        return msgspec.convert(content, KINDS[raw.kind])
    except UNREADABLE:
        raise DataError(
            f"{place} is no {raw.kind} record: {error}. It was not written by this version."
        ) from None
