"""Journal and engine as ledgers: executions, positions, cash, and what each says of the other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.events import CheckpointRecord, Entry, OpenedRecord, PositionRecord
from audit.reconciliation import Ledger, checkpoint_ledger, engine_ledger, journal_ledger, reconcile
from audit.reconciliation.ledger import Execution
from audit.reconciliation.lots import average_gross_usd, fifo_net_usd
from market.errors import DataError
from tests.audit.reconciliation.days import DAY, OPEN_NS, Fill, days, journal_of, without_fill


def rows_of(fills: tuple[Fill, ...]) -> list[dict[str, Any]]:
    return [
        {
            "trade_id": fill.exec_id,
            "client_order_id": fill.client_order_id,
            "strategy_id": "intraday-1",
            "instrument_id": f"{fill.symbol}.SMART",
            "side": fill.side,
            "quantity": fill.quantity,
            "price": float(fill.price),
            "commission_usd": float(fill.commission),
            "ts_ns": fill.ts_ns,
        }
        for fill in fills
    ]


def units(fill: Fill) -> int:
    return fill.quantity if fill.side == "BUY" else -fill.quantity


def summary_of(fills: tuple[Fill, ...]) -> dict[str, Any]:
    """Return a run's sums, worked out from the fills alone."""
    symbols = sorted({fill.symbol for fill in fills})
    held = {symbol: sum(units(fill) for fill in fills if fill.symbol == symbol) for symbol in symbols}
    cash = sum((-units(fill) * fill.price for fill in fills), Decimal(0))
    fees = sum((fill.commission for fill in fills), Decimal(0))
    entries = {symbol: entries_since_flat([f for f in fills if f.symbol == symbol]) for symbol in symbols}
    gross = cash
    for symbol, open_units in held.items():
        shares = sum(quantity for quantity, _ in entries[symbol])
        if open_units:
            gross += open_units * sum((q * price for q, price in entries[symbol]), Decimal(0)) / shares
    return {
        "starting_balance_usd": "25000.00",
        "closing_balance_usd": str(25_000 + (cash - fees)),
        "gross_pnl_usd": str(gross),
        "fees_usd": str(fees),
        "open_positions": [
            {"strategy_id": "intraday-1", "instrument_id": f"{symbol}.SMART", "quantity": open_units}
            for symbol, open_units in held.items()
            if open_units
        ],
    }


def entries_since_flat(fills: list[Fill]) -> list[tuple[int, Decimal]]:
    """Return what was bought into the open position, or sold into it, fill by fill."""
    entered: list[tuple[int, Decimal]] = []
    held = 0
    for fill in fills:
        for _ in range(fill.quantity):
            sign = 1 if fill.side == "BUY" else -1
            if held * sign >= 0:
                entered.append((1, fill.price))
            held += sign
            if held == 0:
                entered = []
    return entered


@settings(max_examples=40)
@given(fills=days())
def test_a_run_agrees_with_its_journal(fills: tuple[Fill, ...]) -> None:
    engine = engine_ledger(rows_of(fills), summary_of(fills))
    result = reconcile(journal_ledger(journal_of(fills)), engine=engine)
    assert result.differences == ()
    assert result.sides == ("journal", "engine")


@settings(max_examples=20)
@given(fills=days(), index=st.integers(0, 99))
def test_a_fill_that_one_of_ours_lost_is_found(fills: tuple[Fill, ...], index: int) -> None:
    at = index % len(fills)
    engine = engine_ledger(rows_of(fills), summary_of(fills))
    (lost,) = reconcile(journal_ledger(without_fill(journal_of(fills), at)), engine=engine).differences
    assert lost.cause == "missing_in_journal"
    assert lost.amount_usd == -units(fills[at]) * fills[at].price - fills[at].commission
    short = fills[:at] + fills[at + 1 :]
    engine = engine_ledger(rows_of(short), summary_of(short))
    (lost,) = reconcile(journal_ledger(journal_of(fills)), engine=engine).differences
    assert (str(lost.cause), lost.quantity) == ("missing_in_engine", Decimal(-units(fills[at])))


