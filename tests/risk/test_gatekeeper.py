"""Decisions of the pure gate: lists, modifications, duplicates, faults, what it remembers over a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from market.time import NS_PER_MS, NS_PER_SECOND, to_ns
from risk.account import Account
from risk.breaker_file import BreakerRecord, DayRecord
from risk.decision import Approved, Refused
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms, OrderIntent
from risk.market_view import Greeks, SessionView
from risk.performance import Fill
from risk.policy import Policy
from risk.rates import MAX_REMEMBERED, SlidingCount
from risk.reservation import MAX_PENDING_CHANGES
from risk.sent_intents import SentIntents
from risk.snapshot import DayResult, Exposure, Snapshot
from tests.risk.limit_cases import LIMITS, OPTION_LIMITS, limits
from tests.risk.table_market import (
    NOW_NS,
    TableMarket,
    gatekeeper,
    option,
    order,
    quote,
    running,
    spread,
    stock,
)

D = Decimal
F = stock()
VERTICAL = spread((option(100), -1), (option(95), 1))


@pytest.fixture
def market() -> TableMarket:
    return TableMarket()


@pytest.fixture
def keeper(market: TableMarket) -> Gatekeeper:
    return gatekeeper(LIMITS, market)


def verdict(keeper: Gatekeeper, intent: OrderIntent, now_ns: int = NOW_NS) -> str:
    """Return the rule that refuses, `reducing` or `approved`."""
    (decision,) = keeper.submit([intent], now_ns)
    if isinstance(decision, Refused):
        return decision.rule
    return "reducing" if decision.is_reducing else "approved"


def snapshot(keeper: Gatekeeper, intent: OrderIntent) -> Snapshot:
    account = keeper.account
    return account.snapshot(intent, account.market.session(NOW_NS), NOW_NS)


def bought(keeper: Gatekeeper, count: int, *, terms: InstrumentTerms = F, price: str = "5.00") -> None:
    fill = Fill(strategy_id="S-ONE", terms=terms, signed_quantity=count, price=D(price))
    keeper.filled("earlier", f"T-{count}-{terms.instrument_id}", fill, NOW_NS)


def changed(intent: OrderIntent, quantity: int, **fields: Any) -> OrderIntent:
    return msgspec.structs.replace(intent, quantity=quantity, replaces=True, **fields)


def test_an_approved_order_is_reserved_and_counted(keeper: Gatekeeper) -> None:
    intent = order()
    assert keeper.submit([intent], NOW_NS) == [Approved(intent)]
    assert keeper.account.ledger.open_orders == 1
    assert keeper.account.orders.count(NOW_NS) == 1


def test_a_refused_order_reserves_and_counts_nothing(keeper: Gatekeeper) -> None:
    assert verdict(keeper, order(quantity=101)) == "shares_per_order"
    assert (keeper.account.ledger.reservations, keeper.account.orders.count(NOW_NS)) == ({}, 0)
    assert keeper.account.attempts.count(NOW_NS) == 1


def test_an_order_id_goes_out_once(keeper: Gatekeeper) -> None:
    intent = order()
    assert verdict(keeper, intent) == "approved"
    (again,) = keeper.submit([intent], NOW_NS)
    assert isinstance(again, Refused)
    assert (again.rule, again.ib_code) == ("ib_duplicate_id", 103)


def test_a_list_with_a_bad_order_is_taken_back_whole(keeper: Gatekeeper) -> None:
    good, bad, later = order(), order(quantity=101), order(quantity=11)
    decisions = keeper.submit([good, bad, later], NOW_NS)
    assert [each.rule for each in decisions if isinstance(each, Refused)] == [
        "order_list", "shares_per_order", "order_list",
    ]  # fmt: skip
    first = decisions[0]
    assert isinstance(first, Refused)
    assert (first.value, first.ib_code) == (f"order {bad.order_id} of the list broke shares_per_order", None)
    assert (keeper.account.ledger.reservations, keeper.account.orders.count(NOW_NS)) == ({}, 0)
    assert verdict(keeper, msgspec.structs.replace(good, order_id="new")) == "approved"


def test_orders_of_a_list_count_together(keeper: Gatekeeper) -> None:
    decisions = keeper.submit([order(quantity=100), order(quantity=99), order(quantity=2)], NOW_NS)
    assert isinstance(decisions[2], Refused)
    assert decisions[2].rule == "position_per_symbol"


def test_ibs_rules_come_first_also_for_closing_orders(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    assert verdict(keeper, order(quantity=10, side="sell", limit_price=D("5.005"))) == "ib_tick"


def test_a_fault_of_the_rule_book_does_not_trap_a_position(
    keeper: Gatekeeper, market: TableMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(keeper, 10)

    def fault(_now_ns: int) -> None:
        raise RuntimeError("no calendar")

    monkeypatch.setattr(market, "session", fault)
    assert verdict(keeper, order(quantity=10, side="sell")) == "reducing"
    (opening,) = keeper.submit([order()], NOW_NS)
    assert isinstance(opening, Refused)
    assert (opening.rule, opening.value) == ("judgement", "RuntimeError: no calendar")


def test_an_order_whose_effect_cannot_be_told_is_refused(
    keeper: Gatekeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(keeper, 10)

    def fault(_intent: OrderIntent) -> bool:
        raise RuntimeError("ledger fault")

    monkeypatch.setattr(keeper.account, "is_reducing", fault)
    assert verdict(keeper, order(quantity=10, side="sell")) == "judgement"


# -- Reducing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["SAFE_MODE", "HALT"])
def test_only_closing_orders_pass_outside_running(keeper: Gatekeeper, state: str) -> None:
    bought(keeper, 10)
    breaker = msgspec.structs.replace(keeper.account.breaker, state=state)
    keeper.account.breaker = breaker
    assert verdict(keeper, order(quantity=1)) == "breaker_state"
    assert verdict(keeper, order(quantity=11, side="sell")) == "breaker_state"
    assert verdict(keeper, order(quantity=10, side="sell")) == "reducing"


@pytest.mark.parametrize(("held", "side"), [(1, "sell"), (-1, "buy")])
@pytest.mark.parametrize("strategy", ["S-ONE", "S-TWO"])
def test_the_last_share_is_never_trapped(keeper: Gatekeeper, held: int, side: str, strategy: str) -> None:
    """By whichever strategy: the account's position is closed, and a halt does not stand in the way."""
    bought(keeper, held)
    halted = keeper.account.breaker.halted(NOW_NS, by="test", reason="test")
    keeper.account.breaker = halted
    assert verdict(keeper, order(quantity=1, side=side, strategy_id=strategy)) == "reducing"


