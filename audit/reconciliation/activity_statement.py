"""An Interactive Brokers activity statement in CSV, as a ledger.

Sections read: Statement, Account Information, Trades, Open Positions, Cash Report, Corporate Actions,
Commission Details. Trades come as one row an order (`Order`), with a row for each execution (`Trade` or
`Execution`) beneath where the statement was asked for them; then the executions count and their order does
not. They carry no execution ids, so they are matched by their terms. Source: IBKR Reporting Guide, default
statement reference, and statements that others publish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from audit.reconciliation.activity_rows import ActivityRows, Row, read_activity
from audit.reconciliation.cash_lines import is_trading_line, movement_kind
from audit.reconciliation.ledger import ZERO, CashMovement, Execution, Ledger
from audit.reconciliation.statement_values import (
    day,
    event_of,
    instant_ns,
    number,
    statement_instrument,
)
from market.time import NEW_YORK

OPTION_CATEGORY = "Equity and Index Options"
FOREX_CATEGORY = "Forex"
BASE_SUMMARY = "Base Currency Summary"
_EXECUTION_ROWS = frozenset(("Trade", "Execution"))
_NOT_A_CASH_LINE = frozenset(("Starting Cash", "Ending Cash", "Ending Settled Cash", ""))
_SPLIT = re.compile(r"(?P<symbol>[A-Z][A-Z0-9. ]*)\(")


def parse_activity(text: str, *, zone: ZoneInfo = NEW_YORK) -> Ledger:
    """Return the broker's side; `zone` is the account's time zone. Raises `DataError` naming the line."""
    rows = read_activity(text)
    first, last = _period(rows)
    cash = _usd_lines(rows)
    executions = _executions(rows, zone)
    return Ledger(
        name="statement",
        executions=executions,
        account=rows.field("Account Information", "Account").split(" ")[0] or None,
        first_day=first,
        last_day=last,
        positions=_positions(rows),
        starting_cash_usd=_total(cash, "Starting Cash"),
        ending_cash_usd=_total(cash, "Ending Cash"),
        movements=_movements(cash),
        realized_usd=_realized(executions),
        corporate_actions=_corporate_actions(rows),
        remarks=_remarks(rows, has_cash=bool(cash)),
    )


def _period(rows: ActivityRows) -> tuple[date, date]:
    text = rows.field("Statement", "Period")
    days = [day(part, what="Period", where="section Statement", form="csv") for part in text.split(" - ")]
    return days[0], days[-1]


def _executions(rows: ActivityRows, zone: ZoneInfo) -> tuple[Execution, ...]:
    regulatory = _regulatory_charges(rows)
    found: list[Execution] = []
    parts = _with_parts(rows.of("Trades"))
    for row, is_order in parts:
        found.append(_execution(row, zone=zone, is_order=is_order, regulatory=regulatory))
    return tuple(sorted(found, key=lambda execution: execution.ts_ns or 0))


def _with_parts(rows: Sequence[Row]) -> list[tuple[Row, bool]]:
    """Return what counts: executions, and orders beneath which no execution stands; True for an order."""
    chosen: list[tuple[Row, bool]] = []
    order: Row | None = None
    for row in rows:
        kind = row.text("DataDiscriminator")
        if kind in _EXECUTION_ROWS:
            order = None
            chosen.append((row, False))
        elif kind == "Order":
            if order is not None:
                chosen.append((order, True))
            order = row
    if order is not None:
        chosen.append((order, True))
    return chosen


def _execution(row: Row, *, zone: ZoneInfo, is_order: bool, regulatory: Mapping[str, Decimal]) -> Execution:
    units = number(row.needed("Quantity"), what="Quantity", where=row.where)
    is_option = row.text("Asset Category") == OPTION_CATEGORY
    commission = row.decimal("Comm/Fee", "Comm in USD")
    return Execution(
        where=row.where,
        symbol=statement_instrument(row.needed("Symbol"), is_option=is_option, where=row.where),
        side="SELL" if units < 0 else "BUY",
        quantity=abs(units),
        price=number(row.needed("T. Price"), what="T. Price", where=row.where),
        ts_ns=instant_ns(row.needed("Date/Time"), zone=zone, where=row.where, form="csv"),
        stated_value_usd=row.decimal("Proceeds"),
        commission_usd=None if commission is None else -commission,
        regulatory_usd=regulatory.get(_trade_key(row)),
        realized_usd=row.decimal("Realized P/L"),
        account=row.text("Account") or None,
        currency=_currency(row),
        multiplier=100 if is_option else 1,
        is_order=is_order,
        event=event_of(row.text("Code")),
    )


def _currency(row: Row) -> str:
    """Return the currency of a trade; an exchange of currencies counts under the pair that it trades."""
    is_forex = row.text("Asset Category") == FOREX_CATEGORY
    return row.text("Symbol") if is_forex else row.text("Currency") or "USD"


def _trade_key(row: Row) -> str:
    return "|".join((row.text("Symbol"), row.text("Date/Time"), row.text("Quantity")))


def _regulatory_charges(rows: ActivityRows) -> dict[str, Decimal]:
    """Return what regulators charge, by trade, as a cost in USD; daily statements alone say it."""
    charges: dict[str, Decimal] = {}
    for row in rows.of("Commission Details"):
        column = next((name for name in row.values if name.startswith("Third-Party Regulatory")), "")
        charge = row.decimal(column) if column else None
        if charge is not None:
            charges[_trade_key(row)] = -charge
    return charges


def _positions(rows: ActivityRows) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for row in rows.of("Open Positions"):
        if row.text("DataDiscriminator") not in ("Summary", ""):
            continue
        is_option = row.text("Asset Category") == OPTION_CATEGORY
        symbol = statement_instrument(row.needed("Symbol"), is_option=is_option, where=row.where)
        held[symbol] = held.get(symbol, ZERO) + number(
            row.needed("Quantity"), what="Quantity", where=row.where
        )
    return held


def _usd_lines(rows: ActivityRows) -> list[Row]:
    """Return the cash report's lines in USD; the summary counts where the base is all there is."""
    lines = rows.of("Cash Report")
    in_usd = [row for row in lines if row.text("Currency") == "USD"]
    if in_usd:
        return in_usd
    is_usd_account = rows.field("Account Information", "Base Currency") in ("USD", "")
    others = {row.text("Currency") for row in lines} - {BASE_SUMMARY, ""}
    return list(lines) if is_usd_account and not others else []


