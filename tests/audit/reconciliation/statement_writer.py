"""Writes statements as Interactive Brokers does, from plain trades and by its own arithmetic.

Nothing of `audit.reconciliation` is used here, so that both sides of a comparison come from different hands.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
ZERO = Decimal(0)


@dataclass(frozen=True)
class BrokerTrade:
    """One execution as the broker has it; `commission` is a cost in USD, `option` an OCC symbol or none."""

    exec_id: str
    order_id: str
    order_reference: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    ts_ns: int
    codes: str = ""
    transaction_type: str = "ExchTrade"
    asset: str = "STK"
    currency: str = "USD"
    account: str = "DU1234567"
    is_api: str = "Y"
    multiplier: int = 1

    @property
    def units(self) -> Decimal:
        return self.quantity if self.side == "BUY" else -self.quantity

    @property
    def proceeds(self) -> Decimal:
        return -self.units * self.price * self.multiplier

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.ts_ns // 1_000_000_000, UTC).astimezone(NEW_YORK)


@dataclass(frozen=True)
class Statement:
    """A day's statement before it is printed; `printed` are rows that are shown and not booked."""

    trades: tuple[BrokerTrade, ...]
    first_day: date
    last_day: date
    account: str = "DU1234567"
    starting_cash: Decimal = Decimal(25_000)
    ending_cash_shift: Decimal = ZERO
    realized_shift: Decimal = ZERO
    lines: dict[str, Decimal] = field(default_factory=dict)
    positions_shift: dict[str, Decimal] = field(default_factory=dict)
    corporate_actions: dict[str, str] = field(default_factory=dict)
    option_events: tuple[tuple[str, str, Decimal], ...] = ()
    printed: tuple[BrokerTrade, ...] = ()

    def booked(self) -> list[BrokerTrade]:
        return [trade for trade in self.trades if trade.currency == "USD"]

    def positions(self) -> dict[str, Decimal]:
        held: dict[str, Decimal] = defaultdict(Decimal)
        for trade in self.trades:
            held[trade.symbol] += trade.units
        for symbol, shift in self.positions_shift.items():
            held[symbol] += shift
        return {symbol: units for symbol, units in held.items() if units}

    def ending_cash(self) -> Decimal:
        traded = sum((trade.proceeds - trade.commission for trade in self.booked()), ZERO)
        return self.starting_cash + traded + sum(self.lines.values(), ZERO) + self.ending_cash_shift


def realized_by_trade(trades: list[BrokerTrade]) -> dict[int, Decimal]:
    """Return each trade's realized profit, first in, first out, one share at a time."""
    shares: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
    realized: dict[int, Decimal] = {}
    for index, trade in sorted(enumerate(trades), key=lambda numbered: numbered[1].ts_ns):
        sign = 1 if trade.side == "BUY" else -1
        cash = (trade.proceeds - trade.commission) / trade.quantity
        total = ZERO
        for _ in range(int(trade.quantity)):
            held = shares[trade.symbol]
            if held and held[0][0] != sign:
                total += held.pop(0)[1] + cash
            else:
                held.append((sign, cash))
        realized[index] = total.quantize(Decimal("0.000001"))
    return realized


FLEX_LABELS = {
    "deposit": "deposits",
    "dividend": "dividends",
    "interest": "brokerInterest",
    "fee": "otherFees",
    "tax": "withholdingTax",
}
CSV_LABELS = {
    "deposit": "Deposits",
    "dividend": "Dividends",
    "interest": "Broker Interest Paid and Received",
    "fee": "Other Fees",
    "tax": "Withholding Tax",
}


