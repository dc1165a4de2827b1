"""An ingest that dies, at whatever point, leaves the old catalog or becomes the new one; nothing between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import catalog.storage.publish
from catalog.store import CatalogStore
from market.errors import DataError
from tests.catalog.stored_columns import OPEN_NS, add_quotes, snapshot, source, write_quotes

TIMES = [OPEN_NS, OPEN_NS + 1, OPEN_NS + 1_000_000]
LATER = [time + 60_000_000_000 for time in TIMES]
# Everything through which an ingest changes the disk.
CHANGES: list[tuple[Any, str]] = [
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "write_bytes"),
    (Path, "mkdir"),
    (Path, "open"),
    (shutil, "rmtree"),
    (pq.ParquetWriter, "write_table"),
    (pq.ParquetWriter, "close"),
    (catalog.storage.publish, "_sync"),
]
STEPS_MAX = 200


class Died(BaseException):
    """Stands for the end of the process: from then on nothing reaches the disk."""


@contextmanager
def dying_before_change(number: int) -> Iterator[None]:
    """Let the process die just before its `number`-th change of the disk."""
    changes = 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            nonlocal changes
            changes += 1
            if changes >= number:
                raise Died
            return function(*arguments, **options)

        return change

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in CHANGES:
            patch.setattr(owner, name, counted(getattr(owner, name)))
        yield


def _ingest_two_streams(root: Path, *, replace: bool) -> None:
    with CatalogStore(root).ingest(source("b"), replace=replace) as ingest:
        times = TIMES if replace else LATER
        add_quotes(ingest, times)
        add_quotes(ingest, times, symbol="SPY")
        ingest.reject(file="b.csv", line=1, column="x", value="y", why="z")


@pytest.mark.parametrize("replace", [False, True])
def test_dying_before_any_change_leaves_the_old_or_becomes_the_new_catalog(
    tmp_path: Path, replace: bool
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for root in (old, new):
        write_quotes(CatalogStore(root), TIMES)
    _ingest_two_streams(new, replace=replace)
    outcomes = []
    for number in range(1, STEPS_MAX):
        root = tmp_path / f"died-{number}"
        shutil.copytree(old, root)
        try:
            with dying_before_change(number):
                _ingest_two_streams(root, replace=replace)
            break
        except Died:
            pass
        outcomes.append(_outcome(root, old=snapshot(old), new=snapshot(new), is_replacing=replace))
    else:
        pytest.fail("the ingest never came to its end")
    assert snapshot(root) == snapshot(new)
    # The catalog turns from old to new once, at the record of what is to be published.
    assert outcomes == sorted(outcomes, reverse=True)
    assert {"old", "new"} == set(outcomes)


def _outcome(root: Path, *, old: dict[str, bytes], new: dict[str, bytes], is_replacing: bool) -> str:
    is_decided = (root / ".ingest" / "pending.json").exists()
    visible = snapshot(root)
    if not is_decided:
        assert visible in (old, new)
    elif not is_replacing:
        assert old.items() - visible.items() <= {("manifest.json", old["manifest.json"])}
    CatalogStore(root)
    recovered = snapshot(root)
    assert recovered in (old, new)
    assert not is_decided or recovered == new
    assert not (root / ".ingest" / "staging").exists()
    return "new" if recovered == new else "old"


def test_dying_while_recovering_is_recovered_from(tmp_path: Path) -> None:
    new = tmp_path / "new"
    for root in (tmp_path / "old", new):
        write_quotes(CatalogStore(root), TIMES)
    shutil.copytree(tmp_path / "old", tmp_path / "died")
    _ingest_two_streams(new, replace=True)
    _die_when_decided(tmp_path / "died")
    for number in range(1, STEPS_MAX):
        root = tmp_path / f"again-{number}"
        shutil.copytree(tmp_path / "died", root)
        try:
            with dying_before_change(number):
                CatalogStore(root)
            break
        except Died:
            CatalogStore(root)
            assert snapshot(root) == snapshot(new)
    assert snapshot(root) == snapshot(new)


def _die_when_decided(root: Path) -> None:
    def die(*_: Any) -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog.storage.publish, "_roll_forward", die)
        with pytest.raises(Died):
            _ingest_two_streams(root, replace=True)


CSV_HEADER = "ts,bid,ask,bid_size,ask_size\n"


def _csv(path: Path, rows: int) -> Path:
    lines = (f"{OPEN_NS + row * 1000},13.{row % 90 + 10},14.00,100,200\n" for row in range(rows))
    path.write_text(CSV_HEADER + "".join(lines))
    return path


def _python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_leaves_the_old_catalog_and_no_lock(tmp_path: Path) -> None:
    root, big = tmp_path / "catalog", _csv(tmp_path / "big.csv", 400_000)
    write_quotes(CatalogStore(root), [time - 10**12 for time in TIMES])
    before = snapshot(root)
    process = _python(
        """
        import sys
        from pathlib import Path
        import catalog.csv_source.writer
        from catalog.ingest_csv import ingest_csv
        from catalog.store import CatalogStore

        write = catalog.csv_source.writer.RowWriter.write
        def write_and_wait(self, rows):
            write(self, rows)
            print("written", flush=True)
            sys.stdin.readline()
        catalog.csv_source.writer.RowWriter.write = write_and_wait
        ingest_csv(Path(sys.argv[1]), store=CatalogStore(Path(sys.argv[2])), symbols=["BAC"])
        """,
        big,
        root,
    )
    with process:
        try:
            _continue_until_staged(process, root)
            with pytest.raises(DataError, match="Another ingest"):
                write_quotes(CatalogStore(root), LATER, name="b")
        finally:
            os.kill(process.pid, signal.SIGKILL)
    assert snapshot(root) == before
    write_quotes(CatalogStore(root), LATER, name="b")
    assert not (root / ".ingest" / "staging").exists()


def _continue_until_staged(process: subprocess.Popen[str], root: Path) -> None:
    assert process.stdout is not None
    assert process.stdin is not None
    while not (root / ".ingest" / "staging").exists():
        assert process.stdout.readline() == "written\n"
        process.stdin.write("go on\n")
        process.stdin.flush()
    assert process.stdout.readline() == "written\n"


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on the size of files")
def test_a_disk_without_room_leaves_the_old_catalog_and_says_so(tmp_path: Path) -> None:
    root, big = tmp_path / "catalog", _csv(tmp_path / "big.csv", 100_000)
    write_quotes(CatalogStore(root), [time - 10**12 for time in TIMES])
    before = snapshot(root)
    process = _python(
        """
        import resource, sys
        from pathlib import Path
        from catalog.ingest_csv import ingest_csv
        from catalog.store import CatalogStore
        from market.errors import DataError

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            ingest_csv(Path(sys.argv[1]), store=CatalogStore(Path(sys.argv[2])), symbols=["BAC"])
        except DataError as error:
            print(error)
        """,
        big,
        root,
    )
    output, errors = process.communicate(timeout=60)
    assert "No room to write the catalog" in output, errors
    assert "the catalog is as it was" in output
    assert snapshot(root) == before
