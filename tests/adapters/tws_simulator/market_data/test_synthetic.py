"""The synthetic market: a function of seed and time, alike as feed and as history."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tws_simulator.contracts.names import NAMES
from adapters.tws_simulator.market_data.noise import key_of, path
from adapters.tws_simulator.market_data.settings import SyntheticSettings
from adapters.tws_simulator.market_data.synthetic import SyntheticMarket
from market.time import to_ns

ANCHOR = to_ns("2026-01-02T00:00:00-05:00")
START = to_ns("2026-01-02T10:00:00-05:00")
SECOND = 10**9
BY_ID = {index + 1: name for index, name in enumerate(NAMES)}


class Recorder:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.quotes: list[tuple[int, ...]] = []
        self.trades: list[tuple[int, ...]] = []

    def feed_quote(self, *event: int) -> None:
        self.quotes.append(event)

    def feed_trade(self, *event: int) -> None:
        self.trades.append(event)

    def feed_level(self, *_event: Any, **_named: Any) -> None:
        raise AssertionError("the synthetic market has no recorded book")

    def feed_clear(self, _con_id: int) -> None:
        raise AssertionError("the synthetic market has no recorded book")


def market(seed: int = 1, **changes: Any) -> SyntheticMarket:
    return SyntheticMarket(BY_ID, seed, anchor_ns=ANCHOR, settings=SyntheticSettings(**changes))


def played(made: SyntheticMarket, start: int, *stops: int) -> Recorder:
    sink = Recorder()
    made.start(start)
    for stop in stops:
        made.run(sink, stop)
    return sink


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4 * SECOND), min_size=1, max_size=10), st.integers(0, 100))
def test_the_feed_is_the_same_however_time_is_cut(steps: list[int], seed: int) -> None:
    stops = np.cumsum(steps).tolist()
    cut = played(market(seed), START, *(START + stop for stop in stops))
    whole = played(market(seed), START, START + stops[-1] // 2, START + stops[-1])
    if stops[-1] < 9 * SECOND:
        assert cut.quotes == whole.quotes
        assert cut.trades == whole.trades


def test_another_seed_is_another_market() -> None:
    assert played(market(1), START, START + SECOND).quotes != played(market(2), START, START + SECOND).quotes


def test_history_holds_what_the_feed_said() -> None:
    made = market()
    stops = [START + number * 3 * SECOND for number in range(1, 11)]
    sink = played(made, START, *stops)
    for con_id, name in BY_ID.items():
        past = made.quotes(con_id, START + 1, stops[-1] + 1)
        heard = [event for event in sink.quotes if event[0] == con_id]
        rows = zip(
            *(c.tolist() for c in (past.bid, past.ask, past.bid_size, past.ask_size, past.ts_ns)), strict=True
        )
        assert [tuple(event[1:]) for event in heard] == list(rows)
        trades = made.trades(con_id, START + 1, stops[-1] + 1)
        told = [event for event in sink.trades if event[0] == con_id]
        prints = zip(trades.price.tolist(), trades.size.tolist(), trades.ts_ns.tolist(), strict=True)
        assert [tuple(event[1:]) for event in told] == list(prints)
        assert bool(heard) != name.is_index


def test_quotes_are_sound_and_trades_are_at_a_side() -> None:
    sink = played(market(), START, START + 4 * SECOND)
    latest: dict[int, tuple[int, int]] = {}
    assert [event[5] for event in sink.quotes] == sorted(event[5] for event in sink.quotes)
    for con_id, bid, ask, bid_size, ask_size, _ in sink.quotes:
        assert 0 < bid < ask
        assert bid_size > 0
        assert ask_size > 0
        tick = 1 if bid < 10_000 else 100
        assert bid % tick == ask % tick == 0
        latest[con_id] = (bid, ask)
    for con_id, price, size, _ in sink.trades:
        if not BY_ID[con_id].is_index:
            assert size > 0
            assert price > 0


def test_a_jump_of_the_clock_goes_on_at_the_new_time() -> None:
    made = market()
    sink = played(made, START, START + 86_400 * SECOND)
    assert 0 < len(sink.quotes) <= 3 * len(BY_ID)
    assert min(event[5] for event in sink.quotes) > START + 86_000 * SECOND
    assert made.next_ns() > START + 86_400 * SECOND


def test_prices_start_from_the_name_s_price_and_move_like_its_volatility() -> None:
    made = market()
    days = ANCHOR - np.arange(400, -1, -1, dtype=np.int64) * 86_400 * SECOND
    for con_id, name in BY_ID.items():
        closes = made.samples(con_id, days) / 10_000
        assert abs(closes[-1] / float(name.price) - 1) < 0.01
        yearly = float(np.diff(np.log(closes)).std() * np.sqrt(252))
        assert 0.5 < yearly / name.volatility < 2.0


@given(st.integers(0, 2**60), st.integers(-(2**61), 2**61))
def test_the_path_is_continuous_and_needs_no_neighbours(key: int, ts_ns: int) -> None:
    alone = path(key, np.array([ts_ns], dtype=np.int64), 0.3)[0]
    together = path(key, ts_ns + np.arange(-3, 4, dtype=np.int64) * 1000, 0.3)
    assert together[3] == alone
    assert np.abs(np.diff(together)).max() < 1e-6


def test_keys_differ() -> None:
    assert len({key_of(seed, con_id) for seed in range(50) for con_id in range(50)}) == 2500
