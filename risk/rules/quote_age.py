"""Age of the quote; one from further ahead of the clock is refused too."""

from __future__ import annotations

from decimal import Decimal

from market.time import NS_PER_MS
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, in_tenths, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the quote is missing, in the future or too old."""
    limit = limits.max_quote_age_ms
    quote = snapshot.quote
    if quote is None:
        return unknown("the quote", f"{limit} ms")
    age_ns, limit_ns = snapshot.now_ns - quote.ts_ns, limit * NS_PER_MS
    if -limit_ns <= age_ns <= limit_ns:
        return None
    age_ms = in_tenths(abs(Decimal(age_ns)) / NS_PER_MS)
    where = "old" if age_ns > 0 else "ahead of the clock"
    return Breach(f"{age_ms} ms {where}", f"{limit} ms", "Wait for a fresh quote.")


RULE = Rule(
    name="quote_age",
    guards="trading on old prices",
    limit_keys=("max_quote_age_ms",),
    check=check,
)
