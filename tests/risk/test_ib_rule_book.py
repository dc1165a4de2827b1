"""Illegal orders and the code with which Interactive Brokers refuses them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from market.time import NS_PER_MINUTE
from risk.ib_requirement import Occasion
from risk.ib_rule_book import RULE_BOOK, validate
from risk.intent import InstrumentTerms, OrderIntent, OrderType, TimeInForce
from risk.session_view import TradingDay
from tests.risk.table_market import CLOSE_NS, EXPIRY_NS, NOW_NS, OPEN_NS, option, order, spread, stock

D = Decimal
DAY = TradingDay(OPEN_NS, CLOSE_NS)
NOW = Occasion(NOW_NS, DAY)
VERTICAL = spread((option(100), -1), (option(95), 1))
CONDOR = spread((option(100), -1), (option(95), 1), (option(110, "call"), -1), (option(115, "call"), 1))
LOTS = msgspec.structs.replace(stock(), lot_size=100)


def bag(price: str | None = "-1.20", terms: InstrumentTerms = VERTICAL, **fields: Any) -> OrderIntent:
    return order(terms, 1, limit_price=None if price is None else D(price), **fields)


def put(price: str = "1.05", **fields: Any) -> OrderIntent:
    return order(option(100), 1, limit_price=D(price), **fields)


NO_PRICE: dict[str, Any] = {"limit_price": None}

LEGAL: list[OrderIntent] = [
    order(),
    order(quantity=1),
    order(LOTS, 200),
    order(limit_price=D("0.9999")),
    order(limit_price=D("1.0000")),
    order(order_type="market"),
    order(order_type="market", time_in_force="ioc"),
    order(time_in_force="fok"),
    order(time_in_force="at_close"),
    order(order_type="stop", limit_price=None, trigger_price=D("5.10"), time_in_force="gtc"),
    order(order_type="stop_limit", limit_price=D("5.20"), trigger_price=D("5.10")),
    order(order_type="market_if_touched", limit_price=None, trigger_price=D("4.90")),
    order(order_type="limit_if_touched", trigger_price=D("4.90")),
    order(order_type="trailing", limit_price=None),
    order(time_in_force="gtd", expires_ns=NOW_NS + 1),
    order(is_outside_hours=True),
    order(is_outside_hours=True, time_in_force="gtd", expires_ns=NOW_NS + 1),
    put(),
    put(time_in_force="fok"),
    bag(),
    bag("1.20", side="sell", terms=spread((option(100), 1), (option(95), -1))),
    bag(None, order_type="market"),
    bag(terms=CONDOR, time_in_force="gtc"),
    bag("0.10", terms=spread((option(105), 1), (option(100), -2), (option(95), 1))),
]

FIVE = spread(*((option(strike), 1) for strike in (90, 95, 100, 105, 110)))

ILLEGAL: list[tuple[int, str, OrderIntent]] = [
    (10244, "ib_cash_quantity", order(specials=("quote_quantity",))),
    (387, "ib_post_only", order(specials=("post_only",))),
    (387, "ib_post_only", order(side="sell", specials=("conditions", "post_only"))),
    (321, "ib_trailing_offset", order(order_type="trailing", specials=("trailing_offset",), **NO_PRICE)),
    (321, "ib_tags", order(specials=("tags",))),
    (201, "ib_conditions", put(specials=("conditions",))),
    (201, "ib_active_times", order(specials=("times",))),
    (201, "ib_non_guaranteed", bag(specials=("non_guaranteed",))),
    (434, "ib_size", order(quantity=0)),
    (434, "ib_size", order(quantity=-1)),
    (355, "ib_lot", order(LOTS, 150)),
    (392, "ib_expired", order(option(100, expiration_ns=NOW_NS), 1)),
    (392, "ib_expired", bag(terms=spread((option(100), -1), (option(95, expiration_ns=NOW_NS), 1)))),
    (321, "ib_limit_price", order(**NO_PRICE)),
    (321, "ib_limit_price", order(order_type="stop_limit", trigger_price=D("5"), **NO_PRICE)),
    (321, "ib_limit_price", order(order_type="limit_if_touched", trigger_price=D("5"), **NO_PRICE)),
    (403, "ib_trigger", order(order_type="stop", **NO_PRICE)),
    (403, "ib_trigger", order(order_type="stop_limit")),
    (403, "ib_trigger", order(order_type="market_if_touched", **NO_PRICE)),
    (403, "ib_trigger", order(order_type="limit_if_touched")),
    (201, "ib_price", order(limit_price=D("0"))),
    (201, "ib_price", order(order_type="stop", limit_price=None, trigger_price=D("-1"))),
    (201, "ib_price", put("0")),
    (110, "ib_tick", order(limit_price=D("5.005"))),
    (110, "ib_tick", order(limit_price=D("0.99995"))),
    (110, "ib_tick", order(order_type="stop_limit", trigger_price=D("5.001"))),
    (110, "ib_tick", order(order_type="stop", limit_price=None, trigger_price=D("5.001"))),
    (110, "ib_tick", put("1.055")),
    (110, "ib_tick", bag("-1.205")),
    (387, "ib_order_type", bag(None, order_type="stop", trigger_price=D("1.00"))),
    (111, "ib_time_in_force", order(order_type="stop", trigger_price=D(5), time_in_force="ioc", **NO_PRICE)),
    (111, "ib_time_in_force", order(order_type="trailing", time_in_force="at_close", **NO_PRICE)),
    (111, "ib_time_in_force", put(time_in_force="at_open")),
    (111, "ib_time_in_force", bag(time_in_force="at_close")),
    (111, "ib_time_in_force", bag(time_in_force="fok")),
    (334, "ib_good_till", order(time_in_force="gtd")),
    (334, "ib_good_till", order(time_in_force="gtd", expires_ns=NOW_NS)),
    (201, "ib_auction", order(time_in_force="at_open")),
    (411, "ib_outside_hours", order(order_type="market", is_outside_hours=True)),
    (411, "ib_outside_hours", order(time_in_force="ioc", is_outside_hours=True)),
    (411, "ib_outside_hours", put(is_outside_hours=True)),
    (313, "ib_leg", bag(terms=spread((option(100), -1), (stock("SPY"), 100)))),
    (312, "ib_combination", bag(terms=spread((option(100), 1)))),
    (312, "ib_combination", bag("1.00", terms=FIVE)),
    (312, "ib_combination", bag("1.00", terms=spread((option(100), 1), (option(100), 2)))),
    (312, "ib_combination", bag("1.00", terms=spread((option(100), 1), (option(95, symbol="QQQ"), -1)))),
    (312, "ib_combination", bag(terms=spread((option(100), -2), (option(95), 2)))),
    (356, "ib_combination_group", bag(group_id="G")),
    (201, "ib_riskless", bag("-5.00")),
    (201, "ib_riskless", bag("0.00", side="sell", terms=spread((option(100), -1), (option(95), 1)))),
]  # fmt: skip


@pytest.mark.parametrize("intent", LEGAL, ids=lambda each: f"{each.order_type}-{each.time_in_force}")
def test_a_legal_order_passes(intent: OrderIntent) -> None:
    assert validate(intent, NOW) is None


@pytest.mark.parametrize(("code", "rule", "intent"), ILLEGAL)
def test_an_illegal_order_is_refused_with_ibs_code(code: int, rule: str, intent: OrderIntent) -> None:
    refused = validate(intent, NOW)
    assert refused is not None
    assert (refused.ib_code, refused.rule) == (code, rule)
    assert f"(IB {code})" in refused.reason


def test_every_row_has_a_case_and_a_text_of_its_own() -> None:
    assert {rule for _, rule, _ in ILLEGAL} == {row.name for row in RULE_BOOK}
    assert all(row.text for row in RULE_BOOK)


def test_an_illegal_order_says_value_limit_and_what_to_do() -> None:
    reasons = [validate(intent, NOW) for _, _, intent in ILLEGAL]
    texts = sorted({reason.reason for reason in reasons if reason is not None})
    assert "ib_tick (IB 110): price 5.005 USD, limit multiples of 0.01. Round the price to the tick." in texts
    assert "ib_combination (IB 312): 5 legs, limit 2 to 4 legs. Send it as several combinations." in texts
    assert (
        "ib_time_in_force (IB 111): ioc on a stop order of a stock, limit day, gtc, gtd. "
        "Choose one of the allowed times in force." in texts
    )
    assert "ib_combination (IB 312): ratios divisible by 2, limit ratios in lowest terms. " in " ".join(texts)


@pytest.mark.parametrize(
    ("limit", "trigger", "named"),
    [("0", None, "0"), (None, "0", "0"), ("0", "5.00", "0"), ("5.00", "0", "0"), ("-0.01", "5.00", "-0.01")],
)
def test_a_price_of_0_is_none_and_the_wrong_one_is_named(
    limit: str | None, trigger: str | None, named: str
) -> None:
    kind = "stop_limit" if limit and trigger else "limit" if limit else "stop"
    prices: dict[str, Any] = {"limit_price": limit and D(limit), "trigger_price": trigger and D(trigger)}
    refused = validate(order(order_type=kind, **prices), NOW)
    assert refused is not None
    assert (refused.rule, refused.value) == ("ib_price", f"price {named} USD")


@pytest.mark.parametrize(
    ("time_in_force", "last_ns"),
    [("at_open", OPEN_NS - 2 * NS_PER_MINUTE), ("at_close", CLOSE_NS - 10 * NS_PER_MINUTE)],
)
def test_an_auction_order_passes_until_its_cut_off(time_in_force: str, last_ns: int) -> None:
    intent = order(time_in_force=time_in_force)
    assert validate(intent, Occasion(last_ns - 1, DAY)) is None
    assert validate(intent, Occasion(last_ns, DAY)) is not None
    assert validate(intent, Occasion(last_ns - 1, None)) is not None


def test_an_option_trades_until_it_expires() -> None:
    assert validate(put(), Occasion(EXPIRY_NS - 1, DAY)) is None
    assert validate(put(), Occasion(EXPIRY_NS, DAY)) is not None


def test_a_combination_may_lose_a_cent_but_not_nothing() -> None:
    assert validate(bag("-4.99"), NOW) is None
    assert validate(bag("-5.00"), NOW) is not None


def test_an_undefined_risk_is_not_riskless() -> None:
    assert validate(bag("-9.00", terms=spread((option(100), -2), (option(95), 1))), NOW) is None


def _of_every_shape() -> Iterator[OrderIntent]:
    prices = (None, D("5.00"), D("-1.20"), D("5.005"))
    for terms, order_type, time_in_force in itertools.product(
        (stock(), option(100), VERTICAL), get_args(OrderType), get_args(TimeInForce)
    ):
        for outside, limit_price, trigger_price in itertools.product((False, True), prices, prices):
            yield order(
                terms, 1, order_type=order_type, time_in_force=time_in_force, is_outside_hours=outside,
                limit_price=limit_price, trigger_price=trigger_price,
            )  # fmt: skip


def test_rows_that_do_not_concern_a_shape_would_find_nothing_in_it() -> None:
    for intent in _of_every_shape():
        asked = (row.name for row in RULE_BOOK if row.find(intent, NOW) is not None)
        refused = validate(intent, NOW)
        assert (None if refused is None else refused.rule) == next(asked, None), intent
