"""Parameters of the market's control commands."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class SetQuote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set a listing's prices (USD) and sizes; what is left out stays. The listing is then held.

    With `is_held` False the feed goes on moving it.
    """

    con_id: int
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None
    is_held: bool = True

    def __post_init__(self) -> None:
        for name in ("bid", "ask", "bid_size", "ask_size", "last", "last_size"):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and value >= 0):
                raise ValueError(f"{name} {value} must be 0 or more")


class OneListing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A listing by contract id, or every one."""

    con_id: int | None = None


class Competition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the user's live data goes to another session (error 10197)."""

    is_competing: bool = True
