"""What a killed run left goes with the next run; nothing else does."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backtests.run_directory import run_directory, write_json, write_tables
from backtests.run_tables import SCHEMAS

EMPTY = {name: schema.empty_table() for name, schema in SCHEMAS.items()}
LONG_AGO_NS = 10**18
WRITER = """
import sys, os
from pathlib import Path
from backtests.run_directory import run_directory
with run_directory(Path(sys.argv[1])) as folder:
    (folder / "journal").mkdir()
    (folder / "journal" / "2013-10-07.jsonl").write_text("half a li")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def dead_pid() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _write(output: Path) -> None:
    with run_directory(output) as folder:
        write_tables(folder, EMPTY)
        write_json(folder / "run.json", {})


def _leftover(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("")
    os.utime(folder, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return folder


def test_a_killed_run_goes_with_the_next_one_in_the_same_place(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", WRITER, str(tmp_path / "first")]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder == tmp_path / f".first.unfinished-{process.pid}"
        os.utime(folder, ns=(LONG_AGO_NS, LONG_AGO_NS))
        _write(tmp_path / "second")
        assert (folder / "journal" / "2013-10-07.jsonl").is_file()  # it is being written
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert folder.is_dir()
    _write(tmp_path / "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["second", "third"]


def test_a_leftover_of_a_process_that_is_gone_is_removed(tmp_path: Path, dead_pid: int) -> None:
    folder = _leftover(tmp_path / f".old.unfinished-{dead_pid}", "run.json", "fills.parquet")
    _write(tmp_path / "run")
    assert not folder.exists()


def _of_a_living_process(parent: Path, _: int) -> Path:
    return _leftover(parent / f".run.unfinished-{os.getppid()}", "run.json")


def _with_a_foreign_file(parent: Path, pid: int) -> Path:
    return _leftover(parent / f".run.unfinished-{pid}", "run.json", "thesis.txt")


def _of_another_name(parent: Path, pid: int) -> Path:
    return _leftover(parent / f".unfinished-{pid}")


def _not_hidden(parent: Path, pid: int) -> Path:
    return _leftover(parent / f"run.unfinished-{pid}")


def _without_a_number(parent: Path, _: int) -> Path:
    return _leftover(parent / ".run.unfinished-soon")


def _of_no_possible_process(parent: Path, _: int) -> Path:
    return _leftover(parent / f".run.unfinished-{10**30}")


def _younger_than_this_process(parent: Path, pid: int) -> Path:
    folder = _leftover(parent / f".run.unfinished-{pid}", "run.json")
    os.utime(folder)
    return folder


def _a_link(parent: Path, pid: int) -> Path:
    target = _leftover(parent / "kept", "run.json")
    link = parent / f".run.unfinished-{pid}"
    link.symlink_to(target)
    return link


def _a_file(parent: Path, pid: int) -> Path:
    path = parent / f".run.unfinished-{pid}"
    path.write_text("")
    return path


@pytest.mark.parametrize(
    "make",
    [
        _of_a_living_process, _with_a_foreign_file, _of_another_name, _not_hidden, _without_a_number,
        _of_no_possible_process, _younger_than_this_process, _a_link, _a_file,
    ],
)  # fmt: skip
def test_anything_else_stays(make: Callable[[Path, int], Path], tmp_path: Path, dead_pid: int) -> None:
    path = make(tmp_path, dead_pid)
    before = sorted(each.name for each in path.iterdir()) if path.is_dir() else None
    _write(tmp_path / "run")
    assert path.exists()
    assert (sorted(each.name for each in path.iterdir()) if path.is_dir() else None) == before


def test_a_folder_that_a_process_elsewhere_has_locked_stays(tmp_path: Path, dead_pid: int) -> None:
    """Another container shares the disk and not the process ids."""
    folder = _leftover(tmp_path / f".run.unfinished-{dead_pid}", "run.json")
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    _write(tmp_path / "run")
    assert (folder / "run.json").is_file()
    os.close(handle)
    _write(tmp_path / "run")
    assert not folder.exists()
