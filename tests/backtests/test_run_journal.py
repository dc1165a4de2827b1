"""Every run writes a journal, which agrees with the run, and changes nothing of it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from audit.journal import FOR_BACKTESTS, Journal, JournalError, read_entries
from audit.journal.disk import Disk
from audit.projection import Projection
from backtests.run import RunResult, run_backtest
from backtests.run_directory import RUN_FILE
from cli.__main__ import main
from configs.profile import LoadedProfile
from tests.backtests import journal_checks
from tests.backtests.markets import steady_quotes, write_market
from tests.backtests.replays import profile

SYMBOLS = ("ZVZZT", "ZWZZT")
EAGER = (
    "strategies.harvester.parameters.imbalance_min=0.1",
    "strategies.harvester.parameters.order_flow_ratio_min=0",
    "strategies.harvester.parameters.momentum_bps_min=0",
    "strategies.harvester.parameters.spread_bps_max=19",
    "backtest.latency_ms=20",
    "universe.book=L2",
)
HALTING = ("risk.max_daily_loss_usd=3", "risk.max_daily_drawdown_usd=3", "risk.max_loss_usd_per_trade=3")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedProfile:
    return profile(tmp_path_factory.mktemp("profile"), *EAGER, symbols=SYMBOLS)


@pytest.fixture(scope="module")
def result(loaded: LoadedProfile, small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run_backtest(loaded, catalog=small_market, output=tmp_path_factory.mktemp("runs") / "run")


def _assert_agrees(result: RunResult) -> Projection:
    entries = journal_checks.assert_verifies(result.directory, result.summary)
    journal_checks.assert_every_fill_leads_to_its_signal(entries)
    projection = journal_checks.assert_projects_to_the_run(entries, result.directory, result.summary)
    assert len(projection.orders) == result.summary.counts.orders > 5
    return projection


def test_the_journal_verifies_leads_every_fill_to_its_signal_and_projects_to_the_run(
    result: RunResult,
) -> None:
    _assert_agrees(result)


def test_so_does_that_of_a_run_that_halts(small_market: Path, tmp_path: Path) -> None:
    halting = profile(tmp_path, *EAGER, *HALTING, symbols=SYMBOLS)
    projection = _assert_agrees(run_backtest(halting, catalog=small_market, output=tmp_path / "run"))
    assert projection.breaker is not None
    assert projection.breaker.state == "HALT"


def test_the_first_record_is_the_whole_configuration(result: RunResult, loaded: LoadedProfile) -> None:
    first = next(read_entries(result.directory / "journal"))
    summary = result.summary
    assert (first.kind, first.body.profile_hash) == ("opened", summary.profile_hash)
    assert (first.body.profile, first.body.versions) == (
        json.loads(json.dumps(loaded.masked(), default=str)), summary.versions,
    )  # fmt: skip
    assert (first.body.run, first.body.instruments) == ("run", summary.instruments)


def test_the_result_is_the_same_with_and_without_a_journal(
    result: RunResult, loaded: LoadedProfile, small_market: Path, tmp_path: Path
) -> None:
    without = run_backtest(loaded, catalog=small_market, output=tmp_path / "run", journal=False)
    assert without.summary.result_hash == result.summary.result_hash
    assert without.summary.journal is None
    assert not (without.directory / "journal").exists()


def test_the_same_run_writes_the_same_journal(
    result: RunResult, loaded: LoadedProfile, small_market: Path, tmp_path: Path
) -> None:
    again = run_backtest(loaded, catalog=small_market, output=tmp_path / "run")
    assert again.summary.journal == result.summary.journal


def test_an_output_with_a_journal_can_be_written_again(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "catalog", quotes=steady_quotes(seconds=5))
    loaded = profile(tmp_path)
    first = run_backtest(loaded, catalog=catalog, output=tmp_path / "run")
    second = run_backtest(loaded, catalog=catalog, output=tmp_path / "run")
    assert second.summary.journal == first.summary.journal
    bare = run_backtest(loaded, catalog=catalog, output=tmp_path / "run", journal=False)
    assert not (bare.directory / "journal").exists()


class _FullDisk(Disk):
    """Takes the first bytes of the journal and then no more."""

    def __init__(self, room: int) -> None:
        self._room = room

    def write(self, descriptor: int, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(28, "No space left on device")
        super().write(descriptor, data)


@pytest.mark.parametrize("room", [0, 40_000])
def test_a_disk_that_is_full_ends_the_run_with_the_reason_and_leaves_nothing(
    room: int, loaded: LoadedProfile, small_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Journal.open
    monkeypatch.setattr(
        "backtests.run_journal.Journal.open",
        lambda folder, settings: opened(folder, settings=settings, disk=_FullDisk(room)),
    )
    threads = threading.active_count()
    with pytest.raises(JournalError, match="No space left on device") as told:
        run_backtest(loaded, catalog=small_market, output=tmp_path / "run")
    assert "are safe" not in str(told.value)
    assert "The run has ended and nothing of it is kept. Make room" in str(told.value)
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads
    assert FOR_BACKTESTS.when_full == "wait"


def test_a_disk_that_is_full_leaves_the_former_run_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = write_market(tmp_path / "catalog", quotes=steady_quotes(seconds=5))
    loaded = profile(tmp_path)
    first = run_backtest(loaded, catalog=catalog, output=tmp_path / "run")
    opened = Journal.open
    monkeypatch.setattr(
        "backtests.run_journal.Journal.open",
        lambda folder, settings: opened(folder, settings=settings, disk=_FullDisk(0)),
    )
    with pytest.raises(JournalError, match=r"the run that was in .*run is as it was\. Make room"):
        run_backtest(loaded, catalog=catalog, output=tmp_path / "run")
    journal_checks.assert_verifies(first.directory, first.summary)


def test_the_command_leaves_the_journal_out_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = write_market(tmp_path / "catalog", quotes=steady_quotes(seconds=5))
    profile(tmp_path)
    words = ["backtest", str(tmp_path / "test.toml"), "--catalog", str(catalog), "--json", "--output"]
    assert main([*words, str(tmp_path / "with")]) == 0
    assert main([*words, str(tmp_path / "without"), "--no-journal"]) == 0
    capsys.readouterr()
    written = [json.loads((tmp_path / name / RUN_FILE).read_text()) for name in ("with", "without")]
    assert written[0]["journal"]["records"] > 0
    assert written[1]["journal"] is None
    assert written[0]["result_hash"] == written[1]["result_hash"]
    assert (tmp_path / "with" / "journal").is_dir()
    assert not (tmp_path / "without" / "journal").exists()
