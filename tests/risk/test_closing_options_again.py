"""An option order that was canceled does not keep the next one from closing, whatever its grace period."""

from __future__ import annotations

from decimal import Decimal

import pytest

from market.time import NS_PER_SECOND
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.performance import Fill
from tests.risk.limit_cases import OPTION_LIMITS, limits
from tests.risk.table_market import (
    NOW_NS,
    TableMarket,
    bought,
    gatekeeper,
    option,
    order,
    quote,
    spread,
    verdict,
)

D = Decimal
P100, P95 = option(100), option(95)
BULL_PUT = spread((P100, -1), (P95, 1))
LATER_NS = NOW_NS + NS_PER_SECOND


@pytest.fixture
def keeper(market: TableMarket) -> Gatekeeper:
    """A halted gate whose canceled orders count for two seconds."""
    market.default_quote = quote("1.00", "1.10")
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), market)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    return keeper


def close(
    keeper: Gatekeeper, terms: InstrumentTerms, count: int, side: str, *, is_confirmed: bool = True
) -> None:
    """Send a closing order and cancel it."""
    intent = order(terms, count, side=side, limit_price=_price(terms))
    assert verdict(keeper, intent) == "reducing"
    keeper.cancel(intent.order_id, NOW_NS)
    if is_confirmed:
        keeper.ended(intent.order_id, NOW_NS)


def again(keeper: Gatekeeper, terms: InstrumentTerms, count: int, side: str) -> str:
    return verdict(keeper, order(terms, count, side=side, limit_price=_price(terms)), LATER_NS)


def _price(terms: InstrumentTerms) -> Decimal:
    return D("-1.50") if terms.kind == "spread" else D("1.00")


def test_a_long_option_is_offered_again(keeper: Gatekeeper) -> None:
    bought(keeper, 5, terms=P100, price="1.00")
    close(keeper, P100, 5, "sell")
    assert again(keeper, P100, 5, "sell") == "reducing"


def test_a_short_option_is_bought_back_again(keeper: Gatekeeper) -> None:
    bought(keeper, -5, terms=P100, price="1.00")
    close(keeper, P100, 5, "buy")
    assert again(keeper, P100, 5, "buy") == "reducing"


def test_a_spread_is_closed_again(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=P100, price="2.00")
    bought(keeper, 2, terms=P95, price="1.00")
    close(keeper, BULL_PUT, 2, "sell")
    assert again(keeper, BULL_PUT, 2, "sell") == "reducing"


def test_a_long_option_waits_for_the_answer_to_a_cancel(keeper: Gatekeeper) -> None:
    """The order may work on, and both together would leave a naked short."""
    bought(keeper, 5, terms=P100, price="1.00")
    close(keeper, P100, 5, "sell", is_confirmed=False)
    assert again(keeper, P100, 5, "sell") == "breaker_state"


def test_the_cover_of_a_short_option_stays(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=P100, price="2.00")
    bought(keeper, 2, terms=P95, price="1.00")
    close(keeper, BULL_PUT, 2, "sell")
    assert again(keeper, P95, 2, "sell") == "breaker_state"


@pytest.mark.parametrize(("sent", "answer"), [(1, "reducing"), (3, "reducing"), (4, "breaker_state")])
def test_should_all_fill_no_leg_exceeds_the_limit(keeper: Gatekeeper, sent: int, answer: str) -> None:
    """Five long: what is canceled and what is sent may sell 25, and leave a short of 20, the limit."""
    assert OPTION_LIMITS.max_contracts_per_leg == 20
    bought(keeper, 5, terms=P100, price="1.00")
    for _ in range(sent):
        close(keeper, P100, 5, "sell")
    assert again(keeper, P100, 5, "sell") == "reducing"
    intent = order(P100, 5, side="sell", limit_price=D("0.98"))
    assert verdict(keeper, intent, LATER_NS) == "breaker_state"  # the last one works
    keeper.cancel(list(keeper.account.ledger.reservations)[-1], LATER_NS)
    keeper.ended(list(keeper.account.ledger.reservations)[-1], LATER_NS)
    assert again(keeper, P100, 5, "sell") == answer


def test_a_short_of_the_limits_size_is_bought_back_again(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), market)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    bought(keeper, -10, terms=P100, price="1.00")
    for _ in range(3):
        close(keeper, P100, 10, "buy")
    assert again(keeper, P100, 10, "buy") == "breaker_state"  # 30 of 20 long, should all of them fill


def test_nothing_is_closed_twice_while_fills_of_its_legs_are_to_come(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=P100, price="2.00")
    bought(keeper, 2, terms=P95, price="1.00")
    intent = order(BULL_PUT, 2, side="sell", limit_price=_price(BULL_PUT))
    assert verdict(keeper, intent) == "reducing"
    fill = Fill(strategy_id="S-ONE", terms=BULL_PUT, signed_quantity=-1, price=D(1))
    keeper.filled(intent.order_id, "T", fill, NOW_NS)
    keeper.cancel(intent.order_id, NOW_NS)
    keeper.ended(intent.order_id, NOW_NS)
    assert again(keeper, BULL_PUT, 2, "sell") == "breaker_state"
    for terms, count in ((P100, 1), (P95, -1)):
        leg = Fill(strategy_id="S-ONE", terms=terms, signed_quantity=count, price=D(1))
        keeper.filled(intent.order_id, terms.instrument_id, leg, NOW_NS)
    assert again(keeper, BULL_PUT, 1, "sell") == "reducing"


def test_without_limits_for_options_the_grace_period_is_waited_for(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000, options=None), market)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    bought(keeper, 5, terms=P100, price="1.00")
    close(keeper, P100, 5, "sell")
    assert again(keeper, P100, 5, "sell") == "breaker_state"
    late = order(P100, 5, side="sell", limit_price=D("0.99"))
    assert verdict(keeper, late, NOW_NS + 3 * NS_PER_SECOND) == "reducing"


def test_while_the_breaker_runs_a_strategy_waits_and_the_kill_switch_does_not(market: TableMarket) -> None:
    """Of the canceled sale one may have filled, unreported: sold again, the account would be naked."""
    market.default_quote = quote("1.00", "1.10")
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), market)
    call = option(115, "call")
    bought(keeper, 4, terms=call, price="1.00")
    close(keeper, call, 2, "sell")
    assert again(keeper, call, 3, "sell") == "option_defined_risk"
    assert again(keeper, call, 2, "sell") == "reducing"
    sale = order(call, 1, side="sell", limit_price=D("1.05"))
    keeper.account.kill_switch_order = sale.order_id
    assert verdict(keeper, sale, LATER_NS) == "reducing"
    keeper.account.kill_switch_order = None
    late = order(call, 1, side="sell", limit_price=D("1.05"))
    assert verdict(keeper, late, NOW_NS + 2 * NS_PER_SECOND) == "reducing"
