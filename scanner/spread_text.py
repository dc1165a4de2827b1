"""Spreads as one line of text: `GOOG 2016-01-15 -730P +720P`.

Symbol, expiry (New York date), then the legs: + bought or - sold, a number of units (1 unless given, as in
`-2x730P`), strike, P or C. A later date is the expiry of the legs after it, as in a calendar spread:
`GOOG 2016-01-15 -730P 2016-02-19 +730P`. `+shares` are the shares of one contract, bought against what is
sold: `GOOG +shares 2016-01-15 -760C` is a covered call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from market.errors import UserError
from market.time import parse_date

LEGS_MAX = 8
SHARES = "+shares"
_LEG = re.compile(r"([+-])(?:(\d{1,4})x)?(\d{1,7}(?:\.\d{1,4})?)([PC])", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EXAMPLE = "Write it like 'GOOG 2016-01-15 -730P +720P': symbol, expiry, legs."


@dataclass(frozen=True)
class SpreadLeg:
    """A leg: units (positive bought, negative sold), strike in USD, right, expiry in New York."""

    quantity: int
    strike: float
    is_call: bool
    expiry: date


@dataclass(frozen=True)
class Spread:
    """Legs on one underlying."""

    underlying: str
    legs: tuple[SpreadLeg, ...]
    has_shares: bool = False
    """Whether the shares of one contract are bought with it."""


def is_spread_text(text: str) -> bool:
    """Return whether `text` is meant as a spread: a symbol and something, the last word with a sign."""
    words = text.split()
    return len(words) >= 2 and words[-1][0] in "+-"


def parse_spread(text: str) -> Spread:
    """Return the spread that `text` describes; raises `UserError` naming the part that is wrong."""
    words = text.split()
    if len(words) < 3:
        raise UserError(f"{text!r} is not a spread. {_EXAMPLE}")
    legs: list[SpreadLeg] = []
    expiry: date | None = None
    has_shares = False
    for word in words[1:]:
        if word.lower() == SHARES:
            has_shares = True
            continue
        if _DATE.fullmatch(word):
            expiry = parse_date(word)
            continue
        leg = _LEG.fullmatch(word)
        if leg is None or expiry is None:
            raise UserError(f"{word!r} in {text!r} is not {'a leg' if expiry else 'an expiry'}. {_EXAMPLE}")
        sign, count, strike, right = leg.groups()
        quantity = int(count or 1) * (1 if sign == "+" else -1)
        if quantity == 0 or float(strike) == 0:
            raise UserError(f"{word!r} in {text!r} has no units or no strike. {_EXAMPLE}")
        legs.append(SpreadLeg(quantity, float(strike), right.upper() == "C", expiry))
    if not 1 <= len(legs) <= LEGS_MAX:
        raise UserError(f"{text!r} has {len(legs)} legs, allowed: 1 to {LEGS_MAX}. {_EXAMPLE}")
    return Spread(words[0].upper(), tuple(legs), has_shares)


def text_of(spread: Spread) -> str:
    """Return the text that `parse_spread` reads as `spread`."""
    legs = ((leg.expiry.isoformat(), leg.quantity, leg.strike, leg.is_call) for leg in spread.legs)
    return spread_text(spread.underlying, legs, has_shares=spread.has_shares)


def spread_text(
    underlying: str, legs: Iterable[tuple[str, int, float, bool]], *, has_shares: bool = False
) -> str:
    """Return the text of `(expiry, quantity, strike, is_call)` legs, expiries as ISO dates."""
    words = [underlying, SHARES] if has_shares else [underlying]
    current = None
    for expiry, quantity, strike, is_call in legs:
        if expiry != current:
            words.append(expiry)
            current = expiry
        words.append(_word(quantity, strike, is_call))
    return " ".join(words)


@lru_cache(maxsize=4096)
def _word(quantity: int, strike: float, is_call: bool) -> str:
    """Return the text of one leg; scans write the same few over and over."""
    count = "" if abs(quantity) == 1 else f"{abs(quantity)}x"
    level = f"{strike:.4f}".rstrip("0").rstrip(".")
    return f"{'+' if quantity > 0 else '-'}{count}{level}{'C' if is_call else 'P'}"
