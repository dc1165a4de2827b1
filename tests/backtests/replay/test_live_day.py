"""A real TradingNode records a session; its replay takes the same decisions, and names what was changed."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from nautilus_trader.model.data import OrderBookDelta
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from audit.events import DataFileRecord, Entry
from audit.journal import read_entries, verify
from backtests.replay.live_day import replay_live_day
from backtests.replay.recorded_run import RecordedRun
from backtests.replay.replay import Replay, Request, replay
from catalog.storage.arrow_layout import file_name
from market.errors import DataError
from market.time import NS_PER_SECOND
from tests.backtests.replay.live_node import EAGER, Session, record_session
from tests.backtests.replay.tampering import edit_quotes, edit_record

QUOTES = 4_000
SESSIONS = {
    "marketable": ("strategies.harvester.parameters.time_stop_ms=600000",),
    "passive": ("strategies.harvester.parameters.entry_style=passive",),
    "depth": ("universe.book=L2", "strategies.harvester.parameters.time_stop_ms=600000"),
    "held": (),
    "restarted": (),
}
HELD = {"held": 7}
STARTS = {"restarted": 2}


class Sessions:
    """One recorded session of each sort, recorded when a test first asks for it."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._recorded: dict[str, Session] = {}

    def __getitem__(self, name: str) -> Session:
        if name not in self._recorded:
            self._recorded[name] = record_session(
                self._factory.mktemp(name),
                quotes=QUOTES,
                overrides=EAGER + SESSIONS[name],
                held=HELD.get(name, 0),
                starts=STARTS.get(name, 1),
            )
        return self._recorded[name]


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    """Recorded sessions by name."""
    return Sessions(tmp_path_factory)


@pytest.fixture
def copied(sessions: Sessions, tmp_path: Path) -> Path:
    """A copy of the marketable session's day, to be changed."""
    return Path(shutil.copytree(sessions["marketable"].run_dir, tmp_path / "day"))


def _counts(session: Session) -> Counter[str]:
    entries = list(read_entries(session.run_dir / "journal"))
    counts = Counter(entry.kind for entry in entries)
    counts.update(entry.body.event for entry in entries if entry.kind == "order_event")
    return counts


def test_the_sessions_hold_what_a_replay_must_survive(sessions: Sessions) -> None:
    marketable, passive = _counts(sessions["marketable"]), _counts(sessions["passive"])
    assert min(marketable[name] for name in ("fill", "rejected", "alert")) > 0
    assert min(passive[name] for name in ("updated", "canceled", "rejected")) > 0


def test_a_node_that_starts_again_takes_over_its_position_and_state(sessions: Sessions) -> None:
    entries = list(read_entries(sessions["held"].run_dir / "journal"))
    (found,) = [entry.body for entry in entries if entry.kind == "position" and entry.body.event == "found"]
    first = next(entry.body for entry in entries if entry.kind == "decision")
    assert (found.quantity, first.action) == (7, "exit")
    assert first.correlation_id.endswith("-42")


@pytest.mark.parametrize("name", SESSIONS)
def test_a_recorded_session_replays_to_identical_decisions(sessions: Sessions, name: str) -> None:
    run_dir = sessions[name].run_dir
    assert verify(run_dir / "journal").ok
    result = replay(Request(run_dir=run_dir))
    assert (result.mode, result.difference, result.left_over) == ("live", None, 0)
    assert result.recorded_hash == result.replayed_hash
    assert result.recorded_decisions > 15
    assert not RecordedRun.open(run_dir).changed_files()


def test_a_day_of_two_nodes_is_one_journal_and_one_recording(sessions: Sessions) -> None:
    run_dir = sessions["restarted"].run_dir
    entries = list(read_entries(run_dir / "journal"))
    opened = [entry.seq for entry in entries if entry.kind == "opened"]
    assert len(opened) == 2
    second = [entry for entry in entries if entry.kind == "decision" and entry.seq > opened[1]]
    assert second
    assert second[0].body.correlation_id.endswith("-1")  # it knows nothing of the first
    assert len(list((run_dir / "data" / "quote_tick").glob("*/*.parquet"))) == 2


def test_every_stamp_of_the_day_is_unique_although_the_feed_repeats_them(
    sessions: Sessions,
) -> None:
    stored = ParquetDataCatalog(str(sessions["depth"].run_dir))
    stamps = [each.ts_init for each in (*stored.quote_ticks(), *stored.query(OrderBookDelta))]
    assert len(set(stamps)) == len(stamps) >= 4 * QUOTES
    (quotes,) = [
        entry.body
        for entry in read_entries(sessions["depth"].run_dir / "journal", kinds=("data_file",))
        if entry.body.kind == "quote"
    ]
    assert isinstance(quotes, DataFileRecord)
    assert quotes.rows == len(stored.quote_ticks())


def test_every_fill_of_the_session_traces_to_the_decision_that_made_it(sessions: Sessions) -> None:
    entries = list(read_entries(sessions["marketable"].run_dir / "journal"))
    sent = {
        entry.correlation_id for entry in entries if entry.kind == "decision" and entry.body.outcome == "sent"
    }
    fills = [entry for entry in entries if entry.kind == "fill"]
    assert fills
    assert all(fill.correlation_id in sent for fill in fills)


