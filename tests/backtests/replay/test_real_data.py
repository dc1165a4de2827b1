"""Recorded days of real markets: the journal verifies, fills trace to signals, replays are identical."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from audit.journal import read_entries, verify
from backtests.replay.replay import Replay, Request, replay
from backtests.run import run_backtest
from catalog.ingest_lean import ingest_lean
from catalog.ingest_lobster import ingest_lobster
from catalog.store import CatalogStore
from configs.profile import load_profile

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

PROFILES = Path(__file__).resolve().parents[3] / "configs" / "profiles"
APPLE = "nasdaq_depth_aapl_2012/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"


def _bank_of_america(data: Path, store: CatalogStore) -> None:
    day = date(2013, 10, 7)
    ingest_lean(data / "lean", store=store, symbols=["BAC"], start=day, end=day, resolutions=["tick"])


def _apple(data: Path, store: CatalogStore) -> None:
    ingest_lobster(data / APPLE, store=store)


DAYS: dict[str, Callable[[Path, CatalogStore], None]] = {
    "bac_ticks_2013": _bank_of_america,
    "aapl_depth_2012": _apple,
}


@pytest.fixture(scope="module", params=sorted(DAYS))
def run_dir(
    request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The run of a recorded day."""
    folder = tmp_path_factory.mktemp(request.param)
    DAYS[request.param](real_data, CatalogStore(folder / "catalog"))
    loaded = load_profile(PROFILES / f"{request.param}.toml", purpose="research")
    return run_backtest(loaded, catalog=folder / "catalog", output=folder / "run").directory


@pytest.fixture(scope="module")
def tightened(run_dir: Path) -> Replay:
    """The day under a limit of two losses in a row, in place of five."""
    return replay(Request(run_dir=run_dir, overrides=("risk.max_consecutive_losses=2",)))


def test_the_journal_verifies_and_every_fill_traces_to_its_signal(run_dir: Path) -> None:
    assert verify(run_dir / "journal").ok
    entries = list(read_entries(run_dir / "journal"))
    by_seq = {entry.seq: entry for entry in entries}
    fills = [entry for entry in entries if entry.kind == "fill"]
    assert fills
    for fill in fills:
        cause, steps = fill, 0
        while cause.caused_by is not None and steps < 10:
            cause, steps = by_seq[cause.caused_by], steps + 1
        assert cause.kind == "decision"
        assert cause.correlation_id == fill.correlation_id


def test_a_replay_is_identical(run_dir: Path, tightened: Replay) -> None:
    """Of the long day the base of the comparison is the replay; it takes eight seconds each time."""
    assert tightened.base_is_as_recorded
    assert tightened.unverified is None
    if "aapl" in str(run_dir):
        result = replay(Request(run_dir=run_dir))
        assert (result.difference, result.unverified) == (None, None)
        assert result.recorded_hash == result.replayed_hash == tightened.recorded_hash


def test_tighter_limits_show_the_right_difference(tightened: Replay) -> None:
    assert tightened.what_if is not None
    refused = tightened.what_if.refused["consecutive_losses"]
    assert refused.changed > refused.base
    total = tightened.what_if.done["total"]
    assert all(total[name].changed < total[name].base for name in ("fills", "shares", "round_trips"))
    net = tightened.what_if.earned["total"]["net_usd"]
    fees = tightened.what_if.earned["total"]["fees_usd"]
    assert net.changed != net.base
    assert fees.changed < fees.base
    assert tightened.difference is not None
    assert tightened.difference.verdict.cause == "limit"
    assert tightened.difference.parting.replayed.decision is not None
    assert "consecutive_losses" in str(tightened.difference.parting.replayed.decision.refused_by)
