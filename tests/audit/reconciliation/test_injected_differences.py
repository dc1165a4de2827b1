"""A single difference, put into a random day at random, is always found, alone, and for the right cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from audit.events import Entry
from audit.reconciliation import Difference, journal_ledger, parse_statement, reconcile
from market.commissions import OrderCommission, ib_tiered
from market.time import NS_PER_MINUTE, NS_PER_SECOND
from tests.audit.reconciliation.days import (
    DAY,
    Fill,
    days,
    journal_of,
    trades_of,
    with_commission,
    without_fill,
)
from tests.audit.reconciliation.statement_writer import BrokerTrade, Statement, activity_csv, flex_xml

NS_PER_HOUR = 60 * NS_PER_MINUTE
SYNTHETIC = BrokerTrade(
    exec_id="0000aaaa.52000000.01.01",
    order_id="777",
    order_reference="",
    symbol="BAC",
    side="BUY",
    quantity=Decimal(100),
    price=Decimal("14.11"),
    commission=Decimal("1.00"),
    ts_ns=1_381_168_800_000_000_000,
)


class Day:
    """Both sides of a day that can be changed, and which execution is to be changed."""

    def __init__(self, fills: tuple[Fill, ...], index: int) -> None:
        self.fills = fills
        self.index = index % len(fills)
        self.journal: list[Entry] = journal_of(fills)
        self.statement = Statement(trades_of(fills), DAY, DAY)

    @property
    def chosen(self) -> BrokerTrade:
        return self.statement.trades[self.index]

    @property
    def order(self) -> list[Fill]:
        return [fill for fill in self.fills if fill.order == self.fills[self.index].order]

    def change(self, **terms: object) -> None:
        trades = list(self.statement.trades)
        trades[self.index] = replace(self.chosen, **terms)  # type: ignore[arg-type]
        self.restate(trades=tuple(trades))

    def add(self, trade: BrokerTrade) -> None:
        self.restate(trades=(*self.statement.trades, trade))

    def restate(self, **changes: object) -> None:
        self.statement = replace(self.statement, **changes)  # type: ignore[arg-type]

    def bill(self, amounts: list[Decimal]) -> None:
        """Charge the chosen order's executions these amounts."""
        trades = list(self.statement.trades)
        for fill, amount in zip(self.order, amounts, strict=True):
            place = self.fills.index(fill)
            trades[place] = replace(trades[place], commission=amount)
        self.restate(trades=tuple(trades))

    def differences(self, form: Callable[[Statement], str]) -> tuple[Difference, ...]:
        statement = parse_statement(form(self.statement))
        return reconcile(journal_ledger(self.journal), statement=statement).differences


def missing_at_broker(day: Day) -> None:
    day.restate(trades=tuple(trade for trade in day.statement.trades if trade is not day.chosen))


def missing_in_journal(day: Day) -> None:
    assume(any(fill.symbol == day.fills[day.index].symbol for fill in day.fills if fill not in day.order[:1]))
    day.journal = without_fill(day.journal, day.index)


def duplicate_at_broker(day: Day) -> None:
    day.restate(printed=(day.chosen,))


def duplicate_in_journal(day: Day) -> None:
    fills = [entry for entry in day.journal if entry.kind == "fill"]
    day.journal.append(msgspec.structs.replace(fills[day.index], seq=900))


def wrong_quantity(day: Day) -> None:
    day.change(quantity=day.chosen.quantity + 500)


def wrong_side(day: Day) -> None:
    day.change(side="SELL" if day.chosen.side == "BUY" else "BUY")


def wrong_price(day: Day) -> None:
    day.change(price=day.chosen.price + Decimal("0.40"))


def price_rounding(day: Day) -> None:
    day.change(price=day.chosen.price + Decimal("0.004"))


def another_day(day: Day) -> None:
    day.change(ts_ns=day.chosen.ts_ns + 24 * NS_PER_HOUR)
    day.restate(last_day=DAY + timedelta(days=1))


def clock(day: Day) -> None:
    day.change(ts_ns=day.chosen.ts_ns + 130 * NS_PER_SECOND)


def commission_differs(day: Day) -> None:
    day.change(commission=day.chosen.commission + Decimal("53.37"))


def commission_missing(day: Day) -> None:
    day.journal = with_commission(day.journal, day.order[0].client_order_id, Decimal("0.00"))


def commission_tier(day: Day) -> None:
    commission = OrderCommission(ib_tiered(DAY), "buy" if day.chosen.side == "BUY" else "sell")
    day.bill(
        [commission.on_fill_in_cents(fill.quantity, fill.price, adds_liquidity=False) for fill in day.order]
    )
    assume(sum(fill.commission for fill in day.order) - commission.total.total > Decimal("0.05"))


def regulatory_fees(day: Day) -> None:
    fees = Decimal("0.0000174") * sum(fill.quantity * fill.price for fill in day.order)
    fees += Decimal("0.000119") * sum(fill.quantity for fill in day.order)
    assume(day.chosen.side == "SELL" and fees > Decimal("0.02"))
    day.change(commission=day.chosen.commission + fees)


