"""What a scan knows beside the chain: rates, dividends, volatility's place in its history, events to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from market.option_chain_pricing import PricingInputs
from market.rates import RateCurve

EventKind = Literal["ex_dividend", "earnings"]
EVENT_KINDS: tuple[EventKind, ...] = ("ex_dividend", "earnings")


@dataclass(frozen=True)
class Event:
    """Something scheduled for an underlying on a New York date, as far as it was known at the scan's time."""

    kind: EventKind
    day: date


@dataclass(frozen=True, kw_only=True)
class ScanContext:
    """The rest of a scan's inputs; what is None is unknown, and criteria that ask for it are refused."""

    pricing: PricingInputs
    iv_rank: float | None = None
    iv_percentile: float | None = None
    """Fractions from 0 to 1, from the history before the scan's time."""
    realised_volatility: float | None = None
    """A fraction a year."""
    events: tuple[Event, ...] | None = None
    """All that are scheduled of `event_kinds`; empty means that there are none."""
    event_kinds: tuple[EventKind, ...] = EVENT_KINDS
    """The kinds that `events` knows of; criteria that filter on another one are refused."""

    @classmethod
    def flat(cls, rate: float = 0.0, *, dividend_yield: float = 0.0) -> ScanContext:
        """Return the context of one rate and one yield (fractions a year), nothing else known."""
        return cls(pricing=PricingInputs(rates=RateCurve.flat(rate), dividend_yield=dividend_yield))
