"""What is the same in journal, engine and statement agrees to the cent, in every form of statement."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given

from audit.reconciliation import journal_ledger, parse_statement, reconcile
from tests.audit.reconciliation.days import DAY, Fill, days, journal_of, trades_of
from tests.audit.reconciliation.statement_writer import Statement, activity_csv, flex_xml

FORMS: dict[str, Callable[[Statement], str]] = {
    "flex": flex_xml,
    "orders": activity_csv,
    "executions": lambda statement: activity_csv(statement, with_executions=True),
}


@pytest.mark.parametrize("form", FORMS)
@given(fills=days())
def test_a_day_agrees_with_the_statement_of_the_same_day(form: str, fills: tuple[Fill, ...]) -> None:
    statement = parse_statement(FORMS[form](Statement(trades_of(fills), DAY, DAY)))
    result = reconcile(journal_ledger(journal_of(fills)), statement=statement)
    assert result.differences == ()
    assert result.agrees
    assert result.account == "DU1234567"
    totals = {total.name: total for total in result.totals}
    assert (
        totals["fees USD"].journal == totals["fees USD"].statement == sum(fill.commission for fill in fills)
    )
    cash = sum(
        (fill.quantity if fill.side == "SELL" else -fill.quantity) * fill.price - fill.commission
        for fill in fills
    )
    assert totals["cash from trades USD"].statement == cash
    assert totals["cash at the end USD"].statement == Decimal(25_000) + cash
