"""Trades from flat to flat, as the fills of a journal make them: exact, in `Decimal`, pure.

A trade's id is `trip-<seq of the fill that opened it>`: the same in every reading of one journal. Each
strategy owns its shares: two that trade one symbol do not net. A fill that crosses zero ends one trade
and opens the next; its fee is split by quantity. A combination's legs make trades, its own fill does not.

A node that begins says which positions it found. One that the journal has open goes on; any other opens a
trade at its average price. A trade that is not found again breaks off: how it ended was not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from audit.events import Entry, FillRecord, OpenedRecord, OrderRecord, PositionRecord

ZERO = Decimal(0)
FOUND = "found"
"""Trade id, and order, of what the node held already when it began."""


class TripFill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill's part in a trade: `quantity` of its shares, without sign, and their share of its fee in USD.

    `ts_ns` is the time of its record.
    """

    seq: int
    ts_ns: int
    correlation_id: str | None
    fill: FillRecord
    quantity: int
    fee_usd: Decimal

    @property
    def signed_quantity(self) -> int:
        """Shares gained; negative for a sale."""
        return self.quantity if self.fill.side == "BUY" else -self.quantity

    @property
    def cash_usd(self) -> Decimal:
        """Cash received before the fee, in USD; negative for a purchase."""
        return -self.signed_quantity * self.fill.multiplier * self.fill.price

    @property
    def is_found(self) -> bool:
        """Whether it was held before the journal began, and is no execution of it."""
        return self.fill.trade_id == FOUND


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """One trade: its entries, and its exits so far. It is closed when as much went out as came in."""

    entries: tuple[TripFill, ...]
    exits: tuple[TripFill, ...]
    is_broken_off: bool = False

    @property
    def trip_id(self) -> str:
        """Name of this trade within its journal."""
        return f"trip-{self.entries[0].seq}"

    @property
    def strategy_id(self) -> str:
        """Whose trade it is."""
        return self.entries[0].fill.strategy_id

    @property
    def instrument_id(self) -> str:
        """What was traded."""
        return self.entries[0].fill.instrument_id

    @property
    def side(self) -> Literal["LONG", "SHORT"]:
        """`LONG` when it began with a purchase."""
        return "LONG" if self.entries[0].fill.side == "BUY" else "SHORT"

    @property
    def quantity(self) -> int:
        """Shares entered."""
        return sum(part.quantity for part in self.entries)

    @property
    def open_quantity(self) -> int:
        """Shares still held, without sign."""
        return self.quantity - sum(part.quantity for part in self.exits)

    @property
    def is_closed(self) -> bool:
        """Whether nothing of it is held any more."""
        return self.open_quantity == 0

    @property
    def entry_ts_ns(self) -> int:
        """When the first fill happened, ns UTC."""
        return self.entries[0].fill.ts_event_ns

    @property
    def exit_ts_ns(self) -> int | None:
        """When the last fill happened, ns UTC; None while it is open."""
        return self.exits[-1].fill.ts_event_ns if self.is_closed else None

    @property
    def entry_price(self) -> Decimal:
        """Share-weighted average, USD."""
        return _average_price(self.entries)

    @property
    def exit_price(self) -> Decimal | None:
        """Share-weighted average of the exits so far, USD; None without one."""
        return _average_price(self.exits) if self.exits else None

    @property
    def entry_orders(self) -> tuple[str, ...]:
        """Client order ids of the entries, in the order of their fills."""
        return _orders(self.entries)

    @property
    def exit_orders(self) -> tuple[str, ...]:
        """Client order ids of the exits, in the order of their fills."""
        return _orders(self.exits)

    @property
    def orders(self) -> tuple[str, ...]:
        """Client order ids of all fills."""
        return _orders((*self.entries, *self.exits))

    @property
    def gross_usd(self) -> Decimal:
        """Profit of what was closed, before fees; what is still held counts at its average price."""
        cash = sum((part.cash_usd for part in (*self.entries, *self.exits)), ZERO)
        if self.is_closed:
            return cash
        held = self.open_quantity if self.side == "LONG" else -self.open_quantity
        return cash + held * self.entries[0].fill.multiplier * self.entry_price

    @property
    def fees_usd(self) -> Decimal:
        """Fees of all its fills."""
        return sum((part.fee_usd for part in (*self.entries, *self.exits)), ZERO)

    @property
    def net_usd(self) -> Decimal:
        """Profit after fees."""
        return self.gross_usd - self.fees_usd


