"""Notes and tags that persons add to a journal's trades, orders and days. Pure; `note_store` keeps them.

What was noted stays; a correction is another note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from audit.events import Entry, NoteRecord
from audit.trace_search import TraceIndex
from market.errors import NotFoundError, UserError
from market.time import new_york_date, parse_date

TEXT_MAX = 4_000
TAGS_MAX = 20
_TAG = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,39}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor or turns its text around; a tab and a new line do not."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One note: the `number`-th of its run, record `seq` of its journal; `ts_ns` is when it was written."""

    number: int
    seq: int
    ts_ns: int
    subject: str
    text: str
    tags: tuple[str, ...]
    by: str


class About(msgspec.Struct, frozen=True):
    """What was said about one thing: its tags without repetition, its texts with their authors."""

    tags: tuple[str, ...]
    texts: tuple[str, ...]


class NotesBySubject:
    """Notes by what they are about."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes: dict[str, list[Note]] = {}
        for note in notes:
            self._notes.setdefault(note.subject, []).append(note)

    def about(self, subjects: Iterable[str]) -> About:
        """Return tags and texts about any of `subjects`, in the order in which they were written."""
        found = [note for subject in dict.fromkeys(subjects) for note in self._notes.get(subject, ())]
        found.sort(key=lambda note: note.seq)
        tags = dict.fromkeys(tag for note in found for tag in note.tags)
        return About(tuple(tags), tuple(_said(note) for note in found))


def _said(note: Note) -> str:
    """Return the text with its author; of a note without a text, what it was tagged."""
    return f"{note.text or f'tagged {", ".join(note.tags)}'} ({note.by})"


def checked_note(subject: str, *, text: str, tags: Sequence[str], by: str) -> NoteRecord:
    """Return a note; raises `UserError` for one without an author, without content, or with an odd tag."""
    if not by.strip():
        raise UserError("A note needs its author. Name yourself with --by.")
    if not text.strip() and not tags:
        raise UserError("A note needs a text or a tag. Give it with --note ID TEXT or --tag.")
    for what, value in (("text", text), ("author", by)):
        if (odd := _CONTROL.search(value)) is not None:
            raise UserError(
                f"The note's {what} has the control character {odd[0]!r} at {odd.start() + 1}. Leave it out."
            )
    if len(text) > TEXT_MAX:
        raise UserError(f"The note has {len(text):,} characters, at most {TEXT_MAX:,} fit. Shorten it.")
    if len(tags) > TAGS_MAX:
        raise UserError(f"The note has {len(tags)} tags, at most {TAGS_MAX} fit. Leave some out.")
    for tag in tags:
        if _TAG.fullmatch(tag) is None:
            raise UserError(
                f"{tag!r} is no tag. Write up to 40 small letters, digits and . _ : - such as late-fill."
            )
    return NoteRecord(subject=subject, text=text.strip(), tags=tuple(dict.fromkeys(tags)), by=by.strip())


def require_subject(entries: Iterable[Entry], subject: str) -> None:
    """Raise `NotFoundError` unless `subject` is an id, or a New York date, of the journal."""
    if _DAY.fullmatch(subject) is None:
        TraceIndex(entries).find(subject)
        return
    days = {new_york_date(entry.ts_ns) for entry in entries}
    if parse_date(subject) not in days:
        known = ", ".join(sorted(day.isoformat() for day in days)) or "none"
        raise NotFoundError(f"The journal has no record of {subject}. Its days: {known}.")


def notes_of(entries: Iterable[Entry]) -> Iterator[Note]:
    """Yield the notes among `entries`."""
    written = (entry for entry in entries if isinstance(entry.body, NoteRecord))
    for number, entry in enumerate(written, 1):
        yield Note(number=number, seq=entry.seq, ts_ns=entry.ts_ns, **msgspec.structs.asdict(entry.body))
