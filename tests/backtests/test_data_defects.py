"""A backtest's journal names what is wrong with the data that it replays, at its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from audit.day_report import JournalReport, journal_report
from audit.events import DataQualityRecord, Entry
from audit.journal import read_entries
from backtests.data_defects import CHECKS, data_checks, data_defects
from backtests.defect_watches import DataDefect
from backtests.period import Book, Selection, select
from backtests.run import run_backtest
from catalog.columns import Aggressor
from catalog.reading import blocks
from market.calendar import TradingCalendar
from market.errors import DataError
from market.instruments import instrument_id
from market.time import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND, new_york_ns
from tests.backtests.markets import DAY, Quote, Trade, write_market
from tests.backtests.replays import profile

SYMBOL = "ZVZZT"
OPEN_NS = new_york_ns(DAY, time(9, 30))
MINUTE_MS = 60_000
DAY_MINUTES = 390


def _session(*, without: range = range(0), every_seconds: int = 10) -> list[Quote]:
    """Return a session of sound quotes, from 09:30 on; `without` is in minutes after the open."""
    moments = range(0, DAY_MINUTES * MINUTE_MS, every_seconds * 1_000)
    return [(at, 9.00, 9.01, 500, 500) for at in moments if at // MINUTE_MS not in without]


def _catalog(root: Path, quotes: list[Quote], *, trades: list[Trade] | None = None) -> Path:
    return write_market(root / "catalog", quotes=quotes, trades=trades or [], start_ns=OPEN_NS)


def _selection(catalog: Path, *, book: Book = "L1", symbols: tuple[str, ...] = (SYMBOL,)) -> Selection:
    return select(catalog, [instrument_id(symbol) for symbol in symbols], book=book, queue_position=False)


def _found(root: Path, quotes: list[Quote]) -> list[DataDefect]:
    return data_defects(_selection(_catalog(root, quotes)))


def _only(found: list[DataDefect]) -> DataDefect:
    (defect,) = found
    return defect


def test_sound_data_has_none(tmp_path: Path) -> None:
    assert _found(tmp_path, _session()) == []


def test_a_hole_in_a_session_is_a_gap_at_its_beginning(tmp_path: Path) -> None:
    defect = _only(_found(tmp_path, _session(without=range(100, 190))))
    record = defect.record
    assert (record.check, record.instrument_id) == ("gap", f"{SYMBOL}.SMART")
    assert (record.value, record.limit) == (
        "90 min 9 s without a record", "300 s, more in a quiet stream",
    )  # fmt: skip
    assert record.why.startswith("quote_tick stream at 2013-10-07 11:09:50.000 EDT: ")
    assert 0 <= defect.ts_ns - (OPEN_NS + 100 * NS_PER_MINUTE - 10 * NS_PER_SECOND) < NS_PER_MS


def test_an_early_close_and_records_outside_the_session_are_none(tmp_path: Path) -> None:
    """The day after Thanksgiving ends at 13:00; these quotes go on to 13:20."""
    short = new_york_ns(date(2013, 11, 29), time(9, 30))
    quotes = [each for each in _session() if each[0] < 230 * MINUTE_MS]
    catalog = write_market(tmp_path / "catalog", quotes=quotes, start_ns=short)
    assert data_defects(_selection(catalog)) == []


def test_every_hole_is_one_and_they_are_in_order_of_time(tmp_path: Path) -> None:
    quotes = [each for each in _session() if each[0] // MINUTE_MS not in (*range(50, 60), *range(200, 220))]
    quotes[5] = (quotes[5][0], 9.01, 9.01, 500, 500)
    found = _found(tmp_path, quotes)
    assert [each.record.check for each in found] == ["locked", "gap", "gap"]
    assert found == sorted(found, key=lambda each: each.ts_ns)


def test_a_session_that_begins_late_or_ends_early_is_partial(tmp_path: Path) -> None:
    late, early = _found(tmp_path, [each for each in _session() if 60 <= each[0] // MINUTE_MS < 300])
    assert {late.record.check, early.record.check} == {"partial_session"}
    assert late.record.value == "first record 60 min 0 s after the open"
    assert early.record.value == "last record 90 min 9 s before the close"


@pytest.mark.parametrize(
    ("check", "bad"),
    [("locked", (9.01, 9.01, 500)), ("crossed", (9.02, 9.01, 500)), ("one_sided", (9.00, 9.01, 0))],
)
def test_a_run_of_bad_quotes_is_one_finding_with_its_count(
    tmp_path: Path, check: str, bad: tuple[float, float, int]
) -> None:
    quotes = _session()
    bid, ask, size = bad
    for row in (*range(70, 90), 400):
        quotes[row] = (quotes[row][0], bid, ask, size, 500)
    defect = _only(_found(tmp_path, quotes))
    assert (defect.record.check, defect.record.value) == (check, "21 of 2340 quotes")
    assert defect.record.why == (
        f"from 2013-10-07 09:41:40.000 EDT to 2013-10-07 10:36:40.000 EDT: bid {bid:g}, ask {ask:g} at first"
    )
    assert 0 <= defect.ts_ns - (OPEN_NS + 700 * NS_PER_SECOND) < NS_PER_MS


def test_days_are_counted_apart_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 700)
    quotes = _session()
    quotes[3] = (quotes[3][0], 9.01, 9.01, 500, 500)
    quotes[1_400] = (quotes[1_400][0], 9.01, 9.01, 500, 500)
    catalog = _catalog(tmp_path, quotes)
    following = new_york_ns(date(2013, 10, 8), time(9, 30))
    write_market(catalog, quotes=quotes, start_ns=following)
    found = data_defects(_selection(catalog))
    assert [each.record.value for each in found] == ["2 of 2340 quotes"] * 2
    assert [each.ts_ns >= following for each in found] == [False, True]


def test_a_session_that_is_missing_between_days_is_named(tmp_path: Path) -> None:
    """The file goes over the night, so that the days look whole from outside."""
    two_days = 2 * 24 * 60 * MINUTE_MS
    quotes = _session()
    later: list[Quote] = [(at + two_days, bid, ask, size, size) for at, bid, ask, size, _ in quotes]
    defect = _only(_found(tmp_path, quotes + later))
    assert (defect.record.check, defect.record.value, defect.record.limit) == (
        "missing_session", "2013-10-08", "a record",
    )  # fmt: skip


def test_event_times_that_go_back_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    selection = _selection(_catalog(tmp_path, _session()))
    read = blocks._rows_of_batch

    def late(*args: object, **kwargs: object) -> object:
        rows = read(*args, **kwargs)  # type: ignore[arg-type]
        for row in (10, 20):
            rows.columns["ts_event"][row] -= 11 * NS_PER_SECOND
        return rows

    monkeypatch.setattr(blocks, "_rows_of_batch", late)
    defect = _only([each for each in data_defects(selection) if each.record.check == "out_of_order"])
    assert defect.record.value.startswith("2 of 2340 records, up to 10000")
    assert defect.record.limit == "0 ns"


def test_trades_have_gaps_too(tmp_path: Path) -> None:
    trades: list[Trade] = [(at, 9.00, 100, Aggressor.BUYER) for at, *_ in _session(without=range(30, 60))]
    defect = _only(data_defects(_selection(_catalog(tmp_path, _session(), trades=trades))))
    assert defect.record.check == "gap"
    assert defect.record.why.startswith("trade_tick stream")


def test_a_file_that_is_damaged_inside_is_named(tmp_path: Path) -> None:
    selection = _selection(_catalog(tmp_path, _session()))
    path = selection.catalog / selection.files[0].path
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=f"{path.name} cannot be read"):
        data_defects(selection)


# -- In the journal of a run ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """The journal of a run over a day with a hole of 90 minutes and a moment of locked quotes."""
    root = tmp_path_factory.mktemp("holes")
    quotes = _session(without=range(100, 190))
    quotes[1_000] = (quotes[1_000][0], 9.01, 9.01, 500, 500)
    result = run_backtest(profile(root), catalog=_catalog(root, quotes), output=root / "run")
    return list(read_entries(result.directory / "journal"))


def _report(entries: list[Entry]) -> JournalReport:
    return journal_report(entries, session_on=TradingCalendar(DAY, DAY).session_on)


def test_the_journal_says_what_was_looked_for_and_what_was_found(entries: list[Entry]) -> None:
    assert entries[0].body.data_checks == CHECKS
    found = [entry for entry in entries if isinstance(entry.body, DataQualityRecord)]
    assert [entry.body.check for entry in found] == ["gap", "locked"]


def test_findings_stand_in_the_journal_in_order_of_time(entries: list[Entry]) -> None:
    times = [entry.ts_ns for entry in entries]
    assert times == sorted(times)
    places = [number for number, entry in enumerate(entries) if entry.kind == "data_quality"]
    assert all(0 < place < len(entries) - 2 for place in places)


def test_the_day_counts_its_gaps(entries: list[Entry]) -> None:
    (day,) = _report(entries).days
    assert (day.data_gaps, day.data_quality) == (1, {"gap": 1, "locked": 1})


def test_bars_are_not_looked_at(tmp_path: Path) -> None:
    selection = replace(_selection(_catalog(tmp_path, _session())), book="bars")
    assert (data_checks(selection), data_defects(selection)) == ((), [])
