"""Every check finds what it is for, where it was planted, and says nothing of clean data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catalog.reading.blocks
from catalog.columns import DeltaAction, DeltaFlag, DeltaSide
from catalog.manifest import Halt
from catalog.quality import QualityReport, QualityThresholds, Severity, check_catalog
from catalog.quality_checks.option_registry import OPTION_CHECKS, SERIES_CHECKS
from catalog.quality_checks.registry import CHECKS
from catalog.store import CatalogStore
from catalog.synthetic_market import write_synthetic_market
from market.errors import ConfigError, NotFoundError
from market.time import NS_PER_MINUTE, NS_PER_SECOND
from tests.catalog.quality_checks.quality_builders import (
    CENT,
    DAILY_BARS,
    DAY,
    INSTRUMENT,
    Planted,
    Stream,
    at_new_york,
    clean_bars,
    clean_deltas,
    clean_quotes,
    clean_trades,
    session_times,
    write_stream,
)
from tests.catalog.synthetic.builders import small_spec

ROW = 1_200  # in the middle of a day of 2,340 quotes or trades
FRIDAY, SATURDAY, TUESDAY = date(2025, 2, 28), date(2025, 3, 1), date(2025, 3, 4)
CHRISTMAS_EVE = date(2024, 12, 24)

Plant = Callable[[], tuple[Planted, int]]
"""Returns a catalog with a defect, and how often a check must count it."""


def _one(stream: Stream, count: int = 1) -> tuple[Planted, int]:
    return Planted(streams=[stream]), count


def _plant_out_of_order() -> tuple[Planted, int]:
    quotes = clean_quotes()
    ts_init = quotes.ts_event + 20 * NS_PER_SECOND
    ts_init[[ROW, ROW + 1]] = ts_init[[ROW + 1, ROW]]
    return _one(replace(quotes, ts_init=ts_init))


def _plant_event_after_init() -> tuple[Planted, int]:
    quotes = clean_quotes()
    ts_init = quotes.ts_event + 1_000
    ts_init[ROW] -= 2_000
    return _one(replace(quotes, ts_init=ts_init))


def _plant_late_event() -> tuple[Planted, int]:
    quotes = clean_quotes()
    late = quotes.ts_event.copy()
    late[ROW] -= 11 * NS_PER_SECOND
    return _one(replace(quotes, ts_event=late, ts_init=quotes.ts_event + 1_000))


def _plant_shared_init() -> tuple[Planted, int]:
    quotes = clean_quotes()
    ts_init = quotes.ts_event + 20 * NS_PER_SECOND
    ts_init[ROW] = ts_init[ROW - 1]
    return _one(replace(quotes, ts_init=ts_init))


def _plant_repeated_trades() -> tuple[Planted, int]:
    trades = clean_trades()
    ids = trades.values["trade_id"].copy()
    ids[[ROW, ROW + 30]] = [ROW - 1, ROW - 1]  # one next to the original, one further away
    return _one(trades.changed(slice(None), trade_id=ids), 2)


def _plant_repeated_quote() -> tuple[Planted, int]:
    quotes = clean_quotes()
    rows = np.sort(np.concatenate([np.arange(len(quotes.ts_event)), [ROW, ROW]]))
    return _one(quotes.rows(rows), 2)


def _plant_damaged_file() -> tuple[Planted, int]:
    class Damaged(Planted):
        def write(self, root: Path) -> Path:
            super().write(root)
            path = next((root / "data/quote_tick").rglob("*.parquet"))
            path.write_bytes(path.read_bytes()[:-20])
            return root

    return Damaged(streams=[clean_quotes()]), 1


def _plant_overlap() -> tuple[Planted, int]:
    quotes = clean_quotes()
    return Planted(streams=[quotes.rows(np.arange(0, 1_300)), quotes.rows(np.arange(1_200, 2_340))]), 1


def _plant_unchecked() -> tuple[Planted, int]:
    class WithOtherType(Planted):
        def write(self, root: Path) -> Path:
            super().write(root)
            folder = root / "data/mark_price_update" / INSTRUMENT
            folder.mkdir(parents=True)
            source = next((root / "data/quote_tick").rglob("*.parquet"))
            (folder / source.name).write_bytes(source.read_bytes())
            return root

    quotes = clean_quotes()
    return WithOtherType(streams=[quotes]), len(quotes.ts_event)


def _plant_stale() -> tuple[Planted, int]:
    frozen = slice(ROW, ROW + 40)  # 40 records, 390 s
    return _one(clean_quotes().changed(frozen, bid_size=700, ask_size=700))


def _plant_gap() -> tuple[Planted, int]:
    return _one(clean_quotes().rows(np.r_[0:ROW, ROW + 40 : 2_340]))


def _plant_missing_session() -> tuple[Planted, int]:
    times = np.concatenate([session_times(FRIDAY), session_times(TUESDAY)])
    return _one(clean_trades(times))  # Monday is missing, the weekend is not


def _plant_early_close(until: time, count: int) -> tuple[Planted, int]:
    return _one(clean_quotes(session_times(CHRISTMAS_EVE, until=until)), count)


def _plant_outside_session() -> tuple[Planted, int]:
    first, last = at_new_york(DAY, time(9, 29)), at_new_york(DAY, time(16, 1))
    return _one(clean_quotes(np.arange(first, last, 10 * NS_PER_SECOND)), 12)


def _plant_halt() -> tuple[Planted, int]:
    quotes = clean_quotes()
    start = int(quotes.ts_event[ROW])
    return Planted(streams=[quotes], halts=[Halt(INSTRUMENT, start, start + NS_PER_MINUTE, "news")]), 6


def _plant_overnight_jump() -> tuple[Planted, int]:
    trades = clean_trades(np.concatenate([session_times(DAY), session_times(TUESDAY)]))
    prices = trades.values["price"].copy()
    prices[2_340:] //= 2
    return _one(trades.changed(slice(None), price=prices))


def _plant_crossed_book() -> tuple[Planted, int]:
    deltas = clean_deltas().changed(100, action=DeltaAction.ADD, side=DeltaSide.BUY, price=503 * CENT)
    crossed = deltas.changed(103, action=DeltaAction.DELETE, side=DeltaSide.BUY, price=503 * CENT, size=0)
    return _one(crossed, 3)


def _plant_few_levels(levels: int, *, count: int) -> tuple[Planted, int]:
    """Delete all but `levels` of six offers, one by one from row 200, and add them again from row 300."""
    deltas = clean_deltas()
    gone = np.arange(5, levels - 1, -1)
    first, back = np.arange(200, 200 + len(gone)), np.arange(300, 300 + len(gone))
    prices = (501 + gone) * CENT
    deltas = deltas.changed(first, action=DeltaAction.DELETE, side=DeltaSide.SELL, price=prices, size=0)
    deltas = deltas.changed(slice(200 + len(gone), 300), side=DeltaSide.BUY, price=500 * CENT)
    deltas = deltas.changed(back, action=DeltaAction.ADD, side=DeltaSide.SELL, price=prices[::-1], size=400)
    return _one(deltas, count)


def _plant_no_snapshot() -> tuple[Planted, int]:
    return _one(clean_deltas().rows(np.arange(13, 2_352)))


PLANTS: dict[str, Plant] = {
    "unreadable_file": _plant_damaged_file,
    "overlapping_files": _plant_overlap,
    "missing_instrument": lambda: (Planted(streams=[clean_quotes()], with_instrument=False), 1),
    "precision_mismatch": lambda: _one(replace(clean_quotes(), price_precision=2)),
    "unchecked_type": _plant_unchecked,
    "out_of_order": _plant_out_of_order,
    "event_after_init": _plant_event_after_init,
    "event_time_backwards": _plant_late_event,
    "shared_ts_init": _plant_shared_init,
    "duplicate_record": _plant_repeated_trades,
    "repeated_quote": _plant_repeated_quote,
    "crossed_quote": lambda: _one(clean_quotes().changed([5, ROW], bid_price=502 * CENT), 2),
    "locked_quote": lambda: _one(clean_quotes().changed(ROW, bid_price=501 * CENT)),
    "one_sided_quote": lambda: _one(clean_quotes().changed(ROW, ask_price=0, ask_size=0)),
    "stub_quote": lambda: _one(clean_quotes().changed(ROW, bid_price=CENT, ask_price=199_999 * CENT)),
    "off_tick_quote": lambda: _one(clean_quotes().changed(ROW, bid_price=500 * CENT - 37)),
    "outlier_quote": lambda: _one(clean_quotes().changed(ROW, bid_price=600 * CENT, ask_price=601 * CENT)),
    "not_a_price": lambda: _one(clean_trades().changed([3, ROW], price=[0, -5 * CENT]), 2),
    "not_a_size": lambda: _one(clean_trades().changed(ROW, size=0)),
    "outlier_trade": lambda: _one(clean_trades().changed([ROW, ROW + 1], price=5_000 * CENT), 2),
    "impossible_bar": lambda: _one(clean_bars().changed([7, 201], high=[499 * CENT, 500 * CENT]), 2),
    "outlier_bar": lambda: _one(clean_bars().changed(0, open=3_500 * CENT, high=3_500 * CENT)),
    "overnight_jump": _plant_overnight_jump,
    "gap": _plant_gap,
    "stale": _plant_stale,
    "partial_session": lambda: _one(clean_quotes().rows(np.arange(100, 2_240)), 2),
    "missing_session": _plant_missing_session,
    "closed_day": lambda: _one(clean_trades(session_times(SATURDAY)), 2_340),
    "early_close": lambda: _plant_early_close(time(13), 1),
    "after_early_close": lambda: _plant_early_close(time(13, 10), 60),
    "outside_session": _plant_outside_session,
    "records_in_halt": _plant_halt,
    "crossed_book": _plant_crossed_book,
    "empty_book": lambda: _plant_few_levels(0, count=95),  # after rows 205 to 299
    "missing_levels": lambda: _plant_few_levels(2, count=97),  # after rows 203 to 299
    "unknown_level": lambda: _one(clean_deltas().changed(100, price=300 * CENT)),
    "no_snapshot": _plant_no_snapshot,
}  # fmt: skip

EXPECTED_BESIDE: dict[str, set[str]] = {
    "overlapping_files": {"out_of_order", "event_time_backwards"},
    "after_early_close": {"early_close"},
    "empty_book": {"missing_levels"},  # on the way to empty
}
"""Findings that a planted defect brings along, beside its own."""


def _report(planted: Planted, root: Path) -> QualityReport:
    return check_catalog(planted.write(root))


def _counts(report: QualityReport) -> dict[str, int]:
    return {finding.check: finding.count for finding in report.findings}


def test_every_check_has_a_planted_defect() -> None:
    elsewhere = {check.name for check in (*OPTION_CHECKS, *SERIES_CHECKS)}  # test_option_quality.py
    assert set(PLANTS) == set(CHECKS) - elsewhere


@pytest.mark.parametrize("check", PLANTS)
def test_finds_what_was_planted_and_nothing_else(check: str, tmp_path: Path) -> None:
    planted, count = PLANTS[check]()
    report = _report(planted, tmp_path / "catalog")
    assert _counts(report)[check] == count
    assert set(_counts(report)) - {check} == EXPECTED_BESIDE.get(check, set())
    finding = next(finding for finding in report.findings if finding.check == check)
    assert finding.instrument_id == INSTRUMENT
    assert finding.severity is CHECKS[check].severity
    assert 1 <= len(finding.examples) <= 5


@pytest.mark.parametrize("check", PLANTS)
def test_the_size_of_blocks_changes_no_finding(
    check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, _ = PLANTS[check]()
    root = planted.write(tmp_path / "catalog")
    whole = check_catalog(root)
    for rows in (1_200, 97, 41):
        monkeypatch.setattr(catalog.reading.blocks, "BLOCK_ROWS", rows)
        assert check_catalog(root) == whole


def test_clean_streams_of_every_kind_have_no_findings(tmp_path: Path) -> None:
    streams = [clean_quotes(), clean_trades(), clean_bars(), clean_deltas()]
    report = _report(Planted(streams=streams), tmp_path / "catalog")
    assert report.findings == ()
    assert [stream.records for stream in report.streams] == [390, 2_352, 2_340, 2_340]
    assert report.records == 390 + 2_352 + 2_340 + 2_340


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    halt_probability=st.sampled_from([0.0, 1.0]),
    jumps_per_day=st.floats(0, 5),
    depth_levels=st.integers(0, 8),
)
def test_synthetic_markets_raise_no_false_alarm(
    seed: int, halt_probability: float, jumps_per_day: float, depth_levels: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    root = tmp_path_factory.mktemp("synthetic")
    spec = small_spec(
        seed=seed, halt_probability=halt_probability, jumps_per_day=jumps_per_day, depth_levels=depth_levels,
        halt_minutes=15, end=TUESDAY,
    )  # fmt: skip
    result = write_synthetic_market(spec, store=CatalogStore(root))
    report = check_catalog(root)
    assert report.findings == (), f"seed {seed}"
    assert report.records == result.rows


def test_without_its_record_a_halt_is_a_gap(tmp_path: Path) -> None:
    spec = small_spec(halt_probability=1.0, halt_minutes=30)
    write_synthetic_market(spec, store=CatalogStore(tmp_path))
    assert check_catalog(tmp_path).findings == ()
    (tmp_path / "halts.json").unlink()
    assert {finding.check for finding in check_catalog(tmp_path).findings} == {"gap"}


def test_symbols_and_dates_choose_what_is_checked(tmp_path: Path) -> None:
    times = np.concatenate([session_times(DAY), session_times(TUESDAY)])
    root = Planted(streams=[clean_quotes(times).changed(2_400, bid_price=502 * CENT)]).write(
        tmp_path / "catalog"
    )
    other = clean_quotes(session_times(DAY))
    write_stream(
        root,
        Stream(kind=other.kind, ts_event=other.ts_event, values=other.values, instrument_id="ZWZZT.SMART"),
    )
    monday = check_catalog(root, symbols=["zvzzt"], end=DAY)
    assert (monday.records, monday.findings) == (2_340, ())
    tuesday = check_catalog(root, symbols=[INSTRUMENT], start=TUESDAY, end=TUESDAY)
    assert (tuesday.records, _counts(tuesday)) == (2_340, {"crossed_quote": 1})
    assert {stream.instrument_id for stream in check_catalog(root).streams} == {INSTRUMENT, "ZWZZT.SMART"}
    with pytest.raises(NotFoundError, match=r"no data of NONE. It has ZVZZT, ZWZZT"):
        check_catalog(root, symbols=["NONE"])


def test_a_folder_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No catalog"):
        check_catalog(tmp_path)


@pytest.mark.parametrize(
    ("silence_s", "is_found"), [(300, False), (301, True)], ids=["at the limit", "one second beyond"]
)
def test_a_gap_begins_beyond_its_threshold(silence_s: int, is_found: bool, tmp_path: Path) -> None:
    times = session_times(seconds=1)
    keep = (times <= times[5_000]) | (times >= times[5_000] + silence_s * NS_PER_SECOND)
    report = _report(Planted(streams=[clean_quotes(times[keep])]), tmp_path / "catalog")
    assert (report.findings != ()) is is_found


def test_a_gap_between_bars_is_timed_by_the_close_of_the_bar_before(tmp_path: Path) -> None:
    bars = clean_bars()
    report = _report(Planted(streams=[bars.rows(np.r_[5:100, 120:390])]), tmp_path / "catalog")
    examples = {finding.check: finding.examples[0] for finding in report.findings}
    assert examples["gap"] == "2025-03-03 11:10:00.000 EST: 20 min 0 s without a record from here"
    late = _report(Planted(streams=[bars.rows(np.arange(10, 380))]), tmp_path / "late").findings[0]
    assert late.examples == (
        "2025-03-03 09:41:00.000 EST: first record 10 min 0 s after the open",
        "2025-03-03 15:50:00.000 EST: last record 10 min 0 s before the close",
    )


def test_a_book_that_grows_from_its_snapshot_never_had_too_few_levels(tmp_path: Path) -> None:
    start = clean_deltas(levels=4, updates=40)
    grown = np.arange(13, 40)  # behind the clear and the snapshot of eight levels
    prices = np.where(grown % 2, 400 - grown, 600 + grown) * CENT
    sides = np.where(grown % 2, DeltaSide.BUY, DeltaSide.SELL)
    growing = start.changed(grown, action=DeltaAction.ADD, side=sides, price=prices)
    report = _report(Planted(streams=[growing]), tmp_path / "catalog")
    assert "missing_levels" not in _counts(report)


def test_few_levels_are_compared_with_those_of_the_same_day(tmp_path: Path) -> None:
    few, many = clean_deltas(levels=3), clean_deltas(levels=12)
    tuesday = few.at(few.ts_event + 24 * 60 * NS_PER_MINUTE)
    values = {name: np.concatenate([many.values[name], tuesday.values[name]]) for name in many.values}
    both = Stream(
        kind=many.kind, ts_event=np.concatenate([many.ts_event, tuesday.ts_event]), values=values
    )  # the snapshot of Tuesday begins with a clear
    assert "missing_levels" not in _counts(_report(Planted(streams=[both]), tmp_path / "catalog"))


@pytest.mark.parametrize(("start", "end"), [(TUESDAY, None), (None, FRIDAY)])
def test_checking_nothing_is_refused_and_says_what_there_is(
    start: date | None, end: date | None, tmp_path: Path
) -> None:
    root = Planted(streams=[clean_quotes()]).write(tmp_path / "catalog")
    message = "No records in these dates; the catalog has 2025-03-03 to 2025-03-03"
    with pytest.raises(NotFoundError, match=message):
        check_catalog(root, start=start, end=end)


def test_a_catalog_without_any_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No records to check; the catalog has none at all"):
        check_catalog(Planted(streams=[]).write(tmp_path / "catalog"))


def test_a_damaged_definition_of_an_instrument_is_an_error(tmp_path: Path) -> None:
    root = Planted(streams=[clean_quotes()]).write(tmp_path / "catalog")
    next((root / "data/equity").rglob("*.parquet")).write_bytes(b"PAR1")
    found = {finding.check: finding.severity for finding in check_catalog(root).findings}
    assert found["unreadable_file"] is Severity.ERROR


def test_few_records_a_day_make_silence_no_finding(tmp_path: Path) -> None:
    report = _report(Planted(streams=[clean_trades(session_times(seconds=900))]), tmp_path / "catalog")
    assert report.findings == ()


def test_thresholds_move_what_is_found(tmp_path: Path) -> None:
    root = _plant_gap()[0].write(tmp_path / "catalog")
    assert check_catalog(root, thresholds=QualityThresholds(gap_seconds=500.0)).findings == ()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_threshold_must_be_positive(value: float) -> None:
    with pytest.raises(ConfigError, match="gap_seconds"):
        QualityThresholds(gap_seconds=value)


def test_findings_come_gravest_first_and_read_back_from_json(tmp_path: Path) -> None:
    quotes = clean_quotes().changed(5, bid_price=501 * CENT).changed(ROW, bid_price=502 * CENT)
    report = _report(Planted(streams=[quotes.rows(np.arange(2_000))]), tmp_path / "catalog")
    assert [finding.check for finding in report.findings] == [
        "crossed_quote",
        "locked_quote",
        "partial_session",
    ]
    assert [report.count(severity) for severity in Severity] == [1, 1, 1]
    assert msgspec.json.decode(msgspec.json.encode(report), type=QualityReport) == report


def test_an_example_says_when_and_what(tmp_path: Path) -> None:
    report = _report(_plant_example(), tmp_path / "catalog")
    assert report.findings[0].examples == ("2025-03-03 12:50:00.000 EST: 5.02 x 1300 / 5.01 x 1700",)
    assert report.findings[0].first_ns == at_new_york(DAY, time(12, 50))


def _plant_example() -> Planted:
    return Planted(streams=[clean_quotes().changed(ROW, bid_price=502 * CENT)])


def test_daily_bars_are_compared_with_days_and_a_volatile_market_is_no_outlier(tmp_path: Path) -> None:
    days = [date(2024, 1, 2) + timedelta(days=n) for n in range(250)]
    open_days = [day for day in days if np.is_busday(day)]
    times = np.array([at_new_york(day, time(16)) for day in open_days])
    bars = clean_bars(times, bar_type=DAILY_BARS)
    swings = np.where(np.arange(len(times)) % 2, 500, 560) * CENT  # 12 % to and fro, each day
    swinging = bars.changed(slice(None), open=swings, high=swings + CENT, low=swings - CENT, close=swings)
    spiked = swinging.changed(100, high=5_000 * CENT)
    report = _report(Planted(streams=[spiked]), tmp_path / "catalog")
    outliers = [finding for finding in report.findings if finding.check == "outlier_bar"]
    assert [finding.count for finding in outliers] == [1]
    assert "50" in outliers[0].examples[0]
    assert _counts(report)["closed_day"] == sum(day in _HOLIDAYS_2024 for day in open_days)


_HOLIDAYS_2024 = {
    date(2024, 1, 15), date(2024, 2, 19), date(2024, 3, 29), date(2024, 5, 27), date(2024, 6, 19),
    date(2024, 7, 4), date(2024, 9, 2),
}  # fmt: skip


def test_flags_of_the_planted_deltas_are_what_nautilus_calls_them() -> None:
    from nautilus_trader.model.enums import BookAction, OrderSide, RecordFlag

    assert (DeltaFlag.LAST, DeltaFlag.SNAPSHOT) == (RecordFlag.F_LAST, RecordFlag.F_SNAPSHOT)
    assert [int(action) for action in DeltaAction] == [
        BookAction.ADD, BookAction.UPDATE, BookAction.DELETE, BookAction.CLEAR,
    ]  # fmt: skip
    assert (DeltaSide.BUY, DeltaSide.SELL) == (OrderSide.BUY, OrderSide.SELL)