@pytest.mark.parametrize(("held", "side"), [(1, "buy"), (-1, "sell")])
def test_adding_to_the_last_share_is_an_opening(keeper: Gatekeeper, held: int, side: str) -> None:
    bought(keeper, held)
    assert verdict(keeper, order(quantity=1, side=side)) == "approved"


def test_closing_passes_whatever_else_is_wrong(keeper: Gatekeeper, market: TableMarket) -> None:
    bought(keeper, 500)
    market.default_quote = None
    market.funds = None
    keeper.account.all_paused_by = "Ann"
    assert verdict(keeper, order(quantity=500, side="sell", order_type="market")) == "reducing"


def test_closing_again_passes_once_the_first_order_is_being_canceled(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    stop = order(quantity=10, side="sell")
    verdict(keeper, stop)
    keeper.account.breaker = msgspec.structs.replace(keeper.account.breaker, state="SAFE_MODE")
    assert verdict(keeper, order(quantity=10, side="sell")) == "breaker_state"
    keeper.cancel(stop.order_id, NOW_NS)
    assert verdict(keeper, order(quantity=10, side="sell")) == "reducing"
    assert keeper.account.replaces.count(NOW_NS) == 1


def test_closing_again_passes_up_to_the_position_limit_and_not_beyond(market: TableMarket) -> None:
    for limit, expected in ((10, "reducing"), (9, "breaker_state")):
        tight = limits(max_position_shares_per_symbol=limit, max_shares_per_order=limit)
        keeper = gatekeeper(tight, market)
        bought(keeper, 10)
        stop = order(quantity=10, side="sell")
        assert verdict(keeper, stop) == "reducing"
        keeper.cancel(stop.order_id, NOW_NS)
        keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
        assert verdict(keeper, order(quantity=10, side="sell")) == expected


def test_closing_again_and_again_cannot_flip_beyond_the_position_limit(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    for _ in range(10):
        close = order(quantity=100, side="sell")
        if verdict(keeper, close) == "reducing":
            keeper.cancel(close.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst <= LIMITS.max_position_shares_per_symbol


def test_a_brackets_children_pass_with_their_entry(keeper: Gatekeeper) -> None:
    entry = order(quantity=100)
    child: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id, "group_id": "G"}
    children = [order(quantity=100, **child) for _ in range(2)]
    decisions = keeper.submit([entry, *children], NOW_NS)
    assert [isinstance(each, Approved) and each.is_reducing for each in decisions] == [False, True, True]


def test_children_that_close_more_than_their_entry_are_judged_as_openings(keeper: Gatekeeper) -> None:
    entry = order(quantity=50)
    child: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id}
    keeper.submit([entry], NOW_NS)
    assert verdict(keeper, order(quantity=30, **child)) == "reducing"
    assert verdict(keeper, order(quantity=21, **child)) == "approved"
    assert verdict(keeper, order(quantity=101, **child)) == "shares_per_order"


# -- Options --------------------------------------------------------------------------------------


def test_a_spread_passes_and_its_naked_short_leg_does_not(keeper: Gatekeeper, market: TableMarket) -> None:
    market.quotes[VERTICAL.instrument_id] = quote("-1.25", "-1.20")
    market.default_quote = quote("2.00", "2.10")
    assert verdict(keeper, order(VERTICAL, 2, limit_price=D("-1.20"))) == "approved"
    assert verdict(keeper, order(option(100), 1, side="sell", limit_price=D("2.00"))) == "option_defined_risk"


def opened(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=option(100), price="2.00")
    bought(keeper, 2, terms=option(95), price="1.00")


def test_closing_a_spread_as_one_passes_in_a_halt(keeper: Gatekeeper) -> None:
    opened(keeper)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    assert verdict(keeper, order(VERTICAL, 2, side="sell", limit_price=D("-1.50"))) == "reducing"


def test_selling_the_cover_of_a_short_option_is_no_closing(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    opened(keeper)
    assert verdict(keeper, order(option(95), 1, side="sell", limit_price=D("1.00"))) == "option_defined_risk"
    assert verdict(keeper, order(option(100), 2, limit_price=D("1.00"))) == "reducing"


def test_buying_back_a_part_of_a_naked_short_passes(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=option(100), price="2.00")
    bought(keeper, -2, terms=option(95), price="1.00")
    assert verdict(keeper, order(option(100), 1, limit_price=D("2.00"))) == "reducing"
    both = spread((option(100), -1), (option(95), -1))
    assert verdict(keeper, order(both, 1, side="sell", limit_price=D("-3.00"))) == "reducing"


def test_the_cover_may_be_sold_once_the_short_is_gone(keeper: Gatekeeper) -> None:
    opened(keeper)
    bought(keeper, 2, terms=option(100), price="1.00")
    assert verdict(keeper, order(option(95), 2, side="sell", limit_price=D("1.00"))) == "reducing"


def test_another_strategy_cannot_close_what_would_uncover(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    opened(keeper)
    foreign = order(option(95), 1, side="sell", limit_price=D("1.00"), strategy_id="OTHER")
    assert verdict(keeper, foreign) == "option_defined_risk"


def test_losses_count_per_underlying_over_strategies(keeper: Gatekeeper, market: TableMarket) -> None:
    market.quotes[VERTICAL.instrument_id] = quote("-1.05", "-1.00")
    for strategy_id in ("A", "B"):
        assert (
            verdict(keeper, order(VERTICAL, 5, limit_price=D("-1.00"), strategy_id=strategy_id)) == "approved"
        )
    assert verdict(keeper, order(VERTICAL, 1, limit_price=D("-1.00"))) == "option_loss_per_underlying"


def test_an_option_without_greeks_is_refused(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = None
    market.default_quote = quote("1.00", "1.10")
    assert verdict(keeper, order(option(100), 1, limit_price=D("1.10"))) == "option_delta"


def test_a_held_option_without_greeks_makes_delta_unknown(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    market.default_greeks = None
    market.greeks_by_id = {option(100).instrument_id: Greeks(-0.5, 0.01)}
    bought(keeper, 1, terms=option(95), price="1.00")
    assert verdict(keeper, order(option(100), 1, limit_price=D("1.10"))) == "option_delta"


def test_an_option_must_say_what_it_is() -> None:
    with pytest.raises(ValueError, match="lacks right, strike or expiry"):
        InstrumentTerms(instrument_id="X", symbol="X", kind="option", price_increment=D("0.01"), right="put")


def test_a_stock_first_does_not_hide_the_options_after_it(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    bought(keeper, 40, terms=stock("SPY"))
    bought(keeper, 2, terms=option(95), price="1.00")
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-60 - 50)


def test_delta_of_another_underlying_does_not_count(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    assert verdict(keeper, order(option(100, symbol="QQQ"), 4, limit_price=D("1.10"))) == "approved"
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-50)


def test_delta_counts_positions_working_orders_and_shares(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    bought(keeper, 2, terms=option(95), price="1.00")
    bought(keeper, -40, terms=stock("SPY"))
    assert verdict(keeper, order(option(100), 4, limit_price=D("1.10"))) == "approved"
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-40 - 100 - 200 - 50)
    assert risk.vega_usd == pytest.approx(7.0)
    sale = keeper.account.options.risk_after(order(option(100), 9, side="sell", limit_price=D("1.00")))
    assert sale is not None
    assert sale.delta_shares == pytest.approx(-40 - 100 - 200)  # alone worse than with the sale's +450


def test_an_order_without_any_price_has_an_unknown_loss(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = None
    risk = keeper.account.options.risk_after(order(option(100), 1, order_type="market"))
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd, risk.has_defined_risk) == (None, None, True)
    market.default_quote = quote("1.00", "1.10")
    risk = keeper.account.options.risk_after(order(option(100), 2, order_type="market"))
    assert risk is not None
    assert risk.order_loss_usd == 220


def test_options_weigh_on_stock_orders_through_buying_power(keeper: Gatekeeper, market: TableMarket) -> None:
    assert keeper.account.options.risk_after(order()) is None
    market.quotes[VERTICAL.instrument_id] = quote("-1.05", "-1.00")
    verdict(keeper, order(VERTICAL, 2, limit_price=D("-1.00")))
    risk = keeper.account.options.risk_after(order())
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd, risk.underlying_loss_usd) == (D(0), D(800), D(0))
    market.funds = D(820)
    assert verdict(keeper, order(quantity=5)) == "buying_power"


def test_a_spread_whose_legs_fill_apart_counts_what_they_paid(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    market.quotes[VERTICAL.instrument_id] = quote("-1.05", "-1.00")
    intent = order(VERTICAL, 2, limit_price=D("-1.00"))
    verdict(keeper, intent)
    leg = Fill(strategy_id="S-ONE", terms=option(100), signed_quantity=-2, price=D("3.00"))
    keeper.filled(intent.order_id, "T", leg, NOW_NS)
    risk = keeper.account.options.risk_after(order())
    assert risk is not None
    assert risk.total_loss_usd is None  # the short leg alone is naked until the long one reports
    assert not risk.has_defined_risk
    rest = Fill(strategy_id="S-ONE", terms=option(95), signed_quantity=2, price=D("2.00"))
    keeper.filled(intent.order_id, "T", rest, NOW_NS)
    risk = keeper.account.options.risk_after(order())
    assert risk is not None
    assert risk.total_loss_usd == 800


def test_a_modified_option_order_counts_its_delta_once(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    intent = order(option(100), 2, limit_price=D("1.10"))
    verdict(keeper, intent)
    risk = keeper.account.options.risk_after(changed(intent, 3))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-150)


def test_a_modified_option_order_counts_at_the_worse_of_old_and_new(keeper: Gatekeeper) -> None:
    keeper.account.market.default_quote = quote("1.00", "1.10")  # type: ignore[attr-defined]
    intent = order(option(100), 2, limit_price=D("1.10"))
    verdict(keeper, intent)
    risk = keeper.account.options.risk_after(changed(intent, 1, limit_price=D("1.30")))
    assert risk is not None
    assert risk.order_loss_usd == 260
    risk = keeper.account.options.risk_after(changed(intent, 3, limit_price=D("1.00")))
    assert risk is not None
    assert risk.order_loss_usd == 330


# -- Modifications --------------------------------------------------------------------------------


def test_a_modification_of_an_unknown_order_is_refused_with_ibs_code(keeper: Gatekeeper) -> None:
    refused = keeper.change(changed(order(), 5), 5, NOW_NS)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.ib_code) == ("ib_modify", 104)


def test_a_modification_of_an_ended_order_is_refused() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=1_000), TableMarket())
    intent = order()
    verdict(keeper, intent)
    keeper.ended(intent.order_id, NOW_NS)
    refused = keeper.change(changed(intent, 5), 5, NOW_NS)
    assert isinstance(refused, Refused)
    assert refused.rule == "ib_modify"


def test_unanswered_modifications_are_bounded(keeper: Gatekeeper) -> None:
    intent = order(quantity=50)
    verdict(keeper, intent)
    for number in range(MAX_PENDING_CHANGES):
        assert isinstance(keeper.change(changed(intent, 51 + number), 51 + number, NOW_NS), Approved)
    refused = keeper.change(changed(intent, 90), 90, NOW_NS)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.limit) == ("pending_changes", "16")
    assert keeper.account.replaces.count(NOW_NS) == MAX_PENDING_CHANGES


@pytest.mark.parametrize(
    ("side", "quantity", "price", "passes"),
    [
        ("buy", 10, "5.00", True),
        ("buy", 9, "5.00", True),
        ("buy", 10, "4.99", True),
        ("buy", 10, "5.01", False),
        ("buy", 11, "4.99", False),
        ("sell", 10, "5.01", True),
        ("sell", 10, "4.99", False),
    ],
)
def test_in_safe_mode_a_modification_may_only_lower_risk(
    keeper: Gatekeeper, side: str, quantity: int, price: str, passes: bool
) -> None:
    intent = order(quantity=10, side=side)
    verdict(keeper, intent)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    decision = keeper.change(changed(intent, quantity, limit_price=D(price)), quantity, NOW_NS)
    assert isinstance(decision, Approved) == passes


def test_what_is_filled_does_not_make_room_for_a_larger_order(keeper: Gatekeeper) -> None:
    intent = order(quantity=10)
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=4, price=D("5.00"))
    keeper.filled(intent.order_id, "T-1", fill, NOW_NS)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    assert isinstance(keeper.change(changed(intent, 7), 11, NOW_NS), Refused)
    assert isinstance(keeper.change(changed(intent, 6), 10, NOW_NS), Approved)


