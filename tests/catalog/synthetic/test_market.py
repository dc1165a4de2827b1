from __future__ import annotations

from dataclasses import astuple, fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.columns import Aggressor
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticDay, write_synthetic_market
from market.errors import ConfigError, DataError
from market.time import NS_PER_SECOND
from tests.catalog.synthetic.builders import EARLY_CLOSE, HOLIDAY, OTHER, STOCK, days_of, one_day, small_spec

specs = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**63 - 1),
        "imbalance_information": st.floats(0, 1),
        "quote_stickiness_ticks": st.floats(0, 0.45),
        "trade_fraction": st.floats(0, 1),
        "midpoint_fraction": st.floats(0, 0.5),
        "jumps_per_day": st.floats(0, 20),
        "jump_fraction": st.floats(0, 3),
        "halt_probability": st.sampled_from([0.0, 1.0]),
        "halt_minutes": st.integers(1, 60),
        "depth_levels": st.integers(1, 12),
        "deep_updates_per_quote": st.floats(0, 3),
    }
)


@settings(max_examples=30, deadline=None)
@given(specs)
def test_quotes_are_never_crossed_or_locked_and_sizes_are_positive(changes: dict[str, Any]) -> None:
    quotes = one_day(**changes).quotes
    assert (quotes.bid < quotes.ask).all()
    assert (quotes.bid > 0).all()
    assert (quotes.bid_size > 0).all()
    assert (quotes.ask_size > 0).all()
    assert (np.diff(quotes.ts_event) > 0).all()


@settings(max_examples=30, deadline=None)
@given(specs)
def test_each_quote_differs_from_the_one_before(changes: dict[str, Any]) -> None:
    quotes = one_day(**changes).quotes
    columns = np.stack([quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size])
    same = (np.diff(columns, axis=1) == 0).all(axis=0)
    assert not same[~quotes.is_opening[1:]].any()


@settings(max_examples=30, deadline=None)
@given(specs)
def test_trades_execute_what_was_displayed_where_it_was_displayed(changes: dict[str, Any]) -> None:
    day = one_day(**changes)
    quotes, trades = day.quotes, day.trades
    before, after = trades.event - 1, trades.event
    assert (before >= 0).all()
    assert not quotes.is_opening[after].any()
    assert (trades.size > 0).all()
    for aggressor, price, size, sign in (
        (Aggressor.BUYER, quotes.ask, quotes.ask_size, 1),
        (Aggressor.SELLER, quotes.bid, quotes.bid_size, -1),
    ):
        mine = trades.aggressor == aggressor
        assert (trades.price[mine] == price[before[mine]] * 100).all()
        left = np.where((price[after[mine]] - price[before[mine]]) * sign > 0, 0, size[after[mine]])
        assert (trades.size[mine] <= size[before[mine]] - left).all()
    hidden = trades.aggressor == Aggressor.NONE
    assert (trades.price[hidden] == (quotes.bid + quotes.ask)[before[hidden]] * 50).all()


@settings(max_examples=30, deadline=None)
@given(specs)
def test_nothing_happens_in_a_halt_or_outside_the_session(changes: dict[str, Any]) -> None:
    day = one_day(**changes)
    assert len(day.halts) == (changes["halt_probability"] == 1.0)
    assert day.depth is not None
    for times in (day.quotes.ts_event, day.quotes.ts_event[day.trades.event], day.depth.ts_event):
        seconds = (times - day.session.open_ns) / NS_PER_SECOND
        assert (seconds >= 0).all()
        assert (times < day.session.close_ns).all()
        for halt in day.halts:
            assert not ((seconds >= halt.start) & (seconds < halt.end)).any()


def test_no_trade_opens_the_session_or_follows_a_halt_even_if_all_that_vanishes_is_traded() -> None:
    for seed in range(5):
        day = one_day(seed=seed, trade_fraction=1.0, halt_probability=1.0)
        assert not day.quotes.is_opening[day.trades.event].any()


