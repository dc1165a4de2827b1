"""An Interactive Brokers Flex query in XML, as a ledger.

    FlexQueryResponse > FlexStatements > FlexStatement(accountId, fromDate, toDate)
        Trades > Trade | Order · TradeConfirms > TradeConfirm · OpenPositions > OpenPosition
        CashReport > CashReportCurrency · CorporateActions > CorporateAction · OptionEAE > OptionEAE
        UnbundledCommissionDetails > UnbundledCommissionDetail

All data are attributes; the query's owner chooses which, so every one may be absent. A query broken out by
day has one FlexStatement a day, a consolidated one one an account. Executions count; an `Order` counts where
the query holds none of its executions; summaries and lots do not. Source: IBKR Reporting Guide, section
references of Activity and Trade Confirmation Flex queries, and queries that others publish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from audit.reconciliation.cash_lines import is_trading_line, movement_kind
from audit.reconciliation.flex_elements import Element, FlexStatement, read_flex
from audit.reconciliation.ledger import ZERO, CashMovement, Event, Execution, Ledger
from audit.reconciliation.statement_values import (
    day,
    event_of,
    instant_ns,
    number,
    statement_instrument,
    strip_order_reference,
)
from market.errors import DataError
from market.time import NEW_YORK

OPTION_CLASSES = frozenset(("OPT", "FSOPT"))
_NOT_A_CASH_LINE = frozenset(
    ("accountId", "acctAlias", "model", "currency", "fromDate", "toDate", "reportDate", "levelOfDetail")
) | frozenset(("startingCash", "endingCash", "endingSettledCash"))
_NUMBER = re.compile(r"-?[\d,]*\.?\d+")
_SEGMENT_ENDINGS = ("Sec", "Com", "MTD", "YTD", "Paxos", "IBUKL")


def parse_flex(text: str, *, account: str | None = None, zone: ZoneInfo = NEW_YORK) -> Ledger:
    """Return the broker's side of `account`; None takes the only one that the query covers.

    `zone` is the account's time zone. Raises `DataError` naming line and element.
    """
    statements = _of_account(read_flex(text), account)
    rows = [row for statement in statements for row in statement.rows]
    executions = _executions(rows, zone)
    cash = [line for statement in statements for line in _usd_lines(statement)]
    sections = frozenset[str]().union(*(statement.sections for statement in statements))
    return Ledger(
        name="statement",
        executions=executions,
        account=statements[0].head.text("accountId") or None,
        first_day=min(_day_of(statement, "fromDate") for statement in statements),
        last_day=max(_day_of(statement, "toDate") for statement in statements),
        positions=_positions(statements[-1]) if "OpenPositions" in statements[-1].sections else None,
        starting_cash_usd=cash[0].decimal("startingCash") if cash else None,
        ending_cash_usd=cash[-1].decimal("endingCash") if cash else None,
        movements=tuple(movement for line in cash for movement in _movements(line)),
        realized_usd=_realized(executions),
        corporate_actions=_corporate_actions(rows),
        remarks=_remarks(sections, has_cash=bool(cash)),
    )


def _of_account(statements: Sequence[FlexStatement], account: str | None) -> list[FlexStatement]:
    """Return the statements of one account, by day; raises `DataError` when the choice is open."""
    accounts = sorted({statement.head.text("accountId") for statement in statements})
    if account is None or account not in accounts:
        if len(accounts) > 1:
            raise DataError(
                f"The statement covers the accounts {', '.join(accounts)}"
                f"{f' and not {account}' if account else ''}. Name one with --account."
            )
        account = accounts[0]
    own = [statement for statement in statements if statement.head.text("accountId") == account]
    return sorted(own, key=lambda statement: _day_of(statement, "fromDate"))


def _day_of(statement: FlexStatement, name: str) -> date:
    return day(statement.head.needed(name), what=name, where=statement.head.where)


def _executions(rows: Sequence[Element], zone: ZoneInfo) -> tuple[Execution, ...]:
    regulatory = _regulatory_charges(rows)
    trades = [row for row in rows if row.tag in ("Trade", "Order", "TradeConfirm")]
    single = [row for row in trades if _level(row) == "EXECUTION"]
    known_orders = {row.text("ibOrderID", "orderID") for row in single}
    whole = [
        row
        for row in trades
        if _level(row) == "ORDER"
        and not (
            single
            if not row.text("ibOrderID", "orderID")
            else row.text("ibOrderID", "orderID") in known_orders
        )
    ]
    booked = [_execution(row, zone=zone, regulatory=regulatory) for row in (*single, *whole)]
    booked += _option_events(rows, booked)
    return tuple(sorted(booked, key=lambda execution: execution.ts_ns or 0))


def _level(row: Element) -> str:
    return row.text("levelOfDetail").upper() or ("ORDER" if row.tag == "Order" else "EXECUTION")


def _execution(row: Element, *, zone: ZoneInfo, regulatory: Mapping[str, Decimal]) -> Execution:
    units = number(row.needed("quantity"), what="quantity", where=row.where)
    side = row.text("buySell")
    charges = [row.decimal("ibCommission", "commission"), row.decimal("taxes", "tax")]
    own_regulatory = row.decimal("thirdPartyRegulatoryCommission")
    return Execution(
        where=row.where,
        symbol=_symbol(row),
        side="SELL" if units < 0 or side == "SELL" else "BUY",
        quantity=abs(units),
        price=number(row.needed("tradePrice", "price"), what="tradePrice", where=row.where),
        ts_ns=_time_of(row, zone),
        stated_value_usd=row.decimal("proceeds"),
        commission_usd=None if charges[0] is None else -sum((each or ZERO for each in charges), ZERO),
        regulatory_usd=regulatory.get(row.text("tradeID")) if own_regulatory is None else -own_regulatory,
        realized_usd=row.decimal("fifoPnlRealized"),
        exec_id=row.text("ibExecID", "execID") or None,
        order_id=row.text("ibOrderID", "orderID") or None,
        client_order_id=strip_order_reference(row.text("orderReference")),
        account=row.text("accountId") or None,
        currency=row.text("currency") or "USD",
        multiplier=int(row.decimal("multiplier") or 1),
        is_order=_level(row) == "ORDER",
        is_api_order={"Y": True, "YES": True, "N": False, "NO": False}.get(row.text("isAPIOrder").upper()),
        event=event_of(row.text("notes", "code"), transaction_type=row.text("transactionType"), side=side),
    )


def _symbol(row: Element) -> str:
    is_option = row.text("assetCategory") in OPTION_CLASSES
    return statement_instrument(row.needed("symbol"), is_option=is_option, where=row.where)


def _time_of(row: Element, zone: ZoneInfo) -> int | None:
    both = row.text("dateTime")
    if not both and row.text("tradeDate") and row.text("tradeTime"):
        both = f"{row.text('tradeDate')};{row.text('tradeTime')}"
    return instant_ns(both, zone=zone, where=row.where) if both else None


def _regulatory_charges(rows: Sequence[Element]) -> dict[str, Decimal]:
    """Return what regulators charge, by trade id, as a cost in USD."""
    charges = {}
    for row in rows:
        charge = row.decimal("thirdPartyRegulatoryCharge")
        if row.tag == "UnbundledCommissionDetail" and charge is not None:
            charges[row.text("tradeID")] = -charge
    return charges


_EVENT_OF_TYPE: dict[str, Event] = {
    "Assignment": "assignment",
    "Exercise": "exercise",
    "Expiration": "expiry",
    "Cash Settlement": "exercise",
}


def _option_events(rows: Sequence[Element], booked: Sequence[Execution]) -> list[Execution]:
    """Return the ends of options that the query does not also book as trades."""
    known = {(trade.symbol, trade.signed_quantity) for trade in booked if trade.event is not None}
    events = []
    for row in rows:
        event = _EVENT_OF_TYPE.get(row.text("transactionType"))
        if row.tag != "OptionEAE" or event is None:
            continue
        units = number(row.needed("quantity"), what="quantity", where=row.where)
        if (_symbol(row), units) not in known:
            events.append(
                Execution(
                    where=row.where,
                    symbol=_symbol(row),
                    side="SELL" if units < 0 else "BUY",
                    quantity=abs(units),
                    price=row.decimal("tradePrice") or ZERO,
                    commission_usd=-(row.decimal("commisionsAndTax") or ZERO),  # spelt so by IBKR
                    currency=row.text("currency") or "USD",
                    multiplier=int(row.decimal("multiplier") or 100),
                    event=event,
                )
            )
    return events


def _positions(statement: FlexStatement) -> dict[str, Decimal]:
    rows = statement.of("OpenPosition")
    whole = [row for row in rows if row.text("levelOfDetail").upper() != "LOT"]
    held: dict[str, Decimal] = {}
    for row in whole or rows:
        units = number(row.needed("position", "quantity"), what="position", where=row.where)
        held[_symbol(row)] = held.get(_symbol(row), ZERO) + units
    return held


def _usd_lines(statement: FlexStatement) -> list[Element]:
    """Return the statement's cash in USD, if it says any; a summary counts where the base is all there is."""
    lines = statement.of("CashReportCurrency")
    in_usd = [line for line in lines if line.text("currency") == "USD"]
    others = {line.text("currency") for line in lines} - {"USD", "BASE_SUMMARY"}
    return (in_usd or ([] if others else lines))[:1]