def other_client(day: Day) -> None:
    day.add(replace(SYNTHETIC, symbol="XOM", order_reference="somebody", is_api="N"))


def assignment(day: Day) -> None:
    day.add(replace(SYNTHETIC, codes="A;C", transaction_type="BookTrade", commission=Decimal(0)))


def cancellation(day: Day) -> None:
    side = "SELL" if day.chosen.side == "BUY" else "BUY"
    day.add(replace(day.chosen, side=side, codes="Ca", transaction_type="TradeCancel"))


def correction(day: Day) -> None:
    stem = day.chosen.exec_id.rpartition(".")[0]
    day.change(exec_id=f"{stem}.02", price=day.chosen.price - Decimal("0.02"))


def currency(day: Day) -> None:
    day.add(replace(SYNTHETIC, symbol="VWRL", currency="EUR"))


def corporate_action(day: Day) -> None:
    day.restate(positions_shift={"BAC": Decimal(100)}, corporate_actions={"BAC": "SPLIT 2 FOR 1 (BAC)"})


def position_from_before(day: Day) -> None:
    day.restate(positions_shift={"KO": Decimal(-7)})


def another_account(day: Day) -> None:
    day.restate(account="U7654321")


def another_period(day: Day) -> None:
    day.restate(first_day=DAY - timedelta(days=1), last_day=DAY - timedelta(days=1))


def starting_cash(day: Day) -> None:
    day.restate(starting_cash=Decimal("25000.01"))


def cash_unexplained(day: Day) -> None:
    day.restate(ending_cash_shift=Decimal("-0.01"))


def deposit(day: Day) -> None:
    day.restate(lines={"deposit": Decimal(5_000)})


def dividend(day: Day) -> None:
    day.restate(lines={"dividend": Decimal("12.34")})


def interest(day: Day) -> None:
    day.restate(lines={"interest": Decimal("-0.05")})


def fee(day: Day) -> None:
    day.restate(lines={"fee": Decimal("-4.50")})


def tax(day: Day) -> None:
    day.restate(lines={"tax": Decimal("-1.85")})


def lot_method(day: Day) -> None:
    day.restate(realized_shift=Decimal("3.21"))


Injection = Callable[[Day], None]


def time_zone(day: Day) -> None:
    later = [replace(trade, ts_ns=trade.ts_ns + NS_PER_HOUR) for trade in day.statement.trades]
    day.restate(trades=tuple(later))


FLEX: tuple[Injection, ...] = (
    missing_at_broker,
    missing_in_journal,
    duplicate_at_broker,
    duplicate_in_journal,
    wrong_quantity,
    wrong_side,
    wrong_price,
    price_rounding,
    time_zone,
    another_day,
    clock,
    commission_differs,
    commission_missing,
    commission_tier,
    regulatory_fees,
    other_client,
    assignment,
    cancellation,
    correction,
    currency,
    corporate_action,
    position_from_before,
    another_account,
    another_period,
    starting_cash,
    cash_unexplained,
    deposit,
    dividend,
    interest,
    fee,
    tax,
    lot_method,
)
# Without execution ids a shift of odd seconds is another trade, a correction an altered price, and a
# cancellation a trade the other way.
ACTIVITY: tuple[Injection, ...] = tuple(
    inject for inject in FLEX if inject not in (clock, correction, cancellation, duplicate_in_journal)
)


@pytest.mark.parametrize("inject", FLEX, ids=lambda inject: inject.__name__)
@settings(max_examples=12, suppress_health_check=[HealthCheck.filter_too_much])
@given(fills=days(), index=st.integers(0, 99))
def test_a_flex_query_shows_one_difference_with_its_cause(
    inject: Injection, fills: tuple[Fill, ...], index: int
) -> None:
    day = Day(fills, index)
    inject(day)
    assert_only(inject, day.differences(flex_xml))


@pytest.mark.parametrize("inject", ACTIVITY, ids=lambda inject: inject.__name__)
@settings(max_examples=8, suppress_health_check=[HealthCheck.filter_too_much])
@given(fills=days(), index=st.integers(0, 99))
def test_an_activity_statement_of_executions_shows_it_too(
    inject: Injection, fills: tuple[Fill, ...], index: int
) -> None:
    day = Day(fills, index)
    inject(day)
    assert_only(inject, day.differences(lambda statement: activity_csv(statement, with_executions=True)))


# A row of an order that ends in an open position says too little for its realized profit.
@pytest.mark.parametrize(
    "inject", [each for each in ACTIVITY if each is not lot_method], ids=lambda each: each.__name__
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.filter_too_much])
@given(fills=days(), index=st.integers(0, 99))
def test_an_activity_statement_of_orders_shows_it_too(
    inject: Injection, fills: tuple[Fill, ...], index: int
) -> None:
    day = Day(fills, index)
    is_of_the_whole_row = inject in (duplicate_at_broker, wrong_side, another_day)
    assume(not is_of_the_whole_row or len(day.order) == 1)
    inject(day)
    assert_only(inject, day.differences(activity_csv))


def assert_only(inject: Injection, found: tuple[Difference, ...]) -> None:
    assert [difference.cause for difference in found] == [inject.__name__]
    assert found[0].why
    assert found[0].do
