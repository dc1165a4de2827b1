"""Account values by TWS's tags, as the text that TWS sends."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.account.valuation import Valuation

ZERO = Decimal(0)
USD = "USD"
BASE = "BASE"


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """Everything the tags are made from; USD."""

    account: str
    account_type: str
    valuation: Valuation
    settled_cash: Decimal
    realized: Decimal
    unrealized: Decimal
    previous_day_equity: Decimal


@dataclass(frozen=True, slots=True)
class TagValue:
    """One account value; `currency` is "" for what is no money."""

    tag: str
    value: str
    currency: str = USD


def summary_values(figures: AccountFigures) -> list[TagValue]:
    """Return the tags of reqAccountSummary that are modelled, in TWS's order of names."""
    now = figures.valuation
    money = {
        "AvailableFunds": now.available_funds,
        "BuyingPower": now.buying_power,
        "EquityWithLoanValue": now.equity_with_loan,
        "ExcessLiquidity": now.excess_liquidity,
        "FullAvailableFunds": now.available_funds,
        "FullExcessLiquidity": now.excess_liquidity,
        "FullInitMarginReq": now.initial_margin,
        "FullMaintMarginReq": now.maintenance_margin,
        "GrossPositionValue": now.gross_value,
        "InitMarginReq": now.initial_margin,
        "LookAheadAvailableFunds": now.available_funds,
        "LookAheadExcessLiquidity": now.excess_liquidity,
        "LookAheadInitMarginReq": now.initial_margin,
        "LookAheadMaintMarginReq": now.maintenance_margin,
        "MaintMarginReq": now.maintenance_margin,
        "NetLiquidation": now.net_liquidation,
        "PreviousDayEquityWithLoanValue": figures.previous_day_equity,
        "AccruedCash": ZERO,
        "RegTEquity": now.equity_with_loan,
        "RegTMargin": now.initial_margin,
        "SettledCash": figures.settled_cash,
        "TotalCashValue": now.cash,
    }
    plain = {
        "AccountType": figures.account_type,
        "Cushion": str(_cushion(now)),
        "Leverage": str(_leverage(now)),
        "LookAheadNextChange": "0",
        "DayTradesRemaining": "-1",
        "HighestSeverity": "0",
    }
    values = [TagValue(tag, amount(value)) for tag, value in money.items()]
    values += [TagValue(tag, text, "") for tag, text in plain.items()]
    return sorted(values, key=lambda one: one.tag)


def update_values(figures: AccountFigures) -> list[TagValue]:
    """Return the values of reqAccountUpdates: the summary's, and those of the currencies."""
    now = figures.valuation
    values = [
        TagValue("AccountCode", figures.account, ""),
        TagValue("AccountReady", "true", ""),
        *summary_values(figures),
    ]
    for currency in (BASE, USD):
        values += [
            TagValue("CashBalance", amount(now.cash), currency),
            TagValue("NetLiquidationByCurrency", amount(now.net_liquidation), currency),
            TagValue("OptionMarketValue", amount(now.option_value), currency),
            TagValue("RealizedPnL", amount(figures.realized), currency),
            TagValue("StockMarketValue", amount(now.stock_value), currency),
            TagValue("TotalCashBalance", amount(now.cash), currency),
            TagValue("UnrealizedPnL", amount(figures.unrealized), currency),
        ]
    values.append(TagValue("ExchangeRate", "1.00", USD))
    return values


def amount(value: Decimal) -> str:
    """Return money as TWS writes it, with two decimals."""
    return f"{value:.2f}"


def _cushion(now: Valuation) -> Decimal:
    if now.net_liquidation <= 0:
        return ZERO
    return (now.excess_liquidity / now.net_liquidation).quantize(Decimal("0.000001"))


def _leverage(now: Valuation) -> Decimal:
    if now.net_liquidation <= 0:
        return ZERO
    return (now.gross_value / now.net_liquidation).quantize(Decimal("0.01"))
