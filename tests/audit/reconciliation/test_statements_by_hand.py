"""One day whose numbers were worked out by hand, as both forms of statement print it.

Bought 100 BAC at 35.10 for 1.00 of commission: 3,511.00 paid, 35.11 a share. Sold 60 at 35.30 for 1.03, of
which 0.03 are fees of regulators: 2,116.97 received, less 60 x 35.11 = 2,106.60 makes 10.37. Sold one AAPL
call at 2.50 for 0.65: 249.35 received. Cash: 10,000 - 3,511.00 + 2,116.97 + 249.35 = 8,855.32.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from audit.events import Entry, FillRecord, OpenedRecord
from audit.reconciliation import Reconciliation, journal_ledger, parse_statement, reconcile
from market.time import to_ns

STATEMENTS = Path(__file__).parent / "statements"
FORMS = ("flex_2024-03-05.xml", "activity_2024-03-05.csv")
FILLS = (
    ("0000e0c2.65e6f001.01.01", 1, "BAC.SMART", "BUY", 100, "35.1000", "1.00", "10:01:35.2"),
    ("0000e0c2.65e6f002.01.01", 2, "BAC.SMART", "SELL", 60, "35.3000", "1.03", "11:30:00.9"),
    ("00018037.65e6f003.01.01", 3, "AAPL240315C00170000.SMART", "SELL", 1, "2.50", "0.65", "15:59:58.8"),
)


def journal(*, regulatory: bool = True) -> list[Entry]:
    opened = OpenedRecord(
        run="live",
        environment="live",
        trader_id="T-1",
        profile_name="live",
        profile_hash="0",
        profile={"broker": {"account": "U1234567"}},
        versions={},
        instruments=(),
        starting_balance_usd=Decimal("10000.00"),
    )
    entries = [Entry(seq=1, ts_ns=to_ns("2024-03-05T09:00:00-05:00"), kind="opened", body=opened)]
    for exec_id, order, symbol, side, quantity, price, commission, at in FILLS:
        ts_ns = to_ns(f"2024-03-05T{at}-05:00")
        body = FillRecord(
            trade_id=exec_id,
            client_order_id=f"O-20240305-{order}",
            strategy_id="S-1",
            instrument_id=symbol,
            side="BUY" if side == "BUY" else "SELL",
            quantity=quantity,
            price=Decimal(price),
            commission_usd=Decimal(commission if regulatory else commission.replace("1.03", "1.00")),
            liquidity="TAKER",
            ts_event_ns=ts_ns,
            venue_order_id=f"57234100{order}",
        )
        entries.append(Entry(seq=order + 1, ts_ns=ts_ns, kind="fill", body=body))
    return entries


def against(form: str, entries: list[Entry]) -> Reconciliation:
    text = (STATEMENTS / form).read_text(encoding="utf-8")
    return reconcile(journal_ledger(entries), statement=parse_statement(text))


@pytest.mark.parametrize("form", FORMS)
def test_the_day_agrees_to_the_cent(form: str) -> None:
    result = against(form, journal())
    assert result.differences == ()
    totals = {total.name: (total.journal, total.statement) for total in result.totals}
    assert totals == {
        "executions or order rows": (3, 3),
        "shares and contracts": (161, 161),
        "fees USD": (Decimal("2.68"), Decimal("2.68")),
        "cash from trades USD": (Decimal("-1144.68"), Decimal("-1144.68")),
        "realized USD (first in, first out)": (Decimal("10.37"), Decimal("10.37")),
        "cash at the end USD": (Decimal("8855.32"), Decimal("8855.32")),
        "AAPL  240315C00170000.SMART at the end": (-1, -1),
        "BAC.SMART at the end": (40, 40),
    }


@pytest.mark.parametrize("form", FORMS)
def test_fees_of_regulators_that_the_journal_lacks_are_named(form: str) -> None:
    (difference,) = against(form, journal(regulatory=False)).differences
    assert difference.cause == "regulatory_fees"
    assert difference.amount_usd == Decimal("-0.03")
    assert difference.symbol == "BAC.SMART"
    assert (difference.journal, difference.other) == ("1.00 USD", "1.03 USD")


def test_a_flex_query_of_one_day_statements_is_joined() -> None:
    text = (STATEMENTS / FORMS[0]).read_text(encoding="utf-8")
    begin, end = text.index("<FlexStatement "), text.index("</FlexStatements>")
    monday = text[begin:end].replace("2024-03-05", "2024-03-04").replace("0000e0c2", "0000aaaa")
    monday = monday.replace('endingCash="8855.32"', 'endingCash="9999.99"')
    ledger = parse_statement(text[:end] + monday + text[end:])
    assert (str(ledger.first_day), str(ledger.last_day)) == ("2024-03-04", "2024-03-05")
    assert (ledger.starting_cash_usd, ledger.ending_cash_usd) == (Decimal(10_000), Decimal("8855.32"))
    assert len(ledger.executions) == 6


def test_a_trade_confirmation_query_is_read_too() -> None:
    text = (STATEMENTS / FORMS[0]).read_text(encoding="utf-8")
    for trade, confirmation in (
        ("<Trade ", "<TradeConfirm "),
        ("Trades>", "TradeConfirms>"),
        ("ibExecID", "execID"),
        ("ibOrderID", "orderID"),
        ("tradePrice", "price"),
        ("ibCommission=", "commission="),
    ):
        text = text.replace(trade, confirmation)
    executions = parse_statement(text).executions
    assert [each.commission_usd for each in executions] == [Decimal("1"), Decimal("1.03"), Decimal("0.65")]
    assert [each.exec_id for each in executions] == [fill[0] for fill in FILLS]
    assert reconcile(journal_ledger(journal()), statement=parse_statement(text)).agrees


def test_each_form_says_the_same_of_the_broker() -> None:
    flex, activity = (parse_statement((STATEMENTS / form).read_text(encoding="utf-8")) for form in FORMS)
    for name in ("account", "first_day", "last_day", "positions", "starting_cash_usd", "ending_cash_usd"):
        assert getattr(flex, name) == getattr(activity, name)
    assert flex.realized_usd == activity.realized_usd == Decimal("10.37")
    bare = [
        [
            msgspec.structs.replace(
                each,
                where="",
                exec_id=None,
                order_id=None,
                client_order_id=None,
                account=None,
                is_order=False,
                is_api_order=None,
            )
            for each in ledger.executions
        ]
        for ledger in (flex, activity)
    ]
    assert bare[0] == bare[1]
