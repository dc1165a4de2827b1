"""A journal as an auditor reads it: who did what, when, why, and on whose authority. Pure.

Authority is a chain: the profile stands behind decisions and limits, a decision behind its order, an order
behind what the venue does with it, a named person behind his command and the breaker's change that it made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import merge
from operator import attrgetter
from typing import get_args

import msgspec

from audit.events import Entry, NoteRecord, OpenedRecord
from audit.notes import Note
from audit.sentences import HASH_DIGITS, breaker_actor, is_by_kill_switch, sentence
from market.instruments import symbol_of
from market.time import format_new_york, format_utc
from risk.operator_commands import OperatorCommand
from risk.records import ApprovalRecord, BreakerChangeRecord, CommandRecord

NEW_YORK_PLACES = 6
"""Decimals of a second in New York times: microseconds; the UTC time has all nine."""


class TimelineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One record in words. `seq` and `kind` are the journal's; times are of the node's clock.

    Of a note `seq` is its number among the notes, and the time that of its writing.
    `record` is the whole record as JSON.
    """

    seq: int
    ts_ns: int
    new_york: str
    utc: str
    kind: str
    who: str
    what: str
    why: str
    authority: str
    instrument_id: str | None
    client_order_id: str | None
    correlation_id: str | None
    caused_by: int | None
    record: msgspec.Raw


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which records to show; None lets all pass. Times in ns UTC: from `start_ns` to before `end_ns`."""

    kinds: Collection[str] | None = None
    seqs: Collection[int] | None = None
    symbols: Collection[str] | None = None
    start_ns: int | None = None
    end_ns: int | None = None

    def includes(self, entry: Entry) -> bool:
        """Say whether `entry` is to be shown."""
        return (
            (self.kinds is None or entry.kind in self.kinds)
            and (self.seqs is None or entry.seq in self.seqs)
            and (self.symbols is None or _symbol(entry) in self.symbols)
            and (self.start_ns is None or entry.ts_ns >= self.start_ns)
            and (self.end_ns is None or entry.ts_ns < self.end_ns)
        )


EVERYTHING = Wanted()
GIVE_AUTHORITY = frozenset(("opened", "breaker", "operator_command"))
"""Kinds that a timeline must be given whatever is wanted: they say on whose authority the rest was done."""


PERSONS_COMMANDS = frozenset(str(each.__struct_config__.tag) for each in get_args(OperatorCommand))
"""Commands that only a person gives; the kill switch records its own steps as commands too."""


def operators(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the names of the persons who gave commands."""
    return frozenset(entry.body.by for entry in entries if _is_by_person(entry))


def timeline(
    entries: Iterable[Entry], *, wanted: Wanted = EVERYTHING, persons: Collection[str] = ()
) -> Iterator[TimelineRow]:
    """Yield the wanted entries in words, in the order of the journal.

    `persons` (see `operators`) tells changes of the breaker by an operator from those by a limit.
    """
    standing = _Standing(persons)
    for entry in entries:
        standing.take_in(entry)
        if wanted.includes(entry):
            yield _row(entry, authority=standing.authority(entry), persons=persons)


def note_rows(
    notes: Iterable[Note], *, wanted: Wanted = EVERYTHING, subjects: Collection[str] | None = None
) -> Iterator[TimelineRow]:
    """Yield the wanted notes in words; with `subjects` those about one of them, with symbols none."""
    of_notes = msgspec.structs.replace(wanted, seqs=None)  # those are numbers of the journal's records
    for note in notes:
        body = NoteRecord(subject=note.subject, text=note.text, tags=note.tags, by=note.by)
        entry = Entry(seq=note.number, ts_ns=note.ts_ns, kind="note", body=body)
        if (subjects is None or note.subject in subjects) and of_notes.includes(entry):
            yield _row(entry, authority=f"{note.by} alone")