def test_a_market_order_is_not_made_better_by_a_price(keeper: Gatekeeper) -> None:
    intent = order(order_type="market")
    verdict(keeper, intent)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    decision = keeper.change(changed(intent, 10, limit_price=D("5.00")), 10, NOW_NS)
    assert isinstance(decision, Refused)
    assert isinstance(keeper.change(changed(intent, 10), 10, NOW_NS), Approved)


def test_nothing_is_taken_for_lower_while_a_larger_request_is_open(keeper: Gatekeeper) -> None:
    intent = order(quantity=10)
    verdict(keeper, intent)
    assert isinstance(keeper.change(changed(intent, 20), 20, NOW_NS), Approved)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    assert isinstance(keeper.change(changed(intent, 9), 9, NOW_NS), Refused)


def test_a_canceled_order_may_still_fill_within_the_grace_period() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=100), TableMarket())
    intent = order(quantity=100)
    verdict(keeper, intent)
    keeper.ended(intent.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 100
    keeper.finished(intent.order_id, NOW_NS)
    assert verdict(keeper, order(quantity=99), NOW_NS + 100 * NS_PER_MS) == "approved"
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 99


def test_a_filled_order_leaves_nothing_behind() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=100), TableMarket())
    intent = order(quantity=100)
    verdict(keeper, intent)
    keeper.finished(intent.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 0


def test_a_modified_option_order_pays_only_what_is_not_paid_yet(keeper: Gatekeeper) -> None:
    keeper.account.market.default_quote = quote("1.00", "1.10")  # type: ignore[attr-defined]
    intent = order(option(100), 4, limit_price=D("1.10"))
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=option(100), signed_quantity=1, price=D("1.10"))
    keeper.filled(intent.order_id, "T", fill, NOW_NS)
    risk = keeper.account.options.risk_after(changed(intent, 3))
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd) == (D(330), D(440))