def _total(lines: Sequence[Row], label: str) -> Decimal | None:
    return next((row.decimal("Total") for row in lines if row.text("Currency Summary") == label), None)


def _movements(lines: Sequence[Row]) -> tuple[CashMovement, ...]:
    found = []
    for row in lines:
        label = row.text("Currency Summary")
        if label in _NOT_A_CASH_LINE or is_trading_line(label):
            continue
        amount = row.decimal("Total")
        if amount:
            kind = movement_kind(label)
            found.append(CashMovement(where=row.where, label=label, amount_usd=amount, kind=kind))
    return tuple(found)


def _realized(executions: Sequence[Execution]) -> Decimal | None:
    said = [execution.realized_usd for execution in executions]
    known = [amount for amount in said if amount is not None]
    return sum(known, ZERO) if said and len(known) == len(said) else None


def _corporate_actions(rows: ActivityRows) -> dict[str, str]:
    """Return the actions by instrument id; their description begins with the symbol: `BAC(US...) Split`."""
    actions = {}
    for row in rows.of("Corporate Actions"):
        match = _SPLIT.match(row.text("Description"))
        if match is not None:
            symbol = statement_instrument(match["symbol"].strip(), is_option=False, where=row.where)
            actions[symbol] = row.text("Description")
    return actions


def _remarks(rows: ActivityRows, *, has_cash: bool) -> tuple[str, ...]:
    """Return what was taken for granted: IBKR leaves out sections that would be empty."""
    remarks = []
    if "Trades" not in rows.sections:
        remarks.append("The statement has no Trades section: it is taken for a period without trades.")
    if "Open Positions" not in rows.sections:
        remarks.append("The statement has no Open Positions section: its account is taken for flat.")
    if not has_cash:
        remarks.append("Cash at the broker: the statement has no Cash Report section with USD.")
    return tuple(remarks)
