"""After a trade an order meets the quote, as it would at a real venue, not the trade's price."""

from __future__ import annotations

from pathlib import Path

import pytest
from nautilus_trader.model.data import TradeTick

import backtests.node
from backtests.nautilus_quotes import QuoteKeepingEngine, _TradeWatch
from backtests.outcome import Outcome
from backtests.result_hash import result_hash
from catalog.columns import Aggressor
from tests.backtests.markets import Quote, Trade, write_market
from tests.backtests.replays import profile, replay
from tests.backtests.scripted_strategy import alternating, scripted

QUOTES: list[Quote] = [
    (0, 9.00, 9.02, 500, 500),
    (1_000, 9.00, 9.02, 500, 500),
    (3_000, 9.00, 9.02, 500, 500),
]
BUY = [(1_000, "BUY", 10, "9.02!")]
LATENCY = "backtest.latency_ms=400"  # the trade at 1.5 s is the first event at which the order is there


def _replay(folder: Path, trade_price: float) -> Outcome:
    trades: list[Trade] = [
        (1_500, trade_price, 100, Aggressor.SELLER if trade_price == 9.00 else Aggressor.BUYER)
    ]
    catalog = write_market(folder / "catalog", quotes=QUOTES, trades=trades)
    return replay(profile(folder, LATENCY), catalog, scripted(BUY))


@pytest.mark.parametrize("trade_price", [9.00, 9.01, 9.02])
def test_a_buy_pays_the_ask_whatever_traded_last(tmp_path: Path, trade_price: float) -> None:
    (fill,) = _replay(tmp_path, trade_price).fills
    assert float(fill.price) == 9.02


def test_a_resting_order_still_fills_against_a_trade(tmp_path: Path) -> None:
    trades: list[Trade] = [(2_000, 9.00, 600, Aggressor.SELLER)]
    catalog = write_market(tmp_path / "catalog", quotes=QUOTES, trades=trades)
    outcome = replay(profile(tmp_path), catalog, scripted([(1_000, "BUY", 10, "9.00")]))
    assert [(float(fill.price), fill.liquidity) for fill in outcome.fills] == [(9.00, "MAKER")]


def test_a_trade_before_any_quote_is_let_be(tmp_path: Path) -> None:
    catalog = write_market(
        tmp_path / "catalog", quotes=QUOTES[1:], trades=[(10, 9.00, 100, Aggressor.SELLER)]
    )
    assert len(replay(profile(tmp_path), catalog, scripted(BUY)).fills) == 1


def test_the_shipped_engine_still_needs_this_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtests.node, "keep_quotes", lambda engine: None)
    monkeypatch.setattr(QuoteKeepingEngine, "keep_quote", lambda engine: None)
    (fill,) = _replay(tmp_path, 9.00).fills
    assert float(fill.price) == 9.00  # two cents below the ask


@pytest.mark.parametrize("latency", [0, 20, 700])
def test_looking_only_while_an_order_is_there_misses_nothing(
    latency: int, tmp_path: Path, small_market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    symbols, names = ("ZVZZT", "ZWZZT"), ("ZVZZT.SMART", "ZWZZT.SMART")
    loaded = profile(tmp_path, f"backtest.latency_ms={latency}", symbols=symbols)
    passive = alternating(names, every=7, is_passive=True)
    lazy = result_hash(replay(loaded, small_market, passive))

    def always(watch: _TradeWatch, trade: TradeTick) -> None:
        watch._engines[trade.instrument_id].keep_quote()

    monkeypatch.setattr(_TradeWatch, "on_trade", always)
    assert result_hash(replay(loaded, small_market, passive)) == lazy
