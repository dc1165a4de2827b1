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


@pytest.mark.parametrize("name", sorted(DAYS))
def test_a_recorded_day_verifies_traces_and_replays(name: str, real_data: Path, tmp_path: Path) -> None:
    """One test a day, so that its long runs are made once: recorded, replayed, and replayed tighter."""
    DAYS[name](real_data, CatalogStore(tmp_path / "catalog"))
    loaded = load_profile(PROFILES / f"{name}.toml", purpose="research")
    run_dir = run_backtest(loaded, catalog=tmp_path / "catalog", output=tmp_path / "run").directory
    _assert_fills_trace(run_dir)
    tightened = replay(Request(run_dir=run_dir, overrides=("risk.max_consecutive_losses=2",)))
    assert tightened.unverified is None
    assert tightened.base_is_as_recorded  # the base of the comparison is the day replayed as recorded
    if name == "aapl_depth_2012":
        result = replay(Request(run_dir=run_dir))
        assert (result.difference, result.unverified) == (None, None)
        assert result.recorded_hash == result.replayed_hash == tightened.recorded_hash
    _assert_difference(tightened)


def _assert_fills_trace(run_dir: Path) -> None:
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


def _assert_difference(tightened: Replay) -> None:
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
