from __future__ import annotations

from datetime import date

import msgspec
import pytest

from catalog.synthetic.spec import _BOUNDS, LOW_PRICED_STOCKS, SyntheticMarketSpec, SyntheticSymbol
from market.errors import ConfigError


def test_default_stocks_are_below_ten_dollars() -> None:
    assert len(LOW_PRICED_STOCKS) == 5
    assert all(stock.price_usd < 10 for stock in LOW_PRICED_STOCKS)


@pytest.mark.parametrize("name", sorted(_BOUNDS))
def test_accepts_a_setting_at_its_bounds_and_refuses_one_beyond(name: str) -> None:
    low, high = _BOUNDS[name]
    kind = type(getattr(SyntheticMarketSpec(), name))
    for value in (low, high):
        stocks = (msgspec.structs.replace(LOW_PRICED_STOCKS[0], market_beta=0.0),)
        SyntheticMarketSpec(symbols=stocks, **{name: kind(value)})
    for value in (low - 1, high * 2 + 1):
        with pytest.raises(ConfigError, match=f"{name} is {kind(value)}"):
            SyntheticMarketSpec(**{name: kind(value)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price_usd", 1.99),
        ("price_usd", float("nan")),
        ("spread_cents", 0.99),
        ("volatility_fraction_day", 0.0),
        ("quote_updates_day", 99),
        ("displayed_shares", 399),
        ("market_beta", -5.1),
        ("symbol", "zazzt"),
        ("symbol", ""),
    ],
)
def test_refuses_a_stock_that_cannot_be(name: str, value: object) -> None:
    good = {"symbol": "ZAZZT", "price_usd": 5.0, "spread_cents": 1.0}
    with pytest.raises(ConfigError, match=name):
        SyntheticSymbol(**{**good, name: value})  # type: ignore[arg-type]


def test_refuses_a_market_without_symbols_with_one_twice_or_that_ends_before_it_starts() -> None:
    with pytest.raises(ConfigError, match="empty"):
        SyntheticMarketSpec(symbols=())
    with pytest.raises(ConfigError, match="twice"):
        SyntheticMarketSpec(symbols=(LOW_PRICED_STOCKS[0], LOW_PRICED_STOCKS[0]))
    with pytest.raises(ConfigError, match="after"):
        SyntheticMarketSpec(start=date(2025, 3, 4), end=date(2025, 3, 3))


def test_refuses_a_beta_that_asks_for_more_volatility_than_the_stock_has() -> None:
    stock = SyntheticSymbol(
        symbol="ZAZZT", price_usd=5.0, spread_cents=1.0, volatility_fraction_day=0.01, market_beta=2.0
    )
    with pytest.raises(ConfigError, match="market_beta"):
        SyntheticMarketSpec(symbols=(stock,))


def test_reads_back_from_its_own_json() -> None:
    spec = SyntheticMarketSpec(seed=3, imbalance_information=0.0)
    assert msgspec.json.decode(msgspec.json.encode(spec), type=SyntheticMarketSpec) == spec
