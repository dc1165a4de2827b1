"""What a strategy can want, as values: `decide` returns one `Decision`, the lifecycle acts on it.

An intent is a wish, not an order. The lifecycle of the symbol (`strategies.intraday.lifecycle`) sends
it, or suppresses it with a reason; the risk gate may still refuse what was sent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Side = Literal["buy", "sell"]
EntryStyle = Literal["passive", "marketable"]
ExitStyle = Literal["passive", "marketable", "market"]


class Hold(msgspec.Struct, frozen=True):
    """Do nothing. `signal` names the side of a signal that was seen and not acted on, for the record."""

    signal: Side | None = None


class Enter(msgspec.Struct, frozen=True, kw_only=True):
    """Open a position of `quantity` whole shares.

    `passive` joins the best price of its own side and rests there; `marketable` crosses the spread
    with a limit and takes what is there (immediate or cancel). `limit_price`, in USD a share, replaces
    the price that the style implies.
    """

    side: Side
    quantity: int
    style: EntryStyle = "passive"
    limit_price: Decimal | None = None


class Replace(msgspec.Struct, frozen=True):
    """Move the working entry to `limit_price`, in USD a share."""

    limit_price: Decimal


class Cancel(msgspec.Struct, frozen=True):
    """Withdraw the working entry."""


class Exit(msgspec.Struct, frozen=True):
    """Close the whole position. An exit that does not fill is worked towards the market by the lifecycle."""

    style: ExitStyle = "marketable"


Intent = Hold | Enter | Replace | Cancel | Exit


class Decision(msgspec.Struct, frozen=True):
    """One intent and its why.

    `reason` is a stable snake_case word; reports group by it. `thresholds` are what values were compared
    with, under the names of the values. All market features are recorded anyway; `extra` adds values of
    the decision's own. Raises `ValueError` for a reason that is not such a word.
    """

    intent: Intent
    reason: str
    thresholds: dict[str, float] = {}
    extra: dict[str, float] = {}

    def __post_init__(self) -> None:
        if not self.reason.isidentifier() or self.reason != self.reason.lower():
            raise ValueError(
                f"Decision reason is {self.reason!r}. Write one snake_case word, e.g. 'spread_too_wide'."
            )


def opposite(side: Side) -> Side:
    """Return the side that undoes `side`."""
    return "sell" if side == "buy" else "buy"