SAMPLE = (
    Fill(1, 1, "BAC", "BUY", 100, Decimal("14.00"), Decimal("1.00"), OPEN_NS + 60_000_000_000),
    Fill(2, 1, "BAC", "SELL", 40, Decimal("14.10"), Decimal("1.00"), OPEN_NS + 600_000_000_000),
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fees_usd", "2.01"),
        ("gross_pnl_usd", "4.01"),
        ("closing_balance_usd", "24163.00"),
        ("starting_balance_usd", "24999.00"),
        ("open_positions", []),
    ],
)
def test_a_sum_that_is_not_that_of_the_fills_is_found(key: str, value: object) -> None:
    summary = summary_of(SAMPLE)
    assert summary["gross_pnl_usd"] == "4.00"
    assert summary["closing_balance_usd"] == "24162.00"
    engine = engine_ledger(rows_of(SAMPLE), summary | {key: value})
    causes = {each.cause for each in reconcile(journal_ledger(journal_of(SAMPLE)), engine=engine).differences}
    assert causes <= {"sums_disagree", "starting_cash"}
    assert causes


def test_half_a_cent_a_fill_is_the_engine_s_rounding() -> None:
    summary = summary_of(SAMPLE) | {"closing_balance_usd": "24162.01"}
    engine = engine_ledger(rows_of(SAMPLE), summary)
    assert reconcile(journal_ledger(journal_of(SAMPLE)), engine=engine).agrees


@pytest.mark.parametrize("change", [{"fees_usd": None}, {"fees_usd": "x"}, {"open_positions": None}])
def test_what_is_no_summary_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"run\.json"):
        engine_ledger(rows_of(SAMPLE), summary_of(SAMPLE) | change)
    with pytest.raises(DataError, match=r"run\.json"):
        engine_ledger([], {})


def test_a_duplicate_of_the_engine_is_named() -> None:
    engine = engine_ledger([*rows_of(SAMPLE), rows_of(SAMPLE)[0]], summary_of(SAMPLE))
    (twice,) = reconcile(journal_ledger(journal_of(SAMPLE)), engine=engine).differences
    assert twice.cause == "duplicate_in_engine"


def position(quantity: int, *, event: str, strategy: str = "intraday-1") -> PositionRecord:
    return PositionRecord(
        event=event,  # type: ignore[arg-type]
        position_id=f"BAC.SMART-{strategy}",
        strategy_id=strategy,
        instrument_id="BAC.SMART",
        quantity=quantity,
        average_open=Decimal("14.00"),
        realized_usd=Decimal(0),
    )


def checkpoint(fees: str) -> CheckpointRecord:
    return CheckpointRecord(
        realized_usd=Decimal(0),
        unrealized_usd=Decimal(0),
        fees_usd=Decimal(fees),
        cash_usd=None,
        open_positions=1,
        working_orders=0,
    )


def numbered(bodies: list[tuple[str, Any]]) -> list[Entry]:
    return [
        Entry(seq=seq, ts_ns=OPEN_NS + seq, kind=kind, body=body)
        for seq, (kind, body) in enumerate(bodies, start=1)
    ]


def live_day(
    *, found: int = 0, ends_with: int = 60, fees: str = "2.00", late_fill: bool = False
) -> list[Entry]:
    """Return a journal with positions and checkpoints: buy 100, sell 40."""
    fills = [entry.body for entry in journal_of(SAMPLE) if entry.kind == "fill"]
    bodies: list[tuple[str, Any]] = []
    if found:
        bodies.append(("position", position(found, event="found")))
    bodies += [
        ("fill", fills[0]),
        ("position", position(found + 100, event="changed" if found else "opened")),
    ]
    bodies += [("fill", fills[1]), ("position", position(found + ends_with, event="changed"))]
    bodies.append(("checkpoint", checkpoint(fees)))
    if late_fill:
        bodies.append(("fill", msgspec.structs.replace(fills[1], trade_id="late", client_order_id="O-9")))
    return numbered(bodies)


def test_a_live_day_agrees_with_the_engine_s_positions_and_checkpoint() -> None:
    entries = live_day()
    assert reconcile(journal_ledger(entries), engine=checkpoint_ledger(entries)).agrees
    assert journal_ledger(entries).account is None