# -- Memory ---------------------------------------------------------------------------------------


def test_a_rejected_decision_may_be_sent_again(keeper: Gatekeeper) -> None:
    intent = order(idempotency_key="decision:1")
    verdict(keeper, intent)
    again = msgspec.structs.replace(intent, order_id="again")
    assert verdict(keeper, again) == "duplicate_intent"
    keeper.rejected(intent.order_id, NOW_NS)
    assert keeper.account.rejects.count(NOW_NS) == 1
    assert verdict(keeper, again) == "approved"
    keeper.rejected("unknown", NOW_NS)


def test_an_equal_order_is_a_duplicate_until_the_window_has_passed(keeper: Gatekeeper) -> None:
    intent = order()
    verdict(keeper, intent)
    window_ns = LIMITS.duplicate_window_ms * NS_PER_MS
    later = [msgspec.structs.replace(intent, order_id=name) for name in ("a", "b")]
    assert verdict(keeper, later[0], NOW_NS + window_ns - 1) == "duplicate_intent"
    assert verdict(keeper, later[1], NOW_NS + window_ns) == "approved"


@pytest.mark.parametrize(
    "change",
    [
        {"side": "sell"},
        {"quantity": 11},
        {"strategy_id": "T"},
        {"limit_price": D("4.99")},
        {"terms": stock("GE")},
    ],
)
def test_an_order_that_differs_is_no_duplicate(keeper: Gatekeeper, change: dict[str, Any]) -> None:
    intent = order()
    verdict(keeper, intent)
    other = msgspec.structs.replace(intent, order_id="other", **change)
    assert verdict(keeper, other) == "approved"


