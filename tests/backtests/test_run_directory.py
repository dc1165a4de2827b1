"""A run directory is there as a whole or not at all, and nothing foreign is overwritten."""

from __future__ import annotations

import errno
from pathlib import Path

import pyarrow as pa
import pytest

from backtests.run_directory import require_usable, run_directory, write_json, write_tables
from backtests.run_tables import SCHEMAS
from market.errors import UserError

EMPTY = {name: schema.empty_table() for name, schema in SCHEMAS.items()}


def _write(output: Path, *, mark: str) -> None:
    with run_directory(output) as folder:
        write_tables(folder, EMPTY)
        write_json(folder / "run.json", {"mark": mark})


def _others(output: Path) -> list[str]:
    return [path.name for path in output.parent.iterdir() if path != output]


def test_appears_as_a_whole(tmp_path: Path) -> None:
    output = tmp_path / "runs" / "first"
    _write(output, mark="a")
    assert {path.name for path in output.iterdir()} == {"run.json", *(f"{name}.parquet" for name in SCHEMAS)}
    assert _others(output) == []


def test_leaves_nothing_when_writing_fails(tmp_path: Path) -> None:
    output = tmp_path / "run"
    with pytest.raises(ValueError, match="a run has the tables"), run_directory(output) as folder:
        write_tables(folder, {})
    assert list(tmp_path.iterdir()) == []


def test_replaces_a_former_run_including_its_report(tmp_path: Path) -> None:
    output = tmp_path / "run"
    _write(output, mark="a")
    (output / "report.html").write_text("old")
    _write(output, mark="b")
    assert '"b"' in (output / "run.json").read_text()
    assert not (output / "report.html").exists()
    assert _others(output) == []


def test_keeps_the_former_run_when_the_new_one_fails(tmp_path: Path) -> None:
    output = tmp_path / "run"
    _write(output, mark="a")
    with pytest.raises(RuntimeError), run_directory(output):
        raise RuntimeError
    assert '"a"' in (output / "run.json").read_text()


def test_a_disk_without_room_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    told = pytest.raises(UserError, match=r"No space left on device\. Nothing of it is kept\.")
    with told, run_directory(tmp_path / "run"):
        raise OSError(errno.ENOSPC, "[Errno 28] Error writing bytes to file")
    assert list(tmp_path.iterdir()) == []


def test_other_failures_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), run_directory(tmp_path / "run"):
        raise PermissionError(errno.EACCES, "a file of the catalog")


def test_refuses_a_folder_with_anything_else_in_it(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"thesis\.txt, which is not part of a run"):
        require_usable(tmp_path)


def test_refuses_a_former_run_with_a_note_beside_it(tmp_path: Path) -> None:
    output = tmp_path / "run"
    _write(output, mark="a")
    (output / "notes.md").write_text("do not lose")
    with pytest.raises(UserError, match=r"notes\.md"):
        _write(output, mark="b")
    assert '"a"' in (output / "run.json").read_text()


def test_refuses_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match="is a file"):
        require_usable(file)


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    _write(tmp_path, mark="a")
    assert (tmp_path / "run.json").is_file()


def test_accepts_exactly_the_tables_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not"):
        write_tables(tmp_path, {**EMPTY, "extra": pa.table({})})