def test_what_was_held_before_the_day_is_no_difference() -> None:
    entries = live_day(found=-25)
    ledger = journal_ledger(entries)
    assert ledger.starting_positions == {"BAC.SMART": -25}
    result = reconcile(ledger, engine=checkpoint_ledger(entries))
    assert result.agrees
    held = {total.name: total.journal for total in result.totals}
    assert held["BAC.SMART at the end"] == 35


def test_a_position_first_seen_when_it_changes_was_held_before() -> None:
    entries = live_day(found=25)[1:]
    assert journal_ledger(entries).starting_positions == {"BAC.SMART": 25}


def test_an_engine_s_position_or_fees_that_do_not_follow_are_found() -> None:
    entries = live_day(ends_with=50)
    (difference,) = reconcile(journal_ledger(entries), engine=checkpoint_ledger(entries)).differences
    assert (str(difference.what), str(difference.cause), int(difference.quantity)) == (
        "position",
        "sums_disagree",
        -10,
    )
    entries = live_day(fees="2.05")
    (difference,) = reconcile(journal_ledger(entries), engine=checkpoint_ledger(entries)).differences
    assert (difference.what, difference.amount_usd) == ("fees", Decimal("-0.05"))


def test_a_checkpoint_before_the_last_fill_says_nothing_of_fees() -> None:
    entries = live_day(late_fill=True)
    engine = checkpoint_ledger(entries)
    assert engine.fees_usd is None
    assert "no checkpoint" in engine.remarks[0]
    assert checkpoint_ledger([]).remarks
    assert checkpoint_ledger(numbered([("checkpoint", checkpoint("0"))])).fees_usd == 0


def test_a_journal_without_an_account_has_none() -> None:
    (opened,) = [entry for entry in journal_of(()) if isinstance(entry.body, OpenedRecord)]
    for profile in ({}, {"broker": "none"}, {"broker": {"account": None}}):
        body = msgspec.structs.replace(opened.body, profile=profile)
        assert journal_ledger([msgspec.structs.replace(opened, body=body)]).account is None
    empty = journal_ledger([])
    assert (empty.first_day, empty.executions) == (None, ())
    assert reconcile(empty, engine=Ledger(name="engine")).agrees
    assert reconcile(empty).period is None
    assert reconcile(journal_ledger(journal_of(SAMPLE))).period == (str(DAY), str(date(2013, 10, 7)))


def trade(side: str, quantity: str, price: str, fee: str = "0", *, book: str = "a") -> Execution:
    return Execution(
        where="here",
        symbol="BAC.SMART",
        side="BUY" if side == "BUY" else "SELL",
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission_usd=Decimal(fee),
        book=book,
    )


def test_profit_first_in_first_out_by_hand() -> None:
    """Lots of 100 at 10.01 and 100 at 11.01 net; 150 sold at 12.00 less 1.50: 198.50 + 49.00 of the rest."""
    trades = [
        trade("BUY", "100", "10", "1"),
        trade("BUY", "100", "11", "1"),
        trade("SELL", "150", "12", "1.5"),
    ]
    assert fifo_net_usd(trades) == Decimal("198.00") + Decimal("49.00")
    through_zero = [*trades, trade("SELL", "80", "12", "0.8"), trade("BUY", "30", "11", "0.3")]
    assert fifo_net_usd(through_zero) == Decimal("247.00") + Decimal("49.00") + Decimal("29.40")
    assert fifo_net_usd([trade("BUY", "0", "10")]) == 0


def test_gross_profit_of_a_run_by_hand() -> None:
    """Strategies own their shares; what is open counts at the average of what was entered since flat."""
    trades = [
        trade("BUY", "100", "10"),
        trade("SELL", "50", "12"),  # 100.00 realized
        trade("BUY", "10", "20", book="b"),  # open
        trade("SELL", "80", "11"),  # 50 of them flat: 50.00; 30 short at 11
        trade("BUY", "30", "10"),  # 30.00
    ]
    assert average_gross_usd(trades) == Decimal("180")
