"""A passive order waits for the shares that were at its price before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtests.outcome import Outcome
from catalog.columns import Aggressor, DeltaAction, DeltaSide
from tests.backtests.markets import Level, Quote, Trade, write_market
from tests.backtests.replays import profile, replay
from tests.backtests.scripted_strategy import scripted

AHEAD = 300
QUOTES: list[Quote] = [(at, 9.00, 9.02, AHEAD, 500) for at in range(0, 3_000, 100)]
LEVELS: list[Level] = [
    (1, DeltaAction.ADD, DeltaSide.BUY, 9.00, AHEAD),
    (2, DeltaAction.ADD, DeltaSide.BUY, 8.99, 900),
    (3, DeltaAction.ADD, DeltaSide.SELL, 9.02, 500),
    (4, DeltaAction.ADD, DeltaSide.SELL, 9.03, 900),
]


def _sales(*sizes: int) -> list[Trade]:
    """Sell orders that hit the bid, one a tenth of a second from 1.55 s on."""
    return [(1_550 + 100 * index, 9.00, size, Aggressor.SELLER) for index, size in enumerate(sizes)]


def _replay(folder: Path, trades: list[Trade], *, book: str, queue: bool = True) -> Outcome:
    catalog = write_market(
        folder / "catalog", quotes=QUOTES, trades=trades, deltas=LEVELS if book == "L2" else ()
    )
    loaded = profile(folder, f"universe.book={book}", f"backtest.queue_position={str(queue).lower()}")
    return replay(loaded, catalog, scripted([(1_000, "BUY", 10, "9.00")]))


@pytest.mark.parametrize("book", ["L1", "L2"])
def test_does_not_fill_before_the_shares_ahead_have_traded(tmp_path: Path, book: str) -> None:
    outcome = _replay(tmp_path, _sales(100, 100, 99), book=book)
    assert outcome.fills == ()
    assert outcome.orders[0].status == "ACCEPTED"


@pytest.mark.parametrize("book", ["L1", "L2"])
def test_fills_as_maker_when_the_shares_ahead_have_traded(tmp_path: Path, book: str) -> None:
    outcome = _replay(tmp_path, _sales(100, 100, 100, 100), book=book)
    (fill,) = outcome.fills
    assert (float(fill.price), fill.quantity, fill.liquidity) == (9.00, 10, "MAKER")


@pytest.mark.parametrize("book", ["L1", "L2"])
def test_without_a_queue_the_first_trade_at_the_price_fills(tmp_path: Path, book: str) -> None:
    outcome = _replay(tmp_path, _sales(100), book=book, queue=False)
    assert [fill.quantity for fill in outcome.fills] == [10]


def test_a_trade_smaller_than_the_order_fills_part_of_it(tmp_path: Path) -> None:
    outcome = _replay(tmp_path, _sales(AHEAD, 4), book="L1")
    assert [fill.quantity for fill in outcome.fills] == [4]
    assert outcome.orders[0].status == "PARTIALLY_FILLED"


def test_an_order_that_takes_depth_walks_the_book(tmp_path: Path) -> None:
    levels: list[Level] = [*LEVELS, (5, DeltaAction.UPDATE, DeltaSide.SELL, 9.02, 4)]
    quotes: list[Quote] = [(at, 9.00, 9.02, AHEAD, 4) for at in range(0, 3_000, 100)]
    catalog = write_market(tmp_path / "catalog", quotes=quotes, deltas=levels)
    loaded = profile(tmp_path, "universe.book=L2", "risk.min_displayed_shares=1")
    outcome = replay(loaded, catalog, scripted([(1_000, "BUY", 10, "9.03!")]))
    assert [(float(fill.price), fill.quantity) for fill in outcome.fills] == [(9.02, 4), (9.03, 6)]


def test_liquidity_that_was_taken_is_not_there_a_second_time(tmp_path: Path) -> None:
    levels: list[Level] = [*LEVELS, (5, DeltaAction.UPDATE, DeltaSide.SELL, 9.02, 15)]
    catalog = write_market(tmp_path / "catalog", quotes=QUOTES, deltas=levels)
    more = ("risk.max_position_shares_per_symbol=30", "risk.max_notional_usd_per_symbol=300")
    loaded = profile(tmp_path, "universe.book=L2", *more)
    outcome = replay(loaded, catalog, scripted([(1_000, "BUY", 10, "9.02!"), (1_100, "BUY", 10, "9.02!")]))
    assert [fill.quantity for fill in outcome.fills] == [10, 5]