class RoundTrips:
    """Gathers fills into trades, entry by entry."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _OpenTrip] = {}
        self._set_aside: dict[tuple[str, str], _OpenTrip] = {}
        self._ended: list[RoundTrip] = []
        self._executions: set[tuple[str, str, str]] = set()
        self._reduce_only: set[str] = set()

    def add(self, entry: Entry) -> None:
        """Take in the next entry of the journal; kinds that move no position are passed over."""
        match entry.body:
            case FillRecord(is_combination=False):
                self._execution(_part(entry, entry.body))
            case OrderRecord(is_reduce_only=True):
                self._reduce_only.add(entry.body.client_order_id)
            case OpenedRecord():
                self._ended.extend(trip.frozen(is_broken_off=True) for trip in self._set_aside.values())
                self._set_aside, self._open = self._open, {}
            case PositionRecord(event="found"):
                self._found(_part(entry, _as_fill(entry)))

    def _execution(self, part: TripFill) -> None:
        """Take in an execution once, also where a node that began again reports it anew."""
        execution = execution_of(part.fill)
        is_void = part.fill.client_order_id in self._reduce_only and _key(part) not in self._open
        if execution not in self._executions and not is_void:  # reduce-only never opens a position
            self._fill(part)
        self._executions.add(execution)

    def _found(self, part: TripFill) -> None:
        key = _key(part)
        before = self._set_aside.get(key)
        if before is not None and before.held == part.signed_quantity:
            self._open[key] = self._set_aside.pop(key)
        elif key not in self._open:
            self._fill(part)

    def _fill(self, part: TripFill) -> None:
        key = _key(part)
        trip = self._open.setdefault(key, _OpenTrip())
        for piece in trip.pieces(part):
            trip.add(piece)
            if trip.held == 0:
                self._ended.append(self._open.pop(key).frozen())
                trip = _OpenTrip()
        if trip.held:
            self._open[key] = trip

    def all(self) -> list[RoundTrip]:
        """Return the trades so far, closed and open, in order of their first fill."""
        still_open = [trip.frozen() for trip in self._open.values()]
        broken = [trip.frozen(is_broken_off=True) for trip in self._set_aside.values()]
        return sorted((*self._ended, *still_open, *broken), key=lambda trip: trip.entries[0].seq)


def round_trips(entries: Iterable[Entry]) -> list[RoundTrip]:
    """Return the trades that the fills among `entries` make, in order of their first fill."""
    trips = RoundTrips()
    for entry in entries:
        trips.add(entry)
    return trips.all()


def execution_of(fill: FillRecord) -> tuple[str, str, str]:
    """Return what tells an execution from every other: its order, its instrument and its trade id."""
    return fill.client_order_id, fill.instrument_id, fill.trade_id


def _key(part: TripFill) -> tuple[str, str]:
    return part.fill.strategy_id, part.fill.instrument_id


def _part(entry: Entry, fill: FillRecord) -> TripFill:
    return TripFill(
        seq=entry.seq,
        ts_ns=entry.ts_ns,
        correlation_id=entry.correlation_id,
        fill=fill,
        quantity=fill.quantity,
        fee_usd=fill.commission_usd,
    )


def _as_fill(entry: Entry) -> FillRecord:
    """Return a position that was there at the start as the fill that it would take to make it."""
    body: PositionRecord = entry.body
    return FillRecord(
        trade_id=FOUND,
        client_order_id=FOUND,
        strategy_id=body.strategy_id,
        instrument_id=body.instrument_id,
        side="BUY" if body.quantity > 0 else "SELL",
        quantity=abs(body.quantity),
        price=body.average_open,
        commission_usd=ZERO,
        liquidity="UNKNOWN",
        ts_event_ns=entry.ts_ns,
        position_id=body.position_id,
        multiplier=body.multiplier,
    )


class _OpenTrip:
    """Fills since the position was last flat, and the signed shares held."""

    __slots__ = ("entries", "exits", "held")

    def __init__(self) -> None:
        self.entries: list[TripFill] = []
        self.exits: list[TripFill] = []
        self.held = 0

    def pieces(self, part: TripFill) -> Iterator[TripFill]:
        """Yield `part`, in two where it crosses zero: what closes this trade, and what opens the next."""
        closing = abs(self.held)
        if self.held * part.signed_quantity >= 0 or part.quantity <= closing:
            yield part
            return
        fee = part.fee_usd * closing / part.quantity
        rest = part.quantity - closing
        yield msgspec.structs.replace(part, quantity=closing, fee_usd=fee)
        yield msgspec.structs.replace(part, quantity=rest, fee_usd=part.fee_usd - fee)

    def add(self, part: TripFill) -> None:
        """Take `part` in, as an entry where it adds to what is held."""
        (self.entries if self.held * part.signed_quantity >= 0 else self.exits).append(part)
        self.held += part.signed_quantity

    def frozen(self, *, is_broken_off: bool = False) -> RoundTrip:
        """Return it as a value."""
        return RoundTrip(entries=tuple(self.entries), exits=tuple(self.exits), is_broken_off=is_broken_off)


def _average_price(parts: tuple[TripFill, ...]) -> Decimal:
    quantity = sum(part.quantity for part in parts)
    return sum((part.quantity * part.fill.price for part in parts), ZERO) / quantity


def _orders(parts: tuple[TripFill, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.fill.client_order_id for part in parts if not part.is_found))
