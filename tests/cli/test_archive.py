"""`harvester archive` and `harvester restore`: what they print, keep, delete and refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtests.replay.recorded_run import RecordedRun
from catalog.columns import DataKind
from catalog.recording.publication import SPOOL
from catalog.recording.rows import StreamKey, columns_of
from catalog.recording.spool import Spool
from cli.__main__ import main
from cli.archived_data import chooses_symbols_elsewhere
from market.time import to_ns
from tests.audit.archive.runs import annotate, damage, write_run
from tests.backtests.replay.recorded_backtest import recorded
from tests.backtests.replay.tampering import edit_quotes
from tests.catalog.recording.records import START_NS, quote

__all__ = ["recorded"]


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
    assert (written["run"], restored["run"]) == (str(run), str(tmp_path / "back"))
    assert (restored["notes"], restored["name_agrees"], restored["market_data"]) == (None, True, "included")
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
        noon_ns = to_ns(f"{day}T12:00:00-04:00")
        write_run(tmp_path / day, day_ns=noon_ns, summary=False, environment="live")
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
    assert (code, "--even-damaged" in refused["error"]["message"]) == (3, True)
    assert main(["archive", str(run), "--to", str(archives), "--even-damaged"]) == 0
    assert "DAMAGED" in capsys.readouterr().out
    (path,) = archives.iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert "was damaged when it was archived" in capsys.readouterr().out


def test_a_run_without_a_journal_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(run / "journal")
    assert main(["archive", str(run), "--to", str(tmp_path / "archives")]) == 3
    assert "holds no records any more" in capsys.readouterr().err
    summary = json.loads((run / "run.json").read_text()) | {"journal": None}
    (run / "run.json").write_text(json.dumps(summary))
    assert main(["archive", str(run), "--to", str(tmp_path / "archives")]) == 0
    (path,) = (tmp_path / "archives").iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert capsys.readouterr().out.count("has no journal") == 2
    assert answer(capsys, "restore", path, "--to", tmp_path / "again")[1]["journal"] is None


@pytest.mark.parametrize(
    "options",
    [
        ["--catalog", "catalog"],
        ["--dry-run"],
        ["--keep-months", "3"],
        ["--keep-days", "0"],
        ["--keep-days", "9", "--keep-months", "0"],
    ],
)
def test_a_policy_that_cannot_be_is_refused(run: Path, tmp_path: Path, options: list[str]) -> None:
    assert main(["archive", str(run), "--to", str(tmp_path / "archives"), *options]) == 2
    assert not (tmp_path / "archives").exists()


def test_what_was_archived_by_this_call_is_never_deleted(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archives = tmp_path / "archives"
    annotated = Path(shutil.copytree(run, tmp_path / "annotated"))
    annotate(annotated)
    other_limits = tmp_path / "other limits"
    write_run(other_limits, records=7)
    for folder in (annotated, run, other_limits):
        assert main(["archive", str(folder), "--to", str(archives)]) == 0
    for folder in (annotated, run, other_limits):
        code, done = answer(capsys, "archive", folder, "--to", archives, "--keep-days", 30)
        assert (code, done["let_go"], len(done["kept"])) == (0, [], 3)
        assert Path(done["archive"]["path"]).is_file()


def test_notes_are_archived_and_their_damage_is_said(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotate(run)
    archives = tmp_path / "archives"
    assert main(["archive", str(run), "--to", str(archives)]) == 0
    assert "Notes: 2 records, verified." in capsys.readouterr().out
    damage(run, chain="notes")
    assert answer(capsys, "archive", run, "--to", archives)[0] == 3
    code, done = answer(capsys, "archive", run, "--to", archives, "--even-damaged")
    assert (code, len(done["archive"]["manifest"]["notes"]["problems"])) == (0, 1)


def test_an_archive_under_another_s_name_is_not_restored(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archives = tmp_path / "archives"
    assert main(["archive", str(run), "--to", str(archives)]) == 0
    (path,) = archives.iterdir()
    renamed = path.rename(archives / "backup.tar.gz")
    assert main(["restore", str(renamed), "--to", str(tmp_path / "back")]) == 0
    assert "The archive was renamed" in capsys.readouterr().out
    other = renamed.rename(archives / f"{path.name.rpartition('-')[0]}-0123456789ab.harvester.tar.gz")
    code, refused = answer(capsys, "restore", other, "--to", tmp_path / "again")
    assert (code, "belongs into" in refused["error"]["message"]) == (2, True)
    assert not (tmp_path / "again").exists()


def test_a_backtest_s_data_is_left_to_its_catalog_and_that_is_said(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archives = tmp_path / "archives"
    assert main(["archive", str(recorded / "run"), "--to", str(archives)]) == 0
    assert "NOT in it: the market data." in capsys.readouterr().out
    (path,) = archives.iterdir()
    assert main(["restore", str(path), "--to", str(tmp_path / "back")]) == 0
    assert "Market data: not in the archive." in capsys.readouterr().out


def test_a_backtest_archived_with_its_data_replays_from_its_own_folder(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(recorded, tmp_path / "moved"))
    archives, back = tmp_path / "archives", tmp_path / "back"
    words = ("archive", folder / "run", "--to", archives, "--with-data", "--catalog", folder / "catalog")
    code, written = answer(capsys, *words)
    assert (code, written["archive"]["market_data"]) == (0, "included")
    assert answer(capsys, "restore", written["archive"]["path"], "--to", back)[0] == 0
    shutil.rmtree(folder)
    run = RecordedRun.open(back)
    assert (run.catalog, run.changed_files()) == (back, ())
    code, replayed = answer(capsys, "replay", back)
    assert (code, replayed["is_identical"]) == (0, True)
    code, again = answer(capsys, "archive", back, "--to", archives, "--with-data")
    assert (code, again["archive"]["is_new"]) == (0, False)


@pytest.mark.parametrize("symbols", [["BAC"], []])
@pytest.mark.parametrize("file", ["universes/x.toml", None])
def test_a_universe_file_is_not_market_data_and_a_replay_needs_it(
    tmp_path: Path, symbols: list[str], file: str | None
) -> None:
    profile = {"strategies": [{"symbols": symbols}], "universe": {"file": file}}
    write_run(tmp_path / "run", profile=profile)
    expected = None if symbols else file
    assert chooses_symbols_elsewhere(tmp_path / "run") == expected


def test_data_that_the_run_did_not_see_is_not_taken_along(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(recorded, tmp_path / "copied"))
    (path,) = (folder / "catalog" / "data" / "quote_tick").glob("*/*.parquet")
    edit_quotes(path, from_row=1_500, cents=25)
    words = ("archive", folder / "run", "--to", tmp_path / "archives", "--with-data")
    code, refused = answer(capsys, *words, "--catalog", folder / "catalog")
    assert (code, "is not what the run saw" in refused["error"]["message"]) == (2, True)
    shutil.rmtree(folder / "run" / "journal")
    code, refused = answer(capsys, *words)
    assert (code, "has no journal" in refused["error"]["message"]) == (2, True)
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
