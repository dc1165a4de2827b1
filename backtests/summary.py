"""`run.json`: what a run was, and its result in numbers. Money as text is exact."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from backtests.equity import EquityCurve
from backtests.fills import ZERO, OpenPosition, RoundTrip
from backtests.outcome import Outcome
from backtests.period import Selection
from backtests.result_hash import result_hash
from backtests.run_journal import JournalSummary, versions
from backtests.symbols import TradedSymbols
from configs.profile import LoadedProfile
from risk.records import BreakerChangeRecord

CENT = Decimal("0.01")
REFUSED = frozenset(("DENIED", "REJECTED"))


class Dates(msgspec.Struct, frozen=True):
    """First and last New York date replayed, as `2013-10-07`."""

    start: str
    end: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many there were of each; `records` were replayed, `filled_orders` at least in part.

    `orders` are those that strategies and the kill switch made: `refused_orders` were denied by a limit or
    rejected by the venue, `sent_orders` are the rest. `refusals` count refused changes of orders as well.
    """

    records: int
    decisions: int
    orders: int
    refused_orders: int
    sent_orders: int
    filled_orders: int
    fills: int
    shares: int
    round_trips: int
    winning_round_trips: int
    refusals: int


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `run.json`.

    `net_pnl_usd` is gross less fees of the closed round trips and of the open ones' fills, valued at
    cost; what is open at the end is in `unrealized_pnl_usd` and `open_positions`.
    `account_difference_usd` is the account's change less `net_pnl_usd`: at most the half cents that
    Nautilus rounds away per closing fill.
    """

    name: str
    profile_hash: str
    result_hash: str
    versions: dict[str, str]
    catalog: str
    period: Dates
    sessions: int
    instruments: tuple[str, ...]
    universe_chosen_on: str | None
    universe_chosen_with_hindsight: bool
    strategies: tuple[str, ...]
    book: str
    queue_position: bool
    latency_ms: float
    fees_schedule: str
    chunk_size: int | None
    seed: int
    counts: Counts
    refusals_by_rule: dict[str, int]
    breaker_changes: tuple[BreakerChangeRecord, ...]
    starting_balance_usd: str
    closing_balance_usd: str
    gross_pnl_usd: str
    fees_usd: str
    net_pnl_usd: str
    unrealized_pnl_usd: str
    account_difference_usd: str
    max_drawdown_usd: str
    win_fraction: float | None
    open_positions: tuple[dict[str, Any], ...]
    journal: JournalSummary | None
    elapsed_seconds: float


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was asked, what was chosen to answer it, what happened, and where that is proven."""

    loaded: LoadedProfile
    symbols: TradedSymbols
    selection: Selection
    outcome: Outcome
    journal: JournalSummary | None = None


def summarize(
    facts: RunFacts,
    *,
    trips: Sequence[RoundTrip],
    still_open: Sequence[OpenPosition],
    curve: EquityCurve,
    started: float,
) -> RunSummary:
    """Return the summary; `started` is the monotonic time in seconds at which the run began."""
    loaded, selection, outcome = facts.loaded, facts.selection, facts.outcome
    backtest = loaded.require_backtest()
    fees = sum((fill.commission_usd for fill in outcome.fills), ZERO)
    gross = _realized_usd(outcome, still_open)
    unrealized = float(curve.unrealized_usd[-1]) if curve.unrealized_usd.size else 0.0
    account_change = outcome.closing_balance_usd - outcome.starting_balance_usd
    return RunSummary(
        name=loaded.profile.name,
        profile_hash=loaded.hash,
        result_hash=result_hash(outcome),
        versions=versions(),
        catalog=str(selection.catalog),
        period=Dates(selection.period.start.isoformat(), selection.period.end.isoformat()),
        sessions=len(selection.period.sessions),
        instruments=selection.instrument_ids,
        universe_chosen_on=None if facts.symbols.chosen_on is None else facts.symbols.chosen_on.isoformat(),
        universe_chosen_with_hindsight=facts.symbols.with_hindsight,
        strategies=tuple(section.name for section in loaded.profile.strategies),
        book=loaded.profile.universe.book,
        queue_position=selection.queue_position,
        latency_ms=backtest.latency_ms,
        fees_schedule=loaded.profile.fees.schedule,
        chunk_size=backtest.chunk_size,
        seed=backtest.seed,
        counts=_counts(outcome, trips),
        refusals_by_rule=dict(sorted(Counter(refusal.rule for refusal in outcome.refusals).items())),
        breaker_changes=outcome.breaker_changes,
        starting_balance_usd=_text(outcome.starting_balance_usd),
        closing_balance_usd=_text(outcome.closing_balance_usd),
        gross_pnl_usd=_text(gross),
        fees_usd=_text(fees),
        net_pnl_usd=_text(gross - fees),
        unrealized_pnl_usd=_text(Decimal(str(round(unrealized, 4)))),
        account_difference_usd=_text(account_change - (gross - fees)),
        max_drawdown_usd=_text(Decimal(str(round(curve.max_drawdown_usd, 4)))),
        win_fraction=_win_fraction(trips),
        open_positions=tuple(_open(position) for position in still_open),
        journal=facts.journal,
        elapsed_seconds=round(time.monotonic() - started, 3),
    )


def _realized_usd(outcome: Outcome, still_open: Sequence[OpenPosition]) -> Decimal:
    """Return the cash that the fills brought, with what is still held counted at its cost."""
    cash = sum((fill.cash_usd for fill in outcome.fills), ZERO)
    return cash + sum((position.quantity * position.average_price for position in still_open), ZERO)


def _counts(outcome: Outcome, trips: Sequence[RoundTrip]) -> Counts:
    refused = sum(order.status in REFUSED for order in outcome.orders)
    return Counts(
        records=outcome.events_processed,
        decisions=len(outcome.decisions),
        orders=len(outcome.orders),
        refused_orders=refused,
        sent_orders=len(outcome.orders) - refused,
        filled_orders=sum(order.filled_quantity > 0 for order in outcome.orders),
        fills=len(outcome.fills),
        shares=sum(fill.quantity for fill in outcome.fills),
        round_trips=len(trips),
        winning_round_trips=sum(trip.net_pnl_usd > 0 for trip in trips),
        refusals=len(outcome.refusals),
    )


def _win_fraction(trips: Sequence[RoundTrip]) -> float | None:
    return sum(trip.net_pnl_usd > 0 for trip in trips) / len(trips) if trips else None


def _open(position: OpenPosition) -> dict[str, Any]:
    return {
        "strategy_id": position.strategy_id,
        "instrument_id": position.instrument_id,
        "quantity": position.quantity,
        "average_price": _text(position.average_price),
    }


def _text(amount: Decimal) -> str:
    """Return an amount with at least two decimals and no digits beyond the fourth."""
    exact = amount.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)
    return str(exact.quantize(CENT) if exact == exact.quantize(CENT) else exact)
