"""Our two sides as ledgers: the journal's fills, and what the engine itself says of its orders and account.

The engine's side of a backtest is its tables and `run.json`; a node without them has its positions and its
last checkpoint in the journal, which are the engine's words too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from audit.events import CheckpointRecord, Entry, FillRecord, OpenedRecord, OrderRecord, PositionRecord
from audit.reconciliation.ledger import ZERO, Execution, Ledger, traded_positions
from audit.reconciliation.statement_values import multiplier_of, same_contract
from market.errors import DataError
from market.time import new_york_date


def journal_ledger(entries: Iterable[Entry]) -> Ledger:
    """Return the journal's side: its fills, and from its first record the account and the starting cash."""
    entries = tuple(entries)
    fills = [entry for entry in entries if isinstance(entry.body, FillRecord)]
    opened = [entry.body for entry in entries if isinstance(entry.body, OpenedRecord)]
    orders = [entry.body for entry in entries if isinstance(entry.body, OrderRecord)]
    executions = tuple(_execution_of(entry) for entry in sorted(fills, key=_order_of_time))
    days = [new_york_date(entry.ts_ns) for entry in entries]
    return Ledger(
        name="journal",
        executions=executions,
        account=_account_of(opened[0]) if opened else None,
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        starting_positions=_starting_positions(entries),
        starting_cash_usd=opened[0].starting_balance_usd if opened else None,
        ordered={order.client_order_id: Decimal(order.quantity) for order in orders},
    )


def checkpoint_ledger(entries: Iterable[Entry]) -> Ledger:
    """Return the engine's side of a node without tables: its positions and its last checkpoint.

    Its executions are those of the journal, so only its sums are a second opinion. They stand only where
    the checkpoint came after the last fill.
    """
    entries = tuple(entries)
    journal = journal_ledger(entries)
    fills = [entry.seq for entry in entries if isinstance(entry.body, FillRecord)]
    points = [entry for entry in entries if isinstance(entry.body, CheckpointRecord)]
    ledger = Ledger(
        name="engine",
        executions=journal.executions,
        starting_positions=journal.starting_positions,
        positions=_final_positions(entries),
    )
    no_cash = "Cash and realized profit of the engine: only run.json says them, which is not there."
    if not points or (fills and points[-1].seq < fills[-1]):
        no_fees = "The engine's fees: no checkpoint came after the last fill."
        return msgspec.structs.replace(ledger, remarks=(no_fees, no_cash))
    return msgspec.structs.replace(ledger, fees_usd=points[-1].body.fees_usd, remarks=(no_cash,))


def engine_ledger(fills: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> Ledger:
    """Return the engine's side of a run: rows of `fills.parquet`, and the content of `run.json`.

    Prices are 64-bit floats there, whose shortest decimal is the price that was written. Raises `DataError`
    when the summary lacks a sum.
    """
    executions = tuple(_execution_of_row(index, row) for index, row in enumerate(fills, start=1))
    try:
        return Ledger(
            name="engine",
            executions=executions,
            positions=_open_positions(executions, summary["open_positions"]),
            starting_cash_usd=Decimal(summary["starting_balance_usd"]),
            ending_cash_usd=Decimal(summary["closing_balance_usd"]),
            realized_usd=Decimal(summary["gross_pnl_usd"]),
            fees_usd=Decimal(summary["fees_usd"]),
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise DataError(
            f"run.json is not a run's summary: {type(error).__name__} {error}. Run the backtest again."
        ) from None


def _order_of_time(entry: Entry) -> tuple[int, int]:
    return entry.body.ts_event_ns, entry.seq


def _execution_of(entry: Entry) -> Execution:
    fill: FillRecord = entry.body
    symbol = same_contract(fill.instrument_id)
    return Execution(
        where=f"record {entry.seq}",
        symbol=symbol,
        side=fill.side,
        quantity=Decimal(fill.quantity),
        price=fill.price,
        ts_ns=fill.ts_event_ns,
        commission_usd=fill.commission_usd,
        exec_id=fill.trade_id,
        order_id=fill.venue_order_id,
        client_order_id=fill.client_order_id,
        multiplier=multiplier_of(symbol),
        book=fill.strategy_id,
    )


def _execution_of_row(index: int, row: Mapping[str, Any]) -> Execution:
    symbol = same_contract(row["instrument_id"])
    return Execution(
        where=f"fills row {index}",
        symbol=symbol,
        side=row["side"],
        quantity=Decimal(row["quantity"]),
        price=Decimal(repr(row["price"])),
        ts_ns=row["ts_ns"],
        commission_usd=Decimal(repr(row["commission_usd"])),
        exec_id=row["trade_id"],
        client_order_id=row["client_order_id"],
        multiplier=multiplier_of(symbol),
        book=row["strategy_id"],
    )


def _account_of(opened: OpenedRecord) -> str | None:
    broker = opened.profile.get("broker")
    account = broker.get("account") if isinstance(broker, Mapping) else None
    return account if isinstance(account, str) else None


def _starting_positions(entries: Sequence[Entry]) -> dict[str, Decimal]:
    """Return what was held before the first fill, as the first record of each position lets it be known."""
    filled: dict[tuple[str, str], Decimal] = {}
    seen: set[str] = set()
    started: dict[str, Decimal] = {}
    for entry in entries:
        body = entry.body
        if isinstance(body, FillRecord):
            key = (body.strategy_id, same_contract(body.instrument_id))
            filled[key] = filled.get(key, ZERO) + (body.quantity if body.side == "BUY" else -body.quantity)
        elif isinstance(body, PositionRecord) and body.position_id not in seen:
            seen.add(body.position_id)
            symbol = same_contract(body.instrument_id)
            held_before = body.quantity - filled.get((body.strategy_id, symbol), ZERO)
            if held_before and body.event != "opened":  # one that is opened was flat before
                started[symbol] = started.get(symbol, ZERO) + held_before
    return started


def _final_positions(entries: Iterable[Entry]) -> dict[str, Decimal]:
    last = {
        (entry.body.position_id, same_contract(entry.body.instrument_id)): entry.body.quantity
        for entry in entries
        if isinstance(entry.body, PositionRecord)
    }
    final: dict[str, Decimal] = {}
    for (_, symbol), quantity in last.items():
        final[symbol] = final.get(symbol, ZERO) + quantity
    return final


def _open_positions(executions: Iterable[Execution], rows: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    held = dict.fromkeys(traded_positions(executions), ZERO)
    for row in rows:
        symbol = same_contract(row["instrument_id"])
        held[symbol] = held.get(symbol, ZERO) + Decimal(row["quantity"])
    return held
