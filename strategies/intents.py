"""What a strategy can want, as values: `decide` returns one `Decision`, the lifecycle acts on it.

An intent is a wish, not an order. The lifecycle of the symbol (`strategies.intraday.lifecycle`) sends
it, or suppresses it with a reason; the risk gate may still refuse what was sent. A value of the wrong
type raises `ValueError` where it is made, so that its author reads his own line.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

import msgspec

Side = Literal["buy", "sell"]
EntryStyle = Literal["passive", "marketable"]
ExitStyle = Literal["passive", "marketable", "market"]

_SIDES = get_args(Side)
_ENTRY_STYLES = get_args(EntryStyle)
_EXIT_STYLES = get_args(ExitStyle)


class Hold(msgspec.Struct, frozen=True):
    """Do nothing. `signal` names the side of a signal that was seen and not acted on, for the record."""

    signal: Side | None = None

    def __post_init__(self) -> None:
        _require_one_of("Hold.signal", self.signal, (None, *_SIDES))


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

    def __post_init__(self) -> None:
        _require_one_of("Enter.side", self.side, _SIDES)
        _require_one_of("Enter.style", self.style, _ENTRY_STYLES)
        if type(self.quantity) is not int:
            raise ValueError(f"Enter.quantity is {self.quantity!r}. Give whole shares as an int, e.g. 100.")
        if self.limit_price is not None:
            _require_price("Enter.limit_price", self.limit_price)


class Replace(msgspec.Struct, frozen=True):
    """Move the working entry to `limit_price`, in USD a share."""

    limit_price: Decimal

    def __post_init__(self) -> None:
        _require_price("Replace.limit_price", self.limit_price)


class Cancel(msgspec.Struct, frozen=True):
    """Withdraw the working entry."""


class Exit(msgspec.Struct, frozen=True):
    """Close the whole position. An exit that does not fill is worked towards the market by the lifecycle."""

    style: ExitStyle = "marketable"

    def __post_init__(self) -> None:
        _require_one_of("Exit.style", self.style, _EXIT_STYLES)


Intent = Hold | Enter | Replace | Cancel | Exit


class Decision(msgspec.Struct, frozen=True):
    """One intent and its why.

    `reason` is a stable snake_case word; reports group by it. `thresholds` are what values were compared
    with, under the names of the values. All market features are recorded anyway; `extra` adds values of
    the decision's own. Raises `ValueError` for what is no intent, a reason that is not such a word, and
    values that are no numbers.
    """

    intent: Intent
    reason: str
    thresholds: dict[str, float] = {}
    extra: dict[str, float] = {}

    def __post_init__(self) -> None:
        if not isinstance(self.intent, Intent):
            raise ValueError(
                f"Decision intent is {self.intent!r}. "
                "Give a Hold(), Enter(...), Replace(...), Cancel() or Exit(...)."
            )
        reason: object = self.reason
        if not (isinstance(reason, str) and reason.isidentifier() and reason == reason.lower()):
            raise ValueError(
                f"Decision reason is {self.reason!r}. Write one snake_case word, e.g. 'spread_too_wide'."
            )
        for name, value in (*self.thresholds.items(), *self.extra.items()):
            if not isinstance(value, int | float):
                raise ValueError(f"Decision value {name!r} is {value!r}. Give a number; it goes on record.")


def _require_one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, allowed: {', '.join(map(repr, allowed))}.")


def _require_price(name: str, price: object) -> None:
    if not (isinstance(price, Decimal) and price.is_finite()):
        raise ValueError(f"{name} is {price!r}. Give USD a share as a Decimal, e.g. Decimal('5.01').")


def opposite(side: Side) -> Side:
    """Return the side that undoes `side`."""
    return "sell" if side == "buy" else "buy"