def _replayed(run_dir: Path, **options: Any) -> Replay:
    return replay(Request(run_dir=run_dir, **options))


def test_an_edited_fill_is_named_as_the_cause(copied: Path) -> None:
    seq = edit_record(copied, "fill", lambda body: body.update(quantity=body["quantity"] - 3))
    result = _replayed(copied)
    assert result.difference is not None
    assert result.difference.verdict.cause == "event"
    assert f"record {seq}" in result.difference.verdict.why[0]
    assert result.unverified is not None
    recorded, replayed = result.difference.parting.recorded, result.difference.parting.replayed
    assert recorded.decision != replayed.decision
    assert recorded.position.shares > 0


def test_an_edited_parameter_is_named_as_the_cause(copied: Path) -> None:
    def change(body: dict[str, Any]) -> None:
        body["profile"]["strategies"][0]["parameters"]["imbalance_min"] = 0.5

    edit_record(copied, "opened", change)
    result = _replayed(copied)
    assert result.difference is not None
    assert result.difference.verdict.cause == "parameter"
    assert "does not have the hash" in result.difference.verdict.why[0]


def test_edited_market_data_is_refused_and_on_request_named_as_the_cause(copied: Path) -> None:
    (quotes,) = (copied / "data" / "quote_tick").glob("*/*.parquet")
    edit_quotes(quotes, from_row=2_000, cents=10)
    with pytest.raises(DataError, match=r"quote_tick.* is not what the run saw|has other content|bytes"):
        _replayed(copied)
    result = _replayed(copied, accepts_changed_data=True)
    assert result.difference is not None
    assert result.difference.verdict.cause == "data"
    assert quotes.name in result.difference.verdict.why[0]


def test_missing_market_data_is_named(copied: Path) -> None:
    (quotes,) = (copied / "data" / "quote_tick").glob("*/*.parquet")
    (copied / "data" / "moved").mkdir()
    quotes.rename(copied / "data" / "moved" / quotes.name)
    with pytest.raises(DataError, match="is missing"):
        _replayed(copied, catalog=copied)


def test_a_killed_node_is_told_by_where_its_data_ends(copied: Path) -> None:
    """The journal is durable at once, market data by the second: the last of it can be missing."""
    (quotes,) = (copied / "data" / "quote_tick").glob("*/*.parquet")
    with pq.ParquetFile(quotes) as file:
        table = file.read()
    kept = table.slice(0, table.num_rows // 2)
    first_ns, last_ns = (kept["ts_init"][index].as_py() for index in (0, -1))
    pq.write_table(kept, quotes.with_name(file_name(first_ns, last_ns)))
    quotes.unlink()
    result = _replayed(copied, accepts_changed_data=True)
    assert result.difference is not None
    assert result.difference.verdict.cause == "data"
    assert "the recorded market data ends at" in result.difference.verdict.why[0]
    assert result.left_over > 0


def test_other_thresholds_than_those_recorded_show_in_the_first_difference(
    sessions: Sessions,
) -> None:
    run = RecordedRun.open(sessions["marketable"].run_dir)
    changed = run.loaded(overrides=("strategies.harvester.parameters.imbalance_min=0.32",))
    day = replay_live_day(run, changed)
    decisions = day.decisions
    assert decisions != [entry.body for entry in run.decisions]
    assert 0.32 in decisions[0].thresholds.values()


def test_decisions_hang_on_the_place_of_each_event(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If they did not, a replay that injects events anywhere would pass for identical."""
    run = RecordedRun.open(sessions["passive"].run_dir)
    recorded = [entry.body for entry in run.decisions]
    read = RecordedRun.entries

    def later(self: RecordedRun, *kinds: str) -> Iterator[Entry]:
        for entry in read(self, *kinds):
            late_ns = None if entry.market_ns is None else entry.market_ns + NS_PER_SECOND
            yield msgspec.structs.replace(entry, market_ns=late_ns)

    assert replay_live_day(run, run.loaded()).decisions == recorded
    monkeypatch.setattr(RecordedRun, "entries", later)
    assert replay_live_day(run, run.loaded()).decisions != recorded


def test_an_event_that_the_broker_told_twice_is_passed_over_as_it_was_then(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IB's adapter accepts an order again when it was changed; the engine passes that on all the same."""
    run = RecordedRun.open(sessions["passive"].run_dir)
    recorded, read = [entry.body for entry in run.decisions], RecordedRun.entries

    def twice(self: RecordedRun, *kinds: str) -> Iterator[Entry]:
        for entry in read(self, *kinds):
            is_accepted = entry.kind == "order_event" and entry.body.event == "accepted"
            yield from [entry] * (2 if is_accepted else 1)

    monkeypatch.setattr(RecordedRun, "entries", twice)
    assert replay_live_day(run, run.loaded()).decisions == recorded


def test_a_live_day_can_be_asked_what_if(sessions: Sessions) -> None:
    result = _replayed(sessions["marketable"].run_dir, overrides=("risk.max_consecutive_losses=1",))
    assert result.mode == "what_if"
    assert result.what_if is not None
    assert result.what_if.refused["consecutive_losses"].changed > 0
    assert result.difference is not None
    assert result.difference.verdict.cause == "limit"
    assert "risk.max_consecutive_losses" in result.difference.verdict.why[0]
