"""`harvester archive` and `harvester restore`: what they print, keep, delete and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from catalog.columns import DataKind
from catalog.recording.publication import SPOOL
from catalog.recording.rows import StreamKey, columns_of
from catalog.recording.spool import Spool
from cli.__main__ import main
from market.time import to_ns
from tests.audit.archive.runs import damage, write_run
from tests.catalog.recording.records import START_NS, quote


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_run(tmp_path / "run")
    return tmp_path / "run"


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_archives_and_restores(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, written = answer(capsys, "archive", run, "--to", tmp_path / "archives")
    assert code == 0
    path = Path(written["archive"]["path"])
    assert path.is_file()
    assert written["archive"]["manifest"]["journal"]["records"] == 5
    code, restored = answer(capsys, "restore", path, "--to", tmp_path / "back")
    assert (code, restored["journal"]) == (0, {"ok": True, "records": 5})
    assert (tmp_path / "back" / "report.html").read_text() == (run / "report.html").read_text()


def test_says_in_words_what_it_did(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archive", str(run), "--to", str(tmp_path / "archives"), "--keep-days", "7"]) == 0
    told = capsys.readouterr().out
    assert "Journal: 5 records, verified." in told
    assert "the newest of its run" in told
    assert main(["archive", str(run), "--to", str(tmp_path / "archives")]) == 0
    assert "Archived already" in capsys.readouterr().out
    (path,) = (tmp_path / "archives").iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert "every hash verified" in capsys.readouterr().out
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 2
    assert "not empty" in capsys.readouterr().err


def test_a_dry_run_writes_and_deletes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archives = tmp_path / "archives"
    for day in ("2013-10-01", "2013-10-02", "2013-11-05"):
        write_run(tmp_path / day, day_ns=to_ns(f"{day}T12:00:00-04:00"), summary=False)
        assert main(["archive", str(tmp_path / day), "--to", str(archives)]) == 0
    before = sorted(path.name for path in archives.iterdir())
    words = ("archive", tmp_path / "2013-11-05", "--to", archives, "--keep-days", 30)
    code, planned = answer(capsys, *words, "--dry-run")
    assert (code, planned["archive"], len(planned["let_go"])) == (0, None, 1)
    assert sorted(path.name for path in archives.iterdir()) == before
    assert main([*map(str, words), "--dry-run"]) == 0
    assert "would go  bac_ticks-2013-10-01" in capsys.readouterr().out
    code, done = answer(capsys, *words, "--keep-months", 1)
    assert [each["name"] for each in done["let_go"]] == before[:2]
    assert [path.name for path in archives.iterdir()] == before[2:]


def test_a_damaged_journal_is_archived_only_when_told(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(run)
    archives = tmp_path / "archives"
    code, refused = answer(capsys, "archive", run, "--to", archives)
    assert (code, "--even-damaged" in refused["error"]["message"]) == (2, True)
    assert main(["archive", str(run), "--to", str(archives), "--even-damaged"]) == 0
    assert "DAMAGED" in capsys.readouterr().out
    (path,) = archives.iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert "was damaged when it was archived" in capsys.readouterr().out


def test_a_run_without_a_journal_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    shutil.rmtree(run / "journal")
    assert main(["archive", str(run), "--to", str(tmp_path / "archives")]) == 0
    (path,) = (tmp_path / "archives").iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert capsys.readouterr().out.count("has no journal") == 2
    assert answer(capsys, "restore", path, "--to", tmp_path / "again")[1]["journal"] is None


@pytest.mark.parametrize(
    "options",
    [["--dry-run"], ["--keep-months", "3"], ["--keep-days", "0"], ["--keep-days", "9", "--keep-months", "0"]],
)
def test_a_policy_that_cannot_be_is_refused(run: Path, tmp_path: Path, options: list[str]) -> None:
    assert main(["archive", str(run), "--to", str(tmp_path / "archives"), *options]) == 2
    assert not (tmp_path / "archives").exists()


def _spooled(run: Path) -> Spool:
    """Leave behind what a node leaves that died with a quote recorded and not yet published."""
    spool = Spool(run / SPOOL)
    rows = [quote(START_NS)]
    spool.append({StreamKey(DataKind.QUOTE, "BAC.SMART", 4, 0): columns_of(DataKind.QUOTE, rows)})
    return spool


def test_what_a_dead_node_had_recorded_is_finished_first(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _spooled(run).close()
    assert main(["archive", str(run), "--to", str(tmp_path / "archives")]) == 0
    assert "Finished what a dead node had recorded: 1 market data records." in capsys.readouterr().out
    (path,) = (tmp_path / "archives").iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert len(ParquetDataCatalog(str(tmp_path / "back")).quote_ticks()) == 1


def test_a_running_node_s_recording_is_left_to_it(run: Path, tmp_path: Path) -> None:
    spool = _spooled(run)
    assert main(["archive", str(run), "--to", str(tmp_path / "archives")]) == 0
    assert spool.size_bytes == (run / SPOOL).stat().st_size > 0
    spool.close()
