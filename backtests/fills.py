"""Fills, and the round trips and cash flows that follow from them: pure, exact, in `Decimal`.

Nautilus rounds the profit of every closing fill to a cent and forgets a position's life once it is
flat, so what a run reports is computed here from the fills alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

ZERO = Decimal(0)

Side = Literal["BUY", "SELL"]


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution: shares, USD a share, USD of commission, ns UTC."""

    trade_id: str
    client_order_id: str
    strategy_id: str
    instrument_id: str
    side: Side
    quantity: int
    price: Decimal
    commission_usd: Decimal
    liquidity: Literal["MAKER", "TAKER"]
    ts_ns: int
    correlation_id: str | None

    @property
    def signed_quantity(self) -> int:
        """Shares gained; negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity

    @property
    def cash_usd(self) -> Decimal:
        """Cash received before commission; negative for a purchase."""
        return -self.signed_quantity * self.price


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """A position from flat to flat: all shares entered, average prices, profit before and after fees.

    `entry_correlation_id` and `exit_correlation_id` are those of the first entry and of the last exit.
    """

    strategy_id: str
    instrument_id: str
    side: Literal["LONG", "SHORT"]
    quantity: int
    entry_ts_ns: int
    exit_ts_ns: int
    entry_price: Decimal
    exit_price: Decimal
    gross_pnl_usd: Decimal
    fees_usd: Decimal
    entry_correlation_id: str | None
    exit_correlation_id: str | None

    @property
    def net_pnl_usd(self) -> Decimal:
        """Profit after fees."""
        return self.gross_pnl_usd - self.fees_usd


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What is held at the end: signed shares at their average price, USD."""

    strategy_id: str
    instrument_id: str
    quantity: int
    average_price: Decimal


class _Leg:
    """Fills of one position since it was last flat; splits a fill that crosses zero."""

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.shares = 0

    def add(self, fill: Fill) -> Iterator[RoundTrip]:
        held, change = self.shares, fill.signed_quantity
        if held and held * change < 0 and abs(change) > abs(held):
            closing, opening = _split(fill, abs(held))
            yield from self.add(closing)
            yield from self.add(opening)
            return
        self.fills.append(fill)
        self.shares += change
        if self.shares == 0:
            yield _round_trip(self.fills)
            self.fills = []

    def open_position(self) -> OpenPosition:
        sign = 1 if self.shares > 0 else -1
        entries = [fill for fill in self.fills if fill.signed_quantity * sign > 0]
        return OpenPosition(
            strategy_id=self.fills[0].strategy_id,
            instrument_id=self.fills[0].instrument_id,
            quantity=self.shares,
            average_price=_average_price(entries),
        )


def round_trips(fills: Iterable[Fill]) -> tuple[list[RoundTrip], list[OpenPosition]]:
    """Return the closed positions in order of their exit, and what is still open.

    `fills` are in order of time. Each strategy owns its shares: two that trade one symbol do not net.
    """
    legs: dict[tuple[str, str], _Leg] = {}
    closed: list[RoundTrip] = []
    for fill in fills:
        leg = legs.setdefault((fill.strategy_id, fill.instrument_id), _Leg())
        closed.extend(leg.add(fill))
    return closed, [legs[key].open_position() for key in sorted(legs) if legs[key].shares]


def _split(fill: Fill, first: int) -> tuple[Fill, Fill]:
    fee = fill.commission_usd * first / fill.quantity
    rest = msgspec.structs.replace(
        fill, quantity=fill.quantity - first, commission_usd=fill.commission_usd - fee
    )
    return msgspec.structs.replace(fill, quantity=first, commission_usd=fee), rest


def _round_trip(fills: Sequence[Fill]) -> RoundTrip:
    entry_side = fills[0].side
    entries = [fill for fill in fills if fill.side == entry_side]
    exits = [fill for fill in fills if fill.side != entry_side]
    return RoundTrip(
        strategy_id=fills[0].strategy_id,
        instrument_id=fills[0].instrument_id,
        side="LONG" if entry_side == "BUY" else "SHORT",
        quantity=sum(fill.quantity for fill in entries),
        entry_ts_ns=fills[0].ts_ns,
        exit_ts_ns=fills[-1].ts_ns,
        entry_price=_average_price(entries),
        exit_price=_average_price(exits),
        gross_pnl_usd=sum((fill.cash_usd for fill in fills), ZERO),
        fees_usd=sum((fill.commission_usd for fill in fills), ZERO),
        entry_correlation_id=fills[0].correlation_id,
        exit_correlation_id=fills[-1].correlation_id,
    )


def _average_price(fills: Sequence[Fill]) -> Decimal:
    shares = sum(fill.quantity for fill in fills)
    return sum((fill.quantity * fill.price for fill in fills), ZERO) / shares