def test_a_halt_ends_with_a_quote_at_the_reopening() -> None:
    day = one_day(halt_probability=1.0)
    reopening = day.session.open_ns + day.halts[0].end * NS_PER_SECOND
    assert day.quotes.ts_event[day.quotes.is_opening].tolist() == [day.session.open_ns, reopening]


def test_equal_specs_give_equal_markets_and_another_seed_another() -> None:
    assert _same(one_day(seed=1), one_day(seed=1))
    assert not _same(one_day(seed=1), one_day(seed=2))


def test_a_symbol_more_or_less_leaves_the_others_as_they_were() -> None:
    alone = one_day(symbols=(OTHER,))
    beside = next(day for day in days_of(symbols=(STOCK, OTHER)) if day.symbol == OTHER.symbol)
    assert _same(alone, beside)


def test_depth_leaves_quotes_and_trades_as_they_were() -> None:
    without, with_depth = one_day(depth_levels=0), one_day(depth_levels=5)
    assert without.depth is None
    assert _equal(without.quotes, with_depth.quotes)
    assert _equal(without.trades, with_depth.trades)


def test_information_changes_the_sizes_and_no_price() -> None:
    informed, blind = one_day(imbalance_information=0.8).quotes, one_day(imbalance_information=0.0).quotes
    moves = [
        set(
            zip(
                quotes.ts_event[quotes.bid_moved].tolist(), quotes.bid[quotes.bid_moved].tolist(), strict=True
            )
        )
        for quotes in (informed, blind)
    ]
    assert moves[0] == moves[1]
    assert len(moves[0]) > 50
    assert not np.array_equal(informed.bid_size, blind.bid_size)


def test_days_follow_the_calendar_and_continue_the_price() -> None:
    days = days_of(symbols=(STOCK,), start=date(2024, 12, 23), end=date(2024, 12, 26))
    assert [day.session.date.day for day in days] == [23, 24, 26]
    early = days[1]
    assert early.session.date == EARLY_CLOSE
    assert early.session.is_early_close
    assert early.quotes.ts_event[-1] < early.session.close_ns
    assert len(early.quotes) < 0.75 * len(days[0].quotes)
    for yesterday, today in pairwise(days):
        gap = np.log(today.quotes.bid[0] / yesterday.quotes.bid[-1])
        assert abs(gap) < 5 * STOCK.volatility_fraction_day


def test_refuses_days_on_which_the_exchange_is_closed() -> None:
    with pytest.raises(ConfigError, match="closed from 2024-12-25"):
        days_of(start=HOLIDAY, end=HOLIDAY)


def test_writing_it_twice_changes_nothing(tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "catalog")
    first = write_synthetic_market(small_spec(), store=store)
    again = write_synthetic_market(small_spec(), store=store)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert first.files == again.files
    assert first.rows == sum(len(d.quotes) + len(d.trades) + len(d.depth or ()) for d in days_of())


def test_another_market_over_the_same_days_needs_replace(tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "catalog")
    write_synthetic_market(small_spec(seed=1), store=store)
    with pytest.raises(DataError, match="already has"):
        write_synthetic_market(small_spec(seed=2), store=store)
    assert write_synthetic_market(small_spec(seed=2), store=store, replace=True).replaced


def test_halts_are_in_the_sidecar(tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "catalog")
    write_synthetic_market(small_spec(halt_probability=1.0, halt_minutes=7), store=store)
    assert {halt.instrument_id for halt in store.halts()} == {"ZVZZT.SMART", "ZWZZT.SMART"}
    assert {halt.to_ns - halt.from_ns for halt in store.halts()} == {7 * 60 * NS_PER_SECOND}


def _same(left: SyntheticDay, right: SyntheticDay) -> bool:
    return all(_equal(getattr(left, part), getattr(right, part)) for part in ("quotes", "trades", "depth"))


def _equal(left: Any, right: Any) -> bool:
    assert [field.name for field in fields(left)] == [field.name for field in fields(right)]
    return all(np.array_equal(a, b) for a, b in zip(astuple(left), astuple(right), strict=True))