def flex_xml(statement: Statement) -> str:
    """Return an activity Flex query: executions, orders, positions, cash, corporate actions."""
    rows = [
        '<FlexQueryResponse queryName="reconcile" type="AF">',
        '<FlexStatements count="1">',
        (
            f'<FlexStatement accountId="{statement.account}" fromDate="{statement.first_day:%Y%m%d}" '
            f'toDate="{statement.last_day:%Y%m%d}" period="LastBusinessDay" whenGenerated="20131008;061500">'
        ),
        f'<AccountInformation accountId="{statement.account}" acctAlias="" currency="USD" name="T" />',
        "<Trades>",
    ]
    rows += _flex_orders(statement)
    shown = [*statement.trades, *statement.printed]
    realized = realized_by_trade(list(statement.trades))
    for index, trade in enumerate(shown):
        gain = realized.get(index, ZERO)
        shift = statement.realized_shift if index == 0 else ZERO
        rows.append(_flex_trade(trade, level="EXECUTION", realized=gain + shift))
    rows.append("</Trades>")
    rows += ["<OptionEAE>", *(_flex_option_event(statement, *event) for event in statement.option_events)]
    rows += ["</OptionEAE>", "<CorporateActions>"]
    for symbol, text in statement.corporate_actions.items():
        rows.append(
            f'<CorporateAction accountId="{statement.account}" currency="USD" assetCategory="STK" '
            f'symbol="{symbol}" actionDescription={quoteattr(text)} dateTime="20131007;202500" '
            'quantity="100" proceeds="0" value="0" type="FS" />'
        )
    rows += ["</CorporateActions>", "<OpenPositions>"]
    for symbol, units in statement.positions().items():
        is_option = len(symbol) > 10
        rows.append(
            f'<OpenPosition accountId="{statement.account}" acctAlias="" model="" currency="USD" '
            f'fxRateToBase="1" assetCategory="{"OPT" if is_option else "STK"}" symbol="{symbol}" '
            f'multiplier="{100 if is_option else 1}" reportDate="{statement.last_day:%Y%m%d}" '
            f'position="{units}" markPrice="14.02" levelOfDetail="SUMMARY" />'
        )
    rows += ["</OpenPositions>", "<CashReport>"]
    rows += [_flex_cash(statement, currency) for currency in ("BASE_SUMMARY", "USD")]
    rows += ["</CashReport>", "</FlexStatement>", "</FlexStatements>", "</FlexQueryResponse>"]
    return "\n".join(rows) + "\n"


def _flex_orders(statement: Statement) -> list[str]:
    orders: dict[str, list[BrokerTrade]] = defaultdict(list)
    for trade in statement.trades:
        if trade.transaction_type == "ExchTrade":
            orders[trade.order_id].append(trade)
    return [
        _flex_trade(one_order(trades), level="ORDER", realized=ZERO, tag="Order")
        for trades in orders.values()
    ]


def one_order(trades: list[BrokerTrade]) -> BrokerTrade:
    """Return the executions of an order as one row: its price is the average, to eight decimals."""
    quantity = sum((trade.quantity for trade in trades), ZERO)
    value = sum((trade.quantity * trade.price for trade in trades), ZERO)
    return replace(
        trades[0],
        exec_id="",
        quantity=quantity,
        price=(value / quantity).quantize(Decimal("0.00000001")),
        commission=sum((trade.commission for trade in trades), ZERO),
    )


def _flex_trade(trade: BrokerTrade, *, level: str, realized: Decimal, tag: str = "Trade") -> str:
    at = trade.moment()
    net = trade.proceeds - trade.commission
    attributes = {
        "accountId": trade.account,
        "acctAlias": "",
        "model": "",
        "currency": trade.currency,
        "fxRateToBase": "1",
        "assetCategory": trade.asset,
        "symbol": trade.symbol,
        "description": trade.symbol,
        "conid": "10098",
        "multiplier": str(trade.multiplier),
        "tradeID": f"29{trade.order_id}",
        "reportDate": f"{at:%Y%m%d}",
        "dateTime": f"{at:%Y%m%d;%H%M%S}",
        "tradeDate": f"{at:%Y%m%d}",
        "transactionType": trade.transaction_type if tag == "Trade" else "",
        "exchange": "ISLAND",
        "quantity": f"{trade.units}",
        "tradePrice": f"{trade.price}",
        "tradeMoney": f"{-trade.proceeds}",
        "proceeds": f"{trade.proceeds:,}",
        "taxes": "0",
        "ibCommission": f"{-trade.commission}",
        "ibCommissionCurrency": "USD",
        "netCash": f"{net:,}",
        "openCloseIndicator": "O",
        "notes": trade.codes,
        "fifoPnlRealized": f"{realized}",
        "buySell": trade.side,
        "ibOrderID": trade.order_id,
        "ibExecID": trade.exec_id,
        "orderReference": trade.order_reference,
        "levelOfDetail": level,
        "orderType": "LMT",
        "isAPIOrder": trade.is_api,
    }
    inner = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag} {inner} />"