def test_one_decision_may_have_an_order_on_each_side() -> None:
    sent = SentIntents(window_ns=1)
    intent = order(idempotency_key="k")
    sent.remember(intent, 1)
    assert sent.earlier(intent, 10) is None
    assert sent.earlier(msgspec.structs.replace(intent, order_id="x"), 10) == intent.order_id
    assert sent.earlier(msgspec.structs.replace(intent, order_id="x", side="sell"), 10) is None
    sent.forget(order())
    assert sent.earlier(msgspec.structs.replace(intent, order_id="x"), 10) == intent.order_id


def test_memory_of_sent_orders_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.sent_intents.MAX_REMEMBERED", 2)
    sent = SentIntents(window_ns=1)
    intents = [order(quantity=number, idempotency_key=str(number)) for number in range(1, 4)]
    for intent in intents:
        sent.remember(intent, 1)
    assert [sent.has_order(intent.order_id) for intent in intents] == [False, True, True]
    assert sent.earlier(order(quantity=1, idempotency_key="1"), 1) is None


def test_each_memory_of_sent_orders_is_bounded_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.sent_intents.MAX_REMEMBERED", 2)
    sent = SentIntents(window_ns=10)
    alike = [order(quantity=5) for _ in range(3)]
    for intent in alike:
        sent.remember(intent, 1)
    assert [sent.has_order(intent.order_id) for intent in alike] == [False, True, True]
    assert sent.earlier(order(quantity=5), 2) == alike[-1].order_id


