"""Spreads whose legs are sent one by one: only a long leg that has filled covers a short one."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from risk.decision import Refused
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms, OrderIntent
from risk.performance import Fill
from risk.snapshot import OptionRisk
from tests.risk.limit_cases import OPTION_LIMITS, limits
from tests.risk.table_market import (
    EXPIRY_NS,
    LATER_NS,
    NOW_NS,
    TableMarket,
    gatekeeper,
    option,
    order,
    quote,
    verdict,
)

D = Decimal
LONG = option(95)
SHORT = option(100)
ALIKE = {"put": (95, 100), "call": (105, 100)}
SPREAD_LOSS = D(400)
"""Five dollars of width and 1.00 paid for the long leg, less 2.00 received: on 100 shares."""


@pytest.fixture
def market() -> TableMarket:
    market = TableMarket()
    market.default_quote = quote("2.00", "2.10")
    return market


def held(
    keeper: Gatekeeper, terms: InstrumentTerms, count: int, *, owner: str = "S-ONE", price: int = 1
) -> None:
    fill = Fill(strategy_id=owner, terms=terms, signed_quantity=count, price=D(price))
    keeper.filled("earlier", f"T-{owner}-{count}-{terms.instrument_id}", fill, NOW_NS)


def sale(terms: InstrumentTerms = SHORT, count: int = 1, **fields: object) -> OrderIntent:
    return order(terms, count, **({"side": "sell", "limit_price": D("2.00")} | fields))


def risk(keeper: Gatekeeper, intent: OrderIntent) -> OptionRisk:
    after = keeper.account.options.risk_after(intent)
    assert after is not None
    return after


@pytest.mark.parametrize("right", ["put", "call"])
def test_a_short_leg_passes_once_its_long_leg_is_held(keeper: Gatekeeper, right: str) -> None:
    long, short = (option(strike, right) for strike in ALIKE[right])  # type: ignore[arg-type]
    held(keeper, long, 1)
    assert risk(keeper, sale(short)).order_loss_usd == SPREAD_LOSS
    assert verdict(keeper, sale(short)) == "approved"


def test_of_a_debit_spread_the_long_leg_alone_counts_while_the_short_one_may_not_fill(
    keeper: Gatekeeper,
) -> None:
    held(keeper, SHORT, 1, price=3)
    assert risk(keeper, sale(LONG)).order_loss_usd == 300


@pytest.mark.parametrize(("limit", "expected"), [("400", "approved"), ("399.99", "option_loss_per_spread")])
def test_the_loss_of_the_spread_that_comes_of_it_meets_its_limit(
    market: TableMarket, limit: str, expected: str
) -> None:
    options = msgspec.structs.replace(OPTION_LIMITS, max_loss_usd_per_spread=D(limit))
    keeper = gatekeeper(limits(options=options), market)
    held(keeper, LONG, 1)
    assert verdict(keeper, sale()) == expected


def test_more_short_legs_than_long_ones_are_refused(keeper: Gatekeeper) -> None:
    held(keeper, LONG, 1)
    assert verdict(keeper, sale(count=2)) == "option_defined_risk"
    assert verdict(keeper, sale(count=1)) == "approved"
    assert verdict(keeper, sale(count=1, limit_price=D("2.01"))) == "option_defined_risk"


def test_a_long_leg_that_still_works_covers_nothing(keeper: Gatekeeper) -> None:
    working = order(LONG, 2, limit_price=D("2.00"))
    assert verdict(keeper, working) == "approved"
    assert verdict(keeper, sale()) == "option_defined_risk"
    fill = Fill(strategy_id="S-ONE", terms=LONG, signed_quantity=1, price=D(1))
    keeper.filled(working.order_id, "T-1", fill, NOW_NS)
    assert verdict(keeper, sale(count=2)) == "option_defined_risk"
    assert verdict(keeper, sale()) == "approved"


@pytest.mark.parametrize(
    ("cover", "sold", "expected"),
    [
        (option(95, expiration_ns=LATER_NS), option(100, expiration_ns=EXPIRY_NS), "approved"),
        (option(95, expiration_ns=EXPIRY_NS), option(100, expiration_ns=LATER_NS), "option_defined_risk"),
        (option(95, "call"), option(100, "put"), "option_defined_risk"),
        (option(95, symbol="QQQ"), option(100), "option_defined_risk"),
    ],
    ids=["later expiry", "earlier expiry", "other right", "other underlying"],
)
def test_a_long_leg_covers_its_underlying_its_right_and_what_expires_no_later(
    keeper: Gatekeeper, cover: InstrumentTerms, sold: InstrumentTerms, expected: str
) -> None:
    held(keeper, cover, 1)
    assert verdict(keeper, sale(sold)) == expected


def test_one_strategy_does_not_cover_another(keeper: Gatekeeper) -> None:
    held(keeper, LONG, 1, owner="OTHER")
    assert verdict(keeper, sale()) == "option_defined_risk"


def test_a_long_leg_that_is_being_sold_covers_nothing(keeper: Gatekeeper) -> None:
    held(keeper, LONG, 1)
    assert verdict(keeper, sale(LONG)) == "reducing"
    assert verdict(keeper, sale()) == "option_defined_risk"


def test_the_long_leg_stays_while_the_short_one_works_or_is_held(keeper: Gatekeeper) -> None:
    held(keeper, LONG, 1)
    short = sale()
    assert verdict(keeper, short) == "approved"
    assert verdict(keeper, sale(LONG)) == "option_defined_risk"
    fill = Fill(strategy_id="S-ONE", terms=SHORT, signed_quantity=-1, price=D(2))
    keeper.filled(short.order_id, "T-1", fill, NOW_NS)
    assert verdict(keeper, sale(LONG)) == "option_defined_risk"
    assert verdict(keeper, order(SHORT, 1, limit_price=D("2.10"))) == "reducing"


def test_a_short_leg_may_not_grow_beyond_its_cover_by_modification(keeper: Gatekeeper) -> None:
    held(keeper, LONG, 1)
    short = sale()
    assert verdict(keeper, short) == "approved"
    grown = sale(count=2, order_id=short.order_id, replaces=True)
    refused = keeper.change(grown, 2, NOW_NS)
    assert isinstance(refused, Refused)
    assert refused.rule == "option_defined_risk"
    assert "nothing covers short SPYCP100.SMART" in refused.value


def test_a_covered_leg_without_a_price_has_an_unknown_loss(keeper: Gatekeeper, market: TableMarket) -> None:
    held(keeper, LONG, 1)
    market.quotes[SHORT.instrument_id] = None
    unpriced = sale(order_type="market", limit_price=None)
    assert risk(keeper, unpriced).has_defined_risk
    assert risk(keeper, unpriced).order_loss_usd is None


def test_what_a_partly_filled_order_has_paid_is_not_paid_again(keeper: Gatekeeper) -> None:
    """A covered sale of 2 that sold 1 at 2.00 still receives 2.00 for the other; it was counted once."""
    held(keeper, LONG, 2)
    short = sale(count=2)
    assert verdict(keeper, short) == "approved"
    fill = Fill(strategy_id="S-ONE", terms=SHORT, signed_quantity=-1, price=D(2))
    keeper.filled(short.order_id, "T-1", fill, NOW_NS)
    rest = sale(count=1, order_id=short.order_id, limit_price=D("2.00"), replaces=True)
    assert risk(keeper, rest).underlying_loss_usd == 2 * SPREAD_LOSS
    assert (
        risk(keeper, order(option(90), 1, limit_price=D("0.50"))).underlying_loss_usd == 2 * SPREAD_LOSS + 50
    )
