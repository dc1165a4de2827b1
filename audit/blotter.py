"""The trade blotter: every trade, and every execution, with why it was done and what it cost. Pure.

A trade runs from flat to flat (`audit.round_trips`). Money is USD, exact; averages have six decimals;
slippage is positive where it was a cost (`audit.slippage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from audit.amounts import rounded
from audit.events import Entry
from audit.notes import Note, NotesBySubject
from audit.order_history import OrderHistories, OrderHistory
from audit.round_trips import FOUND, RoundTrip, TripFill
from audit.sentences import is_by_kill_switch
from audit.slippage import Slippage, fill_slippage, prices_at_decision, total
from audit.trace_search import TraceIndex
from market.instruments import symbol_of
from market.time import NS_PER_SECOND, format_new_york

KILL_SWITCH_REASON = "kill_switch"
UNKNOWN_REASON = "unknown"


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the blotter. Exits of an open trade are those so far; `holding_seconds` is None then.

    A trade that is `broken_off` was open when the node stopped, and not what it found when it began again.
    """

    trip_id: str
    status: Literal["closed", "open", "broken_off"]
    strategy_id: str
    instrument_id: str
    symbol: str
    side: Literal["LONG", "SHORT"]
    quantity: int
    open_quantity: int
    entry_ts_ns: int
    entry_new_york: str
    exit_ts_ns: int | None
    exit_new_york: str | None
    holding_seconds: float | None
    entry_price: Decimal
    exit_price: Decimal | None
    entry_reason: str
    exit_reason: str | None
    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    entry_slippage_to_mid_usd: Decimal | None
    exit_slippage_to_mid_usd: Decimal | None
    slippage_to_mid_usd: Decimal | None
    slippage_to_mid_bps: float | None
    slippage_to_limit_usd: Decimal | None
    correlation_id: str | None
    entry_orders: tuple[str, ...]
    exit_orders: tuple[str, ...]
    trade_ids: tuple[str, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill; `mid_at_decision` and `limit_price` are what its slippage is measured against."""

    seq: int
    trade_id: str
    trip_ids: tuple[str, ...]
    client_order_id: str
    venue_order_id: str | None
    strategy_id: str
    instrument_id: str
    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: int
    price: Decimal
    commission_usd: Decimal
    liquidity: str
    ts_ns: int
    new_york: str
    reason: str
    mid_at_decision: Decimal | None
    limit_price: Decimal | None
    slippage_to_mid_usd: Decimal | None
    slippage_to_limit_usd: Decimal | None
    correlation_id: str | None
    tags: tuple[str, ...]
    notes: tuple[str, ...]


class Blotter(msgspec.Struct, frozen=True, kw_only=True):
    """All trades in order of their entry, all executions in order of the journal."""

    trades: tuple[Trade, ...]
    executions: tuple[Execution, ...]


def blotter(entries: Iterable[Entry], notes: Sequence[Note] = ()) -> Blotter:
    """Return every trade and execution of a journal, with the notes and tags about them."""
    return blotter_of(TraceIndex(entries), notes)


def blotter_of(index: TraceIndex, notes: Sequence[Note] = ()) -> Blotter:
    """Return every trade and execution of an indexed journal."""
    subjects = NotesBySubject(notes)
    writer = _RowWriter(index.histories, subjects)
    trips_of: dict[int, list[str]] = {}
    for trip in index.trips:
        for part in (*trip.entries, *trip.exits):
            trips_of.setdefault(part.seq, []).append(trip.trip_id)
    return Blotter(
        trades=tuple(writer.trade(trip) for trip in index.trips),
        executions=tuple(
            writer.execution(entry, tuple(trips_of.get(entry.seq, ())))
            for entry in index.histories.executions()
        ),
    )


def reason_of(history: OrderHistory) -> str:
    """Return why an order was made: its first decision that was sent, or the kill switch, or unknown."""
    if history.order is not None and is_by_kill_switch(history.order.body):
        return KILL_SWITCH_REASON
    sent = (entry.body.reason for entry in history.decisions if entry.body.outcome == "sent")
    return str(next(sent, UNKNOWN_REASON))


class _RowWriter:
    """Makes rows out of trades and fills, looking up their orders and notes."""

    def __init__(self, histories: OrderHistories, notes: NotesBySubject) -> None:
        self._histories = histories
        self._notes = notes

    def trade(self, trip: RoundTrip) -> Trade:
        """Return the row of a trade."""
        entry_cost, exit_cost = self._slippage(trip.entries), self._slippage(trip.exits)
        cost = total((entry_cost, exit_cost))
        about = self._notes.about(self._ids(trip))
        exit_ns = trip.exit_ts_ns
        return Trade(
            trip_id=trip.trip_id,
            status=_status(trip),
            strategy_id=trip.strategy_id,
            instrument_id=trip.instrument_id,
            symbol=_symbol(trip.instrument_id),
            side=trip.side,
            quantity=trip.quantity,
            open_quantity=trip.open_quantity,
            entry_ts_ns=trip.entry_ts_ns,
            entry_new_york=format_new_york(trip.entry_ts_ns),
            exit_ts_ns=exit_ns,
            exit_new_york=None if exit_ns is None else format_new_york(exit_ns),
            holding_seconds=None if exit_ns is None else (exit_ns - trip.entry_ts_ns) / NS_PER_SECOND,
            entry_price=rounded(trip.entry_price),
            exit_price=_rounded(trip.exit_price),
            entry_reason=self._reason(trip.entries[0]),
            exit_reason=self._reason(trip.exits[-1]) if trip.exits else None,
            gross_usd=rounded(trip.gross_usd),
            fees_usd=rounded(trip.fees_usd),
            net_usd=rounded(trip.net_usd),
            entry_slippage_to_mid_usd=_rounded(entry_cost.mid_usd),
            exit_slippage_to_mid_usd=_rounded(exit_cost.mid_usd),
            slippage_to_mid_usd=_rounded(cost.mid_usd),
            slippage_to_mid_bps=cost.mid_bps,
            slippage_to_limit_usd=_rounded(cost.limit_usd),
            correlation_id=trip.entries[0].correlation_id,
            entry_orders=trip.entry_orders,
            exit_orders=trip.exit_orders,
            trade_ids=_executed(trip),
            tags=about.tags,
            notes=about.texts,
        )

    def execution(self, entry: Entry, trip_ids: tuple[str, ...]) -> Execution:
        """Return the row of a fill."""
        fill, history = entry.body, self._histories.of(entry.body.client_order_id)
        prices = prices_at_decision(history)
        cost = fill_slippage(fill, prices)
        about = self._notes.about((fill.trade_id,))
        return Execution(
            seq=entry.seq,
            trade_id=fill.trade_id,
            trip_ids=trip_ids,
            client_order_id=fill.client_order_id,
            venue_order_id=history.venue_order_id,
            strategy_id=fill.strategy_id,
            instrument_id=fill.instrument_id,
            symbol=_symbol(fill.instrument_id),
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            commission_usd=fill.commission_usd,
            liquidity=fill.liquidity,
            ts_ns=fill.ts_event_ns,
            new_york=format_new_york(fill.ts_event_ns),
            reason=reason_of(history),
            mid_at_decision=prices.mid,
            limit_price=prices.limit,
            slippage_to_mid_usd=_rounded(cost.mid_usd),
            slippage_to_limit_usd=_rounded(cost.limit_usd),
            correlation_id=entry.correlation_id,
            tags=about.tags,
            notes=about.texts,
        )

    def _slippage(self, parts: Sequence[TripFill]) -> Slippage:
        return total(
            fill_slippage(
                part.fill,
                prices_at_decision(self._histories.of(part.fill.client_order_id)),
                quantity=part.quantity,
            )
            for part in parts
            if not part.is_found
        )

    def _reason(self, part: TripFill) -> str:
        return FOUND if part.is_found else reason_of(self._histories.of(part.fill.client_order_id))

    def _ids(self, trip: RoundTrip) -> list[str]:
        orders = [self._histories.of(name) for name in trip.orders]
        named = [(order.client_order_id, order.correlation_id, order.venue_order_id) for order in orders]
        return [
            trip.trip_id,
            *_executed(trip),
            *(name for names in named for name in names if name is not None),
        ]


def _status(trip: RoundTrip) -> Literal["closed", "open", "broken_off"]:
    if trip.is_broken_off:
        return "broken_off"
    return "closed" if trip.is_closed else "open"


def _executed(trip: RoundTrip) -> tuple[str, ...]:
    parts = (*trip.entries, *trip.exits)
    return tuple(dict.fromkeys(part.fill.trade_id for part in parts if not part.is_found))


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else rounded(value)


def _symbol(instrument_id: str) -> str:
    return symbol_of(instrument_id) or instrument_id