def _flex_option_event(statement: Statement, kind: str, symbol: str, units: Decimal) -> str:
    return (
        f'<OptionEAE accountId="{statement.account}" currency="USD" assetCategory="OPT" symbol="{symbol}" '
        f'multiplier="100" date="{statement.last_day:%Y%m%d}" transactionType="{kind}" quantity="{units}" '
        'tradePrice="0.0000" proceeds="0.00" commisionsAndTax="0.00" costBasis="1,792.73" />'
    )


def _flex_cash(statement: Statement, currency: str) -> str:
    booked = statement.booked()
    sales = sum((trade.proceeds for trade in booked if trade.side == "SELL"), ZERO)
    purchases = sum((trade.proceeds for trade in booked if trade.side == "BUY"), ZERO)
    fees = -sum((trade.commission for trade in booked), ZERO)
    other = {FLEX_LABELS[kind]: amount for kind, amount in statement.lines.items()}
    amounts = {
        "startingCash": statement.starting_cash,
        "startingCashSec": statement.starting_cash,
        "startingCashCom": ZERO,
        "commissions": fees,
        "commissionsSec": fees,
        "commissionsMTD": fees * 3,
        "netTradesSales": sales,
        "netTradesPurchases": purchases,
        "depositWithdrawals": statement.lines.get("deposit", ZERO),
        "deposits": ZERO,
        "dividends": ZERO,
        **other,
        "endingCash": statement.ending_cash(),
        "endingSettledCash": statement.starting_cash,
    }
    inner = " ".join(f'{name}="{amount:,}"' for name, amount in amounts.items())
    return (
        f'<CashReportCurrency accountId="{statement.account}" acctAlias="" model="" currency="{currency}" '
        f'fromDate="{statement.first_day:%Y%m%d}" toDate="{statement.last_day:%Y%m%d}" {inner} '
        'levelOfDetail="Currency" />'
    )


CSV_TRADES_HEADER = [
    "DataDiscriminator",
    "Asset Category",
    "Currency",
    "Symbol",
    "Date/Time",
    "Quantity",
    "T. Price",
    "C. Price",
    "Proceeds",
    "Comm/Fee",
    "Basis",
    "Realized P/L",
    "MTM P/L",
    "Code",
]


