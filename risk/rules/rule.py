"""What a rule is: a name, the limits it reads, what it guards, and a pure check."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from decimal import ROUND_UP, Decimal
from typing import Literal

import msgspec

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import OptionLimits, RiskLimits
from risk.snapshot import Snapshot

Check = Callable[[OrderIntent, Snapshot, RiskLimits], Breach | None]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One hard limit.

    `limit_keys` are fields of `RiskLimits` (options: `options.` before them), `other_keys` what the
    rule follows elsewhere in the profile; both are empty for a rule that reads state alone. `check`
    returns None when the intent may pass, and is only asked about orders that could add risk, of the
    instruments that the rule `applies_to`.
    """

    name: str
    guards: str
    limit_keys: tuple[str, ...]
    check: Check
    applies_to: Literal["all", "stocks", "options"] = "all"
    other_keys: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys in the profile that the rule follows, in full: `risk.max_positions`."""
        return (*(f"risk.{key}" for key in self.limit_keys), *self.other_keys)

    @property
    def what(self) -> str:
        """What the rule compares, in a sentence or a few: the docstring of its module."""
        return " ".join((inspect.getdoc(inspect.getmodule(self.check)) or "").split())


class MissingLimitError(LookupError):
    """A rule was asked about an option though the profile has no `[risk.options]`."""


def option_limits(limits: RiskLimits) -> OptionLimits:
    """Return the option limits; raises `MissingLimitError` when the profile has none (the policy refuses)."""
    if limits.options is None:
        raise MissingLimitError("The profile has no [risk.options]. Add it to trade options.")
    return limits.options


class _Parts(dict[int, Decimal]):
    """Computes a part once: limits are few, and asked about for every order."""

    def __missing__(self, bps: int) -> Decimal:
        part = self[bps] = Decimal(bps) / 10_000
        return part


PART_OF_BPS = _Parts()
"""So many basis points as an exact part of 1: `PART_OF_BPS[50]` is 0.005."""


def in_bps(part: Decimal, whole: Decimal) -> str:
    """Return `part` of `whole` in basis points, as text."""
    return f"{in_tenths(part / whole * 10_000)} bps"


def in_tenths(value: Decimal) -> Decimal:
    """Return `value` rounded away from zero to a tenth: what is beyond a whole limit never reads as equal."""
    return value.quantize(Decimal("0.1"), ROUND_UP)


def unknown(what: str, limit: str) -> Breach:
    """Return the breach of a rule whose input `what` is not known: unknown refuses."""
    return Breach(f"{what} unknown", limit, f"Wait until {what} is known; unknown refuses.")