def with_notes(rows: Iterable[TimelineRow], notes: Iterable[TimelineRow]) -> Iterator[TimelineRow]:
    """Yield the rows of a journal in their order, and each note before the first row that is later."""
    return merge(rows, notes, key=attrgetter("ts_ns"))


class _Standing:
    """What gives authority at the moment: the profile, the last halt or command, who made which order."""

    def __init__(self, persons: Collection[str]) -> None:
        self._persons = persons
        self._profile = "profile not recorded"
        self._emergency = "kill switch"

    def take_in(self, entry: Entry) -> None:
        match entry.body:
            case OpenedRecord():
                body = entry.body
                self._profile = f"profile {body.profile_name} ({body.profile_hash[:HASH_DIGITS]})"
            case BreakerChangeRecord(after="HALT"):
                self._emergency = f"HALT by {entry.body.by}: {entry.body.reason}"
            case CommandRecord():
                self._emergency = f"{entry.body.command} by {entry.body.by}: {entry.body.reason}"

    def authority(self, entry: Entry) -> str:
        return _AUTHORITY.get(entry.kind, _Standing.of_profile)(self, entry)

    def of_profile(self, _: Entry) -> str:
        return self._profile

    def of_limits(self, _: Entry) -> str:
        return f"limits of {self._profile}"

    def of_order(self, entry: Entry) -> str:
        if is_by_kill_switch(entry.body):
            return self._emergency
        if entry.correlation_id is None:
            return "no decision recorded"
        return f"decision {entry.correlation_id}"

    def of_venue(self, entry: Entry) -> str:
        return f"order {entry.body.client_order_id} of {entry.body.strategy_id}"

    def of_position(self, entry: Entry) -> str:
        return f"record {entry.caused_by}" if entry.caused_by is not None else entry.body.strategy_id

    def of_breaker(self, entry: Entry) -> str:
        return f"operator {entry.body.by}" if entry.body.by in self._persons else self.of_limits(entry)

    def of_command(self, entry: Entry) -> str:
        return f"operator {entry.body.by}" if _is_by_person(entry) else self.of_limits(entry)


_AUTHORITY: dict[str, Callable[[_Standing, Entry], str]] = {
    "order": _Standing.of_order,
    "approval": _Standing.of_limits,
    "refusal": _Standing.of_limits,
    "order_event": _Standing.of_venue,
    "fill": _Standing.of_venue,
    "position": _Standing.of_position,
    "breaker": _Standing.of_breaker,
    "reading": _Standing.of_limits,
    "operator_command": _Standing.of_command,
}


def _is_by_person(entry: Entry) -> bool:
    return isinstance(entry.body, CommandRecord) and entry.body.command in PERSONS_COMMANDS


def _row(entry: Entry, *, authority: str, persons: Collection[str] = ()) -> TimelineRow:
    words = sentence(entry.body)
    if isinstance(entry.body, BreakerChangeRecord):
        words = words._replace(who=breaker_actor(entry.body.by, persons))
    return TimelineRow(
        seq=entry.seq,
        ts_ns=entry.ts_ns,
        new_york=format_new_york(entry.ts_ns, places=NEW_YORK_PLACES),
        utc=format_utc(entry.ts_ns),
        kind=entry.kind,
        who=words.who,
        what=words.what,
        why=words.why,
        authority=authority,
        instrument_id=getattr(entry.body, "instrument_id", None),
        client_order_id=_order_of(entry),
        correlation_id=entry.correlation_id,
        caused_by=entry.caused_by,
        record=msgspec.Raw(msgspec.json.encode(entry.body)),
    )


def _order_of(entry: Entry) -> str | None:
    if isinstance(entry.body, ApprovalRecord):
        return " ".join(entry.body.client_order_ids)
    name: str | None = getattr(entry.body, "client_order_id", None)
    return name


def _symbol(entry: Entry) -> str | None:
    instrument: str | None = getattr(entry.body, "instrument_id", None)
    return None if instrument is None else symbol_of(instrument) or instrument
