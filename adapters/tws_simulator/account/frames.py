"""The messages about accounts, built from the books."""

from __future__ import annotations

from decimal import Decimal

from adapters.tws_simulator.account.ledger import Holding
from adapters.tws_simulator.account.tags import TagValue
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.messages import Message, message_type


def quantity_text(quantity: Decimal) -> str:
    """Return a quantity as TWS writes it: "100", "-3", "0.5"; never "1E+2"."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def position(account: str, listing: Listing, holding: Holding) -> Message:
    """Return `Position`; TWS leaves the exchange empty there."""
    return message_type("Position")(
        account=account,
        contract=listing.contract(""),
        position=quantity_text(holding.quantity),
        avgCost=float(holding.average_cost),
    )


def position_multi(request_id: int, account: str, listing: Listing, holding: Holding) -> Message:
    """Return `PositionMulti`."""
    return message_type("PositionMulti")(
        reqId=request_id,
        account=account,
        contract=listing.contract(""),
        position=quantity_text(holding.quantity),
        avgCost=float(holding.average_cost),
    )


def portfolio(account: str, listing: Listing, holding: Holding, mark: Decimal | None) -> Message:
    """Return `PortfolioValue`; the contract names its primary exchange and no routing."""
    return message_type("PortfolioValue")(
        contract=listing.contract(""),
        position=quantity_text(holding.quantity),
        marketPrice=float(mark or 0),
        marketValue=float(holding.value(mark)),
        averageCost=float(holding.average_cost),
        unrealizedPNL=float(holding.unrealized(mark)),
        realizedPNL=float(holding.realized_today),
        accountName=account,
    )


def account_value(account: str, one: TagValue) -> Message:
    """Return `AccountValue`."""
    return message_type("AccountValue")(
        key=one.tag, value=one.value, currency=one.currency, accountName=account
    )


def summary(request_id: int, account: str, one: TagValue) -> Message:
    """Return `AccountSummary`."""
    return message_type("AccountSummary")(
        reqId=request_id, account=account, tag=one.tag, value=one.value, currency=one.currency
    )


def update_multi(request_id: int, account: str, one: TagValue) -> Message:
    """Return `AccountUpdateMulti`."""
    return message_type("AccountUpdateMulti")(
        reqId=request_id, account=account, key=one.tag, value=one.value, currency=one.currency
    )