def test_a_sliding_count_forgets_what_left_its_window() -> None:
    count = SlidingCount(100)
    for now_ns in (0, 50, 100):
        count.add(now_ns)
    assert count.count(99) == 3
    assert count.count(100) == 2
    assert count.count(199) == 1
    count.take_back()
    assert count.count(199) == 0
    for _ in range(MAX_REMEMBERED + 5):
        count.add(200)
    assert count.count(200) == MAX_REMEMBERED


def test_rates_count_within_their_windows(keeper: Gatekeeper) -> None:
    account = keeper.account
    for counter, window_ns in (
        (account.orders, NS_PER_SECOND), (account.attempts, NS_PER_SECOND),
        (account.replaces, 60 * NS_PER_SECOND), (account.rejects, 60 * NS_PER_SECOND),
    ):  # fmt: skip
        counter.add(NOW_NS)
        assert counter.count(NOW_NS + window_ns - 1) == 1
        assert counter.count(NOW_NS + window_ns) == 0


def test_a_strategy_that_tries_ten_times_the_rate_runs_away(keeper: Gatekeeper) -> None:
    most = 10 * LIMITS.max_orders_per_second
    for _ in range(most):
        verdict(keeper, order(quantity=101))
    assert not keeper.account.is_running_away(NOW_NS)
    verdict(keeper, order(quantity=101))
    assert keeper.account.is_running_away(NOW_NS)
    assert not keeper.account.is_running_away(NOW_NS + NS_PER_SECOND)