def _movements(line: Element) -> list[CashMovement]:
    found = []
    splits = line.text("deposits") or line.text("withdrawals")
    for name in line.attributes:
        kind = movement_kind(name)
        is_sum = name == "depositWithdrawals" and splits
        is_text = kind == "other" and not _NUMBER.fullmatch(line.text(name))
        if name in _NOT_A_CASH_LINE or name.endswith(_SEGMENT_ENDINGS) or name.startswith("slb"):
            continue
        if is_trading_line(name) or is_sum or is_text:
            continue
        amount = line.decimal(name)
        if amount:
            where = f"{line.where} {name}"
            found.append(CashMovement(where=where, label=name, amount_usd=amount, kind=kind))
    return found


def _realized(executions: Sequence[Execution]) -> Decimal | None:
    said = [execution.realized_usd for execution in executions]
    known = [amount for amount in said if amount is not None]
    return sum(known, ZERO) if said and len(known) == len(said) else None


def _corporate_actions(rows: Sequence[Element]) -> dict[str, str]:
    return {
        _symbol(row): row.text("actionDescription", "description", "type")
        for row in rows
        if row.tag == "CorporateAction"
    }


def _remarks(sections: frozenset[str], *, has_cash: bool) -> tuple[str, ...]:
    if not sections & {"Trades", "TradeConfirms"}:
        raise DataError("The Flex query has no Trades section. Add it, with level of detail Executions.")
    remarks = []
    if "OpenPositions" not in sections:
        remarks.append("Positions at the broker: the Flex query has no Open Positions section.")
    if not has_cash:
        remarks.append("Cash at the broker: the Flex query has no Cash Report section with USD.")
    return tuple(remarks)
