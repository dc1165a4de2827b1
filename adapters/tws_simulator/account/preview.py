"""What an order would do to an account: the trades it stands for, and the account after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.account.valuation import Position, Valuation
from adapters.tws_simulator.interfaces import Listing, MarginPreview, Quote
from adapters.tws_simulator.messages import Message

ZERO = Decimal(0)
LIMITED = frozenset({"LMT", "STP LMT", "LOC", "LIT"})


@dataclass(frozen=True, slots=True)
class Trade:
    """A signed quantity of a listing at an expected price per share."""

    listing: Listing
    quantity: Decimal
    price: Decimal


def leg_quantities(contract: Message, *, action: str, quantity: Decimal) -> list[tuple[int, Decimal]]:
    """Return (contract id, signed quantity) of what an order trades: itself, or each leg of a BAG."""
    sign = Decimal(1) if action == "BUY" else Decimal(-1)
    if contract.secType != "BAG":
        return [(contract.conId, sign * quantity)]
    return [
        (leg.conId, sign * quantity * leg.ratio * (1 if leg.action == "BUY" else -1))
        for leg in contract.comboLegs
    ]


def expected_price(quote: Quote | None, mark: Decimal | None, quantity: Decimal) -> Decimal:
    """Return the price at which `quantity` (signed) would trade now: the other side, else the mark."""
    side = None if quote is None else (quote.ask if quantity > 0 else quote.bid)
    price = side if side is not None else mark
    return ZERO if price is None else price


def premium_of(order: Message, trades: list[Trade]) -> Decimal:
    """Return the USD that the options of an order cost (negative when received).

    A limit price counts where the order has one and trades options alone; else the expected prices.
    """
    options = [trade for trade in trades if trade.listing.is_option]
    if options and len(options) == len(trades) and order.orderType in LIMITED and order.HasField("lmtPrice"):
        sign = 1 if order.action == "BUY" else -1
        return (
            sign
            * Decimal(repr(order.lmtPrice))
            * Decimal(order.totalQuantity)
            * options[0].listing.multiplier
        )
    return sum((one.quantity * one.price * one.listing.multiplier for one in options), ZERO)


def positions_after(
    positions: list[Position], trades: list[Trade], mark_of: Callable[[int], Decimal | None]
) -> list[Position]:
    """Return the positions as `trades` would leave them, what is traded valued at its mark."""
    by_id = {one.listing.con_id: one for one in positions}
    for trade in trades:
        before = by_id.get(trade.listing.con_id)
        quantity = trade.quantity + (before.quantity if before else ZERO)
        mark = mark_of(trade.listing.con_id)
        price = trade.price if mark is None else mark
        value = quantity * price * trade.listing.multiplier
        by_id[trade.listing.con_id] = Position(trade.listing, quantity, value, price)
    return [one for one in by_id.values() if one.quantity]


def compare(before: Valuation, after: Valuation) -> MarginPreview:
    """Return both as TWS's preview, and whether the account can carry the order.

    It can when funds are left afterwards, or when the order leaves the account no worse than before.
    """
    is_covered = after.available_funds >= 0 or after.available_funds >= before.available_funds
    reason = "" if is_covered else _uncovered(after)
    return MarginPreview(
        initial_before=before.initial_margin,
        initial_after=after.initial_margin,
        maintenance_before=before.maintenance_margin,
        maintenance_after=after.maintenance_margin,
        equity_before=before.equity_with_loan,
        equity_after=after.equity_with_loan,
        is_covered=is_covered,
        reason=reason,
    )


def _uncovered(after: Valuation) -> str:
    return (
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{after.equity_with_loan:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{after.initial_margin:.2f} USD]"
    )