def test_a_canceled_order_counts_for_the_grace_period_of_the_limits(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=500), market)
    canceled = order(quantity=100)
    assert verdict(keeper, canceled) == "approved"
    keeper.ended(canceled.order_id, NOW_NS)
    ends_ns = NOW_NS + 500 * NS_PER_MS
    keeper.account.ledger.release_expired(ends_ns - 1)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 100
    keeper.account.ledger.release_expired(ends_ns)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 0


def test_what_a_childs_sibling_has_filled_protects_no_more(keeper: Gatekeeper) -> None:
    entry = order(quantity=10)
    keeper.adopt_order(entry, filled=0)
    keeper.adopt_order(order(quantity=4, side="sell", protects_id=entry.order_id), filled=2)
    keeper.account.all_paused_by = "Ann"
    for quantity, seen in ((7, "trading_paused"), (6, "reducing")):
        child = order(quantity=quantity, side="sell", protects_id=entry.order_id)
        assert verdict(keeper, child) == seen


def test_a_repeated_execution_is_booked_once(keeper: Gatekeeper) -> None:
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=10, price=D(5))
    keeper.filled("O", "T", fill, NOW_NS)
    keeper.filled("O", "T", fill, NOW_NS)
    assert keeper.account.ledger.net("F.SMART") == 10


def test_an_adopted_position_and_order_count(keeper: Gatekeeper) -> None:
    keeper.adopt_position("EXTERNAL", F, 30, D("4.00"))
    intent = order(quantity=20)
    keeper.adopt_order(intent, filled=5)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 50
    assert keeper.account.sent.has_order(intent.order_id)
    assert keeper.account.performance.open_profit(keeper.account.market.quote) == D("29.70")


# -- The snapshot ---------------------------------------------------------------------------------


