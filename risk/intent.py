"""What a strategy wants to send, as plain values: the input of every rule.

Quantities are whole shares or contracts (Interactive Brokers takes no fractional API orders).
Prices are `Decimal` in USD a share; a combination's price is a debit when positive and a credit when
negative for its buyer.
"""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Literal

import msgspec

Side = Literal["buy", "sell"]
Kind = Literal["stock", "option", "spread"]
Right = Literal["call", "put"]
OrderType = Literal[
    "market", "limit", "stop", "stop_limit", "market_if_touched", "limit_if_touched", "trailing"
]
TimeInForce = Literal["day", "gtc", "ioc", "fok", "gtd", "at_open", "at_close"]
Special = Literal[
    "post_only", "quote_quantity", "trailing_offset", "tags", "conditions", "times", "non_guaranteed"
]
"""What an order asks for besides its other fields, and IB or the gate does not take: `ib_special_orders`."""


class Leg(msgspec.Struct, frozen=True):
    """One leg of a combination: bought when `ratio` is positive, sold when negative."""

    terms: InstrumentTerms
    ratio: int


class InstrumentTerms(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What the rules must know of an instrument.

    `symbol` is the underlying's for options and spreads. `multiplier` is shares per contract, 1 for a
    stock. `expiration_ns` is UTC; `right`, `strike` and it are None but for options. `legs` has the
    legs of a spread.
    """

    instrument_id: str
    symbol: str
    kind: Kind
    price_increment: Decimal
    multiplier: int = 1
    lot_size: int = 1
    right: Right | None = None
    strike: Decimal | None = None
    expiration_ns: int | None = None
    legs: tuple[Leg, ...] = ()

    def __post_init__(self) -> None:
        if self.kind == "option" and None in (self.right, self.strike, self.expiration_ns):
            raise ValueError(f"Option {self.instrument_id} lacks right, strike or expiry; load its details.")

    @functools.cached_property
    def components(self) -> tuple[Leg, ...]:
        """The instruments in which a fill makes positions: the legs, or the instrument itself."""
        return self.legs or (Leg(self, 1),)


class OrderIntent(msgspec.Struct, frozen=True, gc=False):
    """One order as it would go to the broker, or as a modification would leave it.

    `quantity` is what would still be open: of a modification the new quantity less what is filled.
    `idempotency_key` names the decision behind the order; one key makes one order. `protects_id` is
    the parent whose fill alone activates the order (bracket children); of the orders of one
    `group_id` (OCA) only one can fill. `replaces` tells a modification from a new order.
    """

    order_id: str
    strategy_id: str
    terms: InstrumentTerms
    side: Side
    quantity: int
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    expires_ns: int | None = None
    is_outside_hours: bool = False
    idempotency_key: str | None = None
    protects_id: str | None = None
    group_id: str | None = None
    replaces: bool = False
    specials: tuple[Special, ...] = ()

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def price(self) -> Decimal | None:
        """The price that binds: the limit, else the trigger, else None (a market order)."""
        return self.trigger_price if self.limit_price is None else self.limit_price
