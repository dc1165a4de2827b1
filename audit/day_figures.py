"""Counts of a day: orders by what became of them, executions, trades, refusals by rule, latencies. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from audit.events import Entry
from audit.latencies import LatencySummary, latencies, summarized
from audit.order_history import OrderHistory
from audit.round_trips import ZERO, RoundTrip
from risk.records import RefusalRecord

ENGINE_DENIED, VENUE_REJECTED = "engine_denied", "venue_rejected"
"""Rules of refusals that none of ours made: Nautilus' own risk engine's, and the venue's."""


class OrderCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the orders made on a day; `fill_fraction` is of the shares of those sent.

    `made` is `denied` (by a limit, here), `rejected` (by the venue) and `sent`, the rest. Of the sent ones
    `filled` are filled in full, `partly_filled` in part; `canceled`, `expired` and `working` say how they
    ended, whether filled in part or not.
    """

    made: int
    sent: int
    denied: int
    rejected: int
    canceled: int
    expired: int
    working: int
    filled: int
    partly_filled: int
    shares_sent: int
    shares_filled: int
    fill_fraction: float | None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Executions of a day, and the trades that it closed; winners earned something after fees."""

    fills: int
    shares: int
    turnover_usd: Decimal
    trades_closed: int
    winning_trades: int
    win_fraction: float | None


class DayLatency(msgspec.Struct, frozen=True, kw_only=True):
    """Durations of the day's orders; see `audit.latencies.Latencies`."""

    decision_to_sent: LatencySummary
    sent_to_accepted: LatencySummary
    accepted_to_first_fill: LatencySummary
    decision_to_first_fill: LatencySummary


def count_orders(histories: Iterable[OrderHistory]) -> OrderCounts:
    """Count orders by what became of them."""
    made = list(histories)
    statuses = Counter(history.status for history in made)
    sent = [history for history in made if history.status not in ("denied", "rejected")]
    ordered = sum(history.quantity or 0 for history in sent)
    filled = sum(history.filled_quantity for history in sent)
    return OrderCounts(
        made=len(made),
        sent=len(sent),
        denied=statuses["denied"],
        rejected=statuses["rejected"],
        canceled=statuses["canceled"],
        expired=statuses["expired"],
        working=sum(history.is_working for history in sent),
        filled=statuses["filled"],
        partly_filled=sum(bool(history.filled_quantity) and history.status != "filled" for history in sent),
        shares_sent=ordered,
        shares_filled=filled,
        fill_fraction=filled / ordered if ordered else None,
    )


def activity(fills: Sequence[Entry], closed: Sequence[RoundTrip]) -> Activity:
    """Count executions, and trades by whether they paid."""
    winners = sum(trip.net_usd > 0 for trip in closed)
    values = (each.body.quantity * each.body.multiplier * each.body.price for each in fills)
    return Activity(
        fills=len(fills),
        shares=sum(each.body.quantity for each in fills),
        turnover_usd=sum((abs(value) for value in values), ZERO),
        trades_closed=len(closed),
        winning_trades=winners,
        win_fraction=winners / len(closed) if closed else None,
    )


def breaches_by_rule(refusals: Iterable[Entry], histories: Iterable[OrderHistory]) -> dict[str, int]:
    """Count refusals by rule, most frequent first: the gate's `refusals`, and those of no rule of ours."""
    counts = Counter(entry.body.rule for entry in refusals)
    for history in histories:
        if not any(isinstance(verdict.body, RefusalRecord) for verdict in history.verdicts):
            counts[ENGINE_DENIED] += history.status == "denied"
            counts[VENUE_REJECTED] += history.status == "rejected"
    return {
        rule: count for rule, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])) if count
    }


def day_latency(histories: Iterable[OrderHistory]) -> DayLatency:
    """Return how long the orders' steps took."""
    known = [latencies(history) for history in histories]
    return DayLatency(
        decision_to_sent=summarized(each.decision_to_sent_ns for each in known),
        sent_to_accepted=summarized(each.sent_to_accepted_ns for each in known),
        accepted_to_first_fill=summarized(each.accepted_to_first_fill_ns for each in known),
        decision_to_first_fill=summarized(each.decision_to_first_fill_ns for each in known),
    )
