"""Random journals with random tampering are always found; untouched ones never are; crashes never are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from audit.events import NodeRecord
from audit.journal import Verification, verify
from audit.journal.head import HEAD_FILE
from audit.journal.line import day_files
from tests.audit.journal.journals import (
    START_NS,
    decision,
    fill,
    head_of,
    lines_of,
    open_fast,
    rechain,
    rewrite_lines,
    set_head,
    write_journal,
)

texts = st.text(max_size=40)
bodies = st.one_of(
    st.builds(NodeRecord, state=st.sampled_from(["connected", "recovered"]), detail=texts),
    st.integers(1, 5).map(decision),
    st.integers(1, 5).map(fill),
)


class Recipe(msgspec.Struct, frozen=True):
    """A journal to be written: its records, how many days pass before each, whether it is closed."""

    bodies: list[msgspec.Struct]
    steps: list[int]
    is_closed: bool

    @property
    def days(self) -> list[int]:
        """The day of each record after the first day."""
        total, days = 0, []
        for step in self.steps:
            total += step
            days.append(total)
        return days


@st.composite
def recipes(draw: st.DrawFn, *, least: int = 1) -> Recipe:
    """Draw a journal of up to 25 records over a few days."""
    count = draw(st.integers(least, 25))
    steps = [draw(st.sampled_from([0, 0, 0, 1, 3])) for _ in range(count)]
    return Recipe([draw(bodies) for _ in range(count)], steps, draw(st.booleans()))


@contextmanager
def written(recipe: Recipe) -> Iterator[Path]:
    """Write the journal into a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        write_journal(folder, recipe.bodies, days=recipe.days, close=recipe.is_closed)
        yield folder