def activity_csv(statement: Statement, *, with_executions: bool = False) -> str:
    """Return an activity statement: orders, with `with_executions` their executions beneath them."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    first, last = (f"{day:%B} {day.day}, {day.year}" for day in (statement.first_day, statement.last_day))
    write(["Statement", "Header", "Field Name", "Field Value"])
    write(["Statement", "Data", "BrokerName", "Interactive Brokers LLC"])
    write(["Statement", "Data", "Title", "Activity Statement"])
    write(["Statement", "Data", "Period", first if first == last else f"{first} - {last}"])
    write(["Statement", "Data", "WhenGenerated", "2013-10-08, 06:15:00 EDT"])
    write(["Account Information", "Header", "Field Name", "Field Value"])
    write(["Account Information", "Data", "Account", statement.account])
    write(["Account Information", "Data", "Base Currency", "USD"])
    _csv_cash(write, statement)
    _csv_positions(write, statement)
    _csv_trades(write, statement, with_executions=with_executions)
    if statement.corporate_actions:
        header = [
            "Asset Category",
            "Currency",
            "Report Date",
            "Date/Time",
            "Description",
            "Quantity",
            "Proceeds",
            "Value",
        ]
        write(["Corporate Actions", "Header", *header, "Realized P/L", "Code"])
        for symbol, text in statement.corporate_actions.items():
            at = f"{statement.last_day}, 20:25:00"
            told = f"{symbol}(US0605051046) {text}"
            write(["Corporate Actions", "Data", "Stocks", "USD", at[:10], at, told, "100", "0", "0", "0", ""])
        write(["Corporate Actions", "Data", "Total", "", "", "", "", "", "0", "0", "0", ""])
    return "\ufeff" + out.getvalue() + "No exercises, assignments or expirations for the period\n"


def _csv_cash(write, statement: Statement) -> None:  # type: ignore[no-untyped-def]
    booked = statement.booked()
    write(["Cash Report", "Header", "Currency Summary", "Currency", "Total", "Securities", "Futures", ""])
    lines = {
        "Starting Cash": statement.starting_cash,
        "Commissions": -sum((trade.commission for trade in booked), ZERO),
        **{CSV_LABELS[kind]: amount for kind, amount in statement.lines.items()},
        "Trades (Sales)": sum((trade.proceeds for trade in booked if trade.side == "SELL"), ZERO),
        "Trades (Purchase)": sum((trade.proceeds for trade in booked if trade.side == "BUY"), ZERO),
        "Ending Cash": statement.ending_cash(),
        "Ending Settled Cash": statement.starting_cash,
    }
    for currency in ("Base Currency Summary", "USD"):
        for label, amount in lines.items():
            write(["Cash Report", "Data", label, currency, str(amount), str(amount), "0", ""])


def _csv_positions(write, statement: Statement) -> None:  # type: ignore[no-untyped-def]
    held = statement.positions()
    if not held:
        return  # a section without rows is left out
    header = (
        "DataDiscriminator,Asset Category,Currency,Symbol,Quantity,Mult,Cost Price,Cost Basis,Close Price"
    )
    write(["Open Positions", "Header", *header.split(","), "Value", "Unrealized P/L", "Code"])
    for symbol, units in held.items():
        row = ["Summary", "Stocks", "USD", symbol, f"{units:,}", "1", "14", "1400", "14.02", "1402", "2", ""]
        write(["Open Positions", "Data", *row])
        write(["Open Positions", "Data", "Lot", *row[1:]])
    write(["Open Positions", "Total", "", "Stocks", "USD", "", "", "", "", "1400", "", "1402", "2", ""])


def _csv_trades(write, statement: Statement, *, with_executions: bool) -> None:  # type: ignore[no-untyped-def]
    write(["Trades", "Header", *CSV_TRADES_HEADER])
    realized = realized_by_trade(list(statement.trades))
    orders: dict[str, list[tuple[BrokerTrade, Decimal]]] = defaultdict(list)
    for index, trade in enumerate([*statement.trades, *statement.printed]):
        gain = realized.get(index, ZERO) + (statement.realized_shift if index == 0 else ZERO)
        key = trade.order_id if index < len(statement.trades) else f"{trade.order_id} again"
        orders[key].append((trade, gain))
    for parts in orders.values():
        row = one_order([trade for trade, _ in parts])
        proceeds = sum((trade.proceeds for trade, _ in parts), ZERO)
        write(_csv_trade(row, "Order", proceeds, sum((gain for _, gain in parts), ZERO)))
        if with_executions:
            for trade, gain in parts:
                write(_csv_trade(trade, "Trade", trade.proceeds, gain))
    for symbol in sorted({trade.symbol for trade in statement.trades}):
        write(
            ["Trades", "SubTotal", "", "Stocks", "USD", symbol, "", "0", "", "", "1", "-1", "1", "1", "1", ""]
        )
    write(["Trades", "Total", "", "Stocks", "USD", "", "", "", "", "", "1", "-1", "1", "1", "1", ""])


def _csv_trade(trade: BrokerTrade, kind: str, proceeds: Decimal, realized: Decimal) -> list[str]:
    return [
        "Trades",
        "Data",
        kind,
        "Equity and Index Options" if trade.asset == "OPT" else "Stocks",
        trade.currency,
        trade.symbol,
        f"{trade.moment():%Y-%m-%d, %H:%M:%S}",
        f"{trade.units:,}",
        f"{trade.price}",
        "14.02",
        f"{proceeds}",
        f"{-trade.commission}",
        f"{-proceeds}",
        f"{realized}",
        "0.5",
        trade.codes or "O",
    ]
