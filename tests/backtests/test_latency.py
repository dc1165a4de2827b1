"""An order meets the market as it is when the order arrives, not as it was when it was sent."""

from __future__ import annotations

from pathlib import Path

from tests.backtests.markets import START_NS, write_market
from tests.backtests.replays import profile, replay
from tests.backtests.scripted_strategy import scripted

MS = 1_000_000
QUOTES = [
    (0, 9.00, 9.01, 500, 500),
    (1_000, 9.00, 9.01, 500, 500),
    (1_010, 9.01, 9.02, 500, 500),
    (1_030, 9.02, 9.03, 500, 500),
    (2_000, 9.05, 9.06, 500, 500),
]


def test_without_latency_an_order_meets_the_quote_that_it_was_sent_on(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "catalog", quotes=QUOTES)
    outcome = replay(profile(tmp_path), catalog, scripted([(1_000, "BUY", 10, "9.05!")]))
    (fill,) = outcome.fills
    assert float(fill.price) == 9.01
    assert fill.ts_ns // MS == START_NS // MS + 1_000


def test_with_latency_it_meets_the_first_quote_at_or_after_its_arrival(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "catalog", quotes=QUOTES)
    loaded = profile(tmp_path, "backtest.latency_ms=20")
    outcome = replay(loaded, catalog, scripted([(1_000, "BUY", 10, "9.05!")]))
    (fill,) = outcome.fills
    assert float(fill.price) == 9.03
    assert fill.ts_ns // MS == START_NS // MS + 1_030


def test_an_order_whose_price_ran_away_meanwhile_does_not_fill(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "catalog", quotes=QUOTES)
    loaded = profile(tmp_path, "backtest.latency_ms=20")
    outcome = replay(loaded, catalog, scripted([(1_000, "BUY", 10, "9.01!")]))
    assert [order.status for order in outcome.orders] == ["CANCELED"]
    assert outcome.fills == ()