def test_the_snapshot_counts_values_at_the_worst_price_in_play(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    verdict(keeper, order(quantity=20, limit_price=D("5.04")))
    bought(keeper, 10, terms=stock("GE"))
    market.quotes["GE.SMART"] = quote("7.00", "7.10")
    seen = snapshot(keeper, order(quantity=30, limit_price=D("5.02")))
    assert seen.order_value_usd == D("150.60")
    assert seen.symbol_value_after_usd == 50 * D("5.04")
    assert seen.total_value_after_usd == 50 * D("5.04") + 71
    assert (seen.symbols_after, seen.open_orders_after) == (2, 2)


def test_a_market_order_is_valued_at_the_quote_it_takes(keeper: Gatekeeper) -> None:
    buy = snapshot(keeper, order(order_type="market"))
    sell = snapshot(keeper, order(order_type="market", side="sell"))
    assert (buy.order_value_usd, sell.order_value_usd) == (D("50.00"), D("49.90"))
    dear = snapshot(keeper, order(limit_price=D("9.00")))
    assert dear.symbol_value_after_usd == 90


def test_without_quotes_values_are_unknown(keeper: Gatekeeper, market: TableMarket) -> None:
    bought(keeper, 10, terms=stock("GE"))
    market.quotes["F.SMART"] = None
    seen = snapshot(keeper, order(order_type="market"))
    assert (seen.order_value_usd, seen.symbol_value_after_usd) == (None, None)
    assert snapshot(keeper, order()).total_value_after_usd is None
    market.quotes = {"GE.SMART": None}
    seen = snapshot(keeper, order())
    assert (seen.total_value_after_usd, seen.day, seen.open_loss_usd) == (None, None, D(0))


def test_the_open_loss_is_the_symbols_at_the_touch(keeper: Gatekeeper, market: TableMarket) -> None:
    bought(keeper, 10, price="6.00")
    bought(keeper, -10, terms=stock("GE"), price="4.00")
    assert snapshot(keeper, order()).open_loss_usd == D("10.10")
    assert snapshot(keeper, order(stock("GE"))).open_loss_usd == D("10.00")
    for bid in ("6.50", "6.05"):
        market.quotes["F.SMART"] = quote(bid, "6.60")
        assert snapshot(keeper, order()).open_loss_usd == 0
    market.quotes["F.SMART"] = None
    assert snapshot(keeper, order()).open_loss_usd is None


def test_each_value_of_a_snapshot_lands_in_its_field(market: TableMarket) -> None:
    keeper = gatekeeper(limits(duplicate_window_ms=60_000), market)
    bought(keeper, 10, terms=stock("GE"), price="4.00")
    held = order(quantity=4, limit_price=D("4.95"), idempotency_key="decision:1")
    assert verdict(keeper, held) == "approved"
    for _ in range(3):
        keeper.cancel("elsewhere", NOW_NS)
    market.last_prices["F.SMART"] = D("4.98")
    market.funds = D(1_234)
    market.view = SessionView("no_trade", False, None)
    seen = snapshot(keeper, order(quantity=20, idempotency_key="decision:1"))
    assert seen == Snapshot(
        now_ns=NOW_NS,
        breaker="RUNNING",
        pause=None,
        session_phase="no_trade",
        entries_allowed=False,
        allowed_symbols=keeper.account.allowed_symbols,
        quote=market.default_quote,
        last_price=D("4.98"),
        order_value_usd=D("100.00"),
        exposure_after={"F.SMART": Exposure(24, 0)},
        symbol_value_after_usd=D("120.00"),
        total_value_after_usd=D("170.00"),
        symbols_after=2,
        open_orders_after=2,
        orders_last_second=1,
        replaces_last_minute=3,
        duplicate_of=held.order_id,
        funds_usd=D(1_234),
        day=DayResult(profit_usd=D("9.90"), high_usd=D("9.90"), consecutive_losses=0, paused_until_ns=None),
        open_loss_usd=D(0),
        option_risk=None,
    )


def test_pauses_show_in_the_snapshot(keeper: Gatekeeper) -> None:
    keeper.account.paused_symbols["F"] = "Ann"
    assert snapshot(keeper, order()).pause == "Ann"
    assert snapshot(keeper, order(stock("GE"))).pause is None
    keeper.account.all_paused_by = "Bob"
    assert snapshot(keeper, order(stock("GE"))).pause == "Bob"


# -- Days and restarts ----------------------------------------------------------------------------


def restarted(record: BreakerRecord) -> Account:
    return Account(LIMITS, TableMarket(), allowed_symbols=frozenset({"F"}), record=record)


def test_a_restart_on_the_same_day_keeps_its_loss_and_pauses() -> None:
    day = DayRecord(day=date(2024, 3, 5), realized_usd=D(-45), high_usd=D(2), consecutive_losses=2)
    record = msgspec.structs.replace(running(), day=day, paused_symbols=("F",), is_all_paused=True)
    account = restarted(record)
    account.roll_day(NOW_NS)
    result = account.performance.day(account.market.quote)
    assert result is not None
    assert (result.loss_usd, result.drawdown_usd, result.consecutive_losses) == (D(45), D(47), 2)
    assert (account.paused_symbols, account.all_paused_by) == ({"F": "an earlier run"}, "an earlier run")
    assert account.day == date(2024, 3, 5)


def test_a_restart_on_another_day_starts_afresh() -> None:
    day = DayRecord(day=date(2024, 3, 4), realized_usd=D(-45), high_usd=D(2), consecutive_losses=2)
    account = restarted(msgspec.structs.replace(running(), day=day))
    account.roll_day(NOW_NS)
    assert account.performance.realized_usd == 0
    assert (account.paused_symbols, account.all_paused_by) == ({}, None)


def test_the_day_rolls_at_midnight_in_new_york(keeper: Gatekeeper) -> None:
    account = keeper.account
    bought(keeper, 10)
    bought(keeper, -10, price="4.00")
    account.roll_day(to_ns("2024-03-05T23:59:59-05:00"))
    assert account.performance.realized_usd == -10
    account.roll_day(to_ns("2024-03-06T00:00:00-05:00"))
    assert account.performance.realized_usd == 0
    assert account.day == date(2024, 3, 6)


def test_the_policy_sees_the_limits_it_was_given() -> None:
    tight = limits(max_shares_per_order=1, options=OPTION_LIMITS)
    keeper = gatekeeper(tight, TableMarket())
    assert keeper.policy.limits is tight
    assert verdict(keeper, order(quantity=2)) == "shares_per_order"
    assert isinstance(Policy(tight).rules, tuple)