def content_of(folder: Path) -> dict[str, bytes]:
    """Return all that verification looks at."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def any_file(data: st.DataObject, folder: Path) -> Path:
    return data.draw(st.sampled_from([*day_files(folder), folder / HEAD_FILE]))


def overwrite_byte(data: st.DataObject, folder: Path) -> None:
    path = any_file(data, folder)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))


def cut_bytes_out(data: st.DataObject, folder: Path) -> None:
    path = any_file(data, folder)
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:start] + content[data.draw(st.integers(start + 1, len(content))) :])


def insert_bytes(data: st.DataObject, folder: Path) -> None:
    path = any_file(data, folder)
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:place] + data.draw(st.binary(min_size=1, max_size=100)) + content[place:])


def cut_end(data: st.DataObject, folder: Path) -> None:
    path = any_file(data, folder)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])


def delete_lines(data: st.DataObject, folder: Path) -> None:
    path = data.draw(st.sampled_from(day_files(folder)))
    lines = lines_of(path)
    start = data.draw(st.integers(0, len(lines) - 1))
    rewrite_lines(path, lines[:start] + lines[data.draw(st.integers(start + 1, len(lines))) :])


def move_line(data: st.DataObject, folder: Path) -> None:
    source, target = (data.draw(st.sampled_from(day_files(folder))) for _ in range(2))
    lines = lines_of(source)
    line = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
    rewrite_lines(source, lines)
    others = lines_of(target)
    others.insert(data.draw(st.integers(0, len(others))), line)
    rewrite_lines(target, others)


def copy_line(data: st.DataObject, folder: Path) -> None:
    path = data.draw(st.sampled_from(day_files(folder)))
    lines = lines_of(path)
    lines.insert(data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from(lines)))
    rewrite_lines(path, lines)


def delete_file(data: st.DataObject, folder: Path) -> None:
    any_file(data, folder).unlink()


def exchange_files(data: st.DataObject, folder: Path) -> None:
    one, other = (data.draw(st.sampled_from(day_files(folder))) for _ in range(2))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def rename_file(data: st.DataObject, folder: Path) -> None:
    path = data.draw(st.sampled_from(day_files(folder)))
    day = data.draw(st.dates().map(lambda each: each.isoformat()))
    path.rename(folder / f"{day}.jsonl")


TAMPERINGS = (
    overwrite_byte,
    cut_bytes_out,
    insert_bytes,
    cut_end,
    delete_lines,
    move_line,
    copy_line,
    delete_file,
    exchange_files,
    rename_file,
)


def is_noticed(found: Verification) -> bool:
    """Return whether verification said something; what follows the last record is said as a torn tail."""
    return not found.ok or found.torn_tail_bytes > 0


@settings(max_examples=250)
@given(st.data())
def test_tampering_is_always_found(data: st.DataObject) -> None:
    with written(data.draw(recipes())) as folder:
        before = content_of(folder)
        for _ in range(data.draw(st.integers(1, 3))):
            if day_files(folder) and all(path.stat().st_size for path in [*day_files(folder)]):
                assume((folder / HEAD_FILE).exists() and (folder / HEAD_FILE).stat().st_size)
                tamper = data.draw(st.sampled_from(TAMPERINGS))
                note(f"{tamper.__name__}")
                tamper(data, folder)
        assume(content_of(folder) != before)
        assert is_noticed(verify(folder))


@settings(max_examples=80)
@given(recipes())
def test_an_untouched_journal_is_never_found(recipe: Recipe) -> None:
    with written(recipe) as folder:
        found = verify(folder)
        count = len(recipe.bodies) + recipe.is_closed
        assert (found.ok, found.records, found.is_closed) == (True, count, recipe.is_closed)
        assert found.torn_tail_bytes == 0
        assert verify(folder, expected_hash=head_of(folder).hash).ok


@settings(max_examples=80)
@given(st.data())
def test_a_changed_byte_is_found_in_its_own_line(data: st.DataObject) -> None:
    with written(data.draw(recipes())) as folder:
        path = data.draw(st.sampled_from(day_files(folder)))
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        line = path.read_bytes()[:place].count(b"\n") + 1
        path.write_bytes(bytes(content))
        first = verify(folder).problems[0]
        assert (first.file, first.line) == (path.name, line)


@settings(max_examples=60)
@given(st.data())
def test_a_chain_written_anew_is_found_with_the_hash_noted_before(data: st.DataObject) -> None:
    with written(data.draw(recipes(least=2))) as folder:
        noted, before = head_of(folder).hash, content_of(folder)
        tamper = data.draw(st.sampled_from([delete_lines, move_line, copy_line]))
        tamper(data, folder)
        for path in day_files(folder):
            if path.stat().st_size == 0:
                path.unlink()
        assume(content_of(folder) != before and day_files(folder))
        rechain(folder)
        assert not verify(folder, expected_hash=noted).ok


@settings(max_examples=80)
@given(st.data())
def test_a_crash_loses_nothing_acknowledged_and_is_no_tampering(data: st.DataObject) -> None:
    """The head lags behind (a loss of power), and the data ends anywhere after what it acknowledges."""
    recipe = data.draw(recipes(least=2))
    with written(recipe) as folder:
        path = day_files(folder)[-1]
        lines = lines_of(path)
        known = data.draw(st.integers(1, len(lines)))
        end = sum(map(len, lines[:known]))
        set_head(folder, path, known)
        seq, content = head_of(folder).seq, path.read_bytes()
        cut = data.draw(st.integers(end, len(content)))
        path.write_bytes(content[:cut])
        found = verify(folder)
        whole = content[:cut].rfind(b"\n") + 1
        assert (found.ok, found.torn_tail_bytes) == (True, cut - whole)
        assert found.records == seq + content[end:whole].count(b"\n")
        _reopen(folder, found)


def _reopen(folder: Path, found: Verification) -> None:
    journal = open_fast(folder)
    has_lag = found.head_seq != found.records
    assert (journal.recovered is not None) == (found.torn_tail_bytes > 0 or has_lag)
    if journal.recovered is not None:
        assert journal.recovered.torn_bytes == found.torn_tail_bytes
        assert journal.recovered.last_seq == found.records
    journal.close(ts_ns=START_NS, reason="end of test")
    after = verify(folder)
    assert (after.ok, after.records, after.torn_tail_bytes) == (True, found.records + 1, 0)
    shutil.rmtree(folder)
