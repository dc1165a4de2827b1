"""Random days: the same executions as a journal and as the broker's trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count

import msgspec
from hypothesis import strategies as st

from audit.events import ClosedRecord, Entry, FillRecord, OpenedRecord, OrderRecord
from market.commissions import OrderCommission, ib_fixed
from market.time import NS_PER_MINUTE, NS_PER_SECOND, to_ns
from tests.audit.reconciliation.statement_writer import BrokerTrade

ACCOUNT = "DU1234567"
DAY = date(2013, 10, 7)
OPEN_NS = to_ns("2013-10-07T09:30:00-04:00")
SYMBOLS = ("BAC", "F", "SPY")


@dataclass(frozen=True)
class Fill:
    """One execution of an order."""

    order: int
    number: int
    symbol: str
    side: str
    quantity: int
    price: Decimal
    commission: Decimal
    ts_ns: int

    @property
    def exec_id(self) -> str:
        return f"0000e0c2.52{self.order:06x}.{self.number:02d}.01"

    @property
    def client_order_id(self) -> str:
        return f"O-20131007-{self.order}"


@st.composite
def days(draw: st.DrawFn) -> tuple[Fill, ...]:
    """Draw one to eight orders with one to three fills each; orders are five minutes apart."""
    fills: list[Fill] = []
    for order in range(1, draw(st.integers(1, 8)) + 1):
        symbol = draw(st.sampled_from(SYMBOLS))
        side = draw(st.sampled_from(("BUY", "SELL")))
        cents = draw(st.integers(1_200, 1_800))
        commission = OrderCommission(ib_fixed(DAY), "buy" if side == "BUY" else "sell")
        for number in range(1, draw(st.integers(1, 3)) + 1):
            quantity = draw(st.integers(1, 40)) * 5
            price = Decimal(cents + number) / 100
            fills.append(
                Fill(
                    order=order,
                    number=number,
                    symbol=symbol,
                    side=side,
                    quantity=quantity,
                    price=price,
                    commission=commission.on_fill_in_cents(quantity, price, adds_liquidity=True),
                    ts_ns=OPEN_NS + order * 5 * NS_PER_MINUTE + number * 7 * NS_PER_SECOND + 123_456_789,
                )
            )
    return tuple(fills)


def journal_of(fills: tuple[Fill, ...], *, starting: Decimal = Decimal(25_000)) -> list[Entry]:
    """Return the journal of a day: opened, an order record before its first fill, fills, closed."""
    seq = count(1)
    opened = OpenedRecord(
        run="day",
        environment="uat",
        trader_id="T-1",
        profile_name="day",
        profile_hash="0" * 64,
        profile={"broker": {"account": ACCOUNT}},
        versions={},
        instruments=tuple(f"{symbol}.SMART" for symbol in SYMBOLS),
        starting_balance_usd=starting,
    )
    entries = [_entry(next(seq), OPEN_NS, "opened", opened)]
    sent: set[str] = set()
    for fill in fills:
        if fill.client_order_id not in sent:
            sent.add(fill.client_order_id)
            entries.append(_entry(next(seq), fill.ts_ns, "order", _order(fill, fills)))
        entries.append(_entry(next(seq), fill.ts_ns, "fill", fill_record(fill)))
    last_ns = max((fill.ts_ns for fill in fills), default=OPEN_NS)
    return [*entries, _entry(next(seq), last_ns, "closed", ClosedRecord(reason="end of day"))]


def fill_record(fill: Fill) -> FillRecord:
    """Return the journal's record of one execution."""
    return FillRecord(
        trade_id=fill.exec_id,
        client_order_id=fill.client_order_id,
        strategy_id="intraday-1",
        instrument_id=f"{fill.symbol}.SMART",
        side="BUY" if fill.side == "BUY" else "SELL",
        quantity=fill.quantity,
        price=fill.price,
        commission_usd=fill.commission,
        liquidity="MAKER",
        ts_event_ns=fill.ts_ns,
        venue_order_id=str(9_000 + fill.order),
    )


def trades_of(fills: tuple[Fill, ...]) -> tuple[BrokerTrade, ...]:
    """Return the broker's trades of a day."""
    return tuple(
        BrokerTrade(
            exec_id=fill.exec_id,
            order_id=str(9_000 + fill.order),
            order_reference=f"{fill.client_order_id}:{fill.order}",
            symbol=fill.symbol,
            side=fill.side,
            quantity=Decimal(fill.quantity),
            price=fill.price,
            commission=fill.commission,
            ts_ns=fill.ts_ns,
        )
        for fill in fills
    )


def without_fill(entries: list[Entry], index: int) -> list[Entry]:
    """Return a journal without its fill number `index`."""
    fills = [entry for entry in entries if entry.kind == "fill"]
    return [entry for entry in entries if entry is not fills[index]]


def with_commission(entries: list[Entry], order_id: str, amount: Decimal) -> list[Entry]:
    """Return a journal in which every fill of an order cost `amount`."""
    return [
        msgspec.structs.replace(entry, body=msgspec.structs.replace(entry.body, commission_usd=amount))
        if entry.kind == "fill" and entry.body.client_order_id == order_id
        else entry
        for entry in entries
    ]


def _order(first: Fill, fills: tuple[Fill, ...]) -> OrderRecord:
    return OrderRecord(
        client_order_id=first.client_order_id,
        strategy_id="intraday-1",
        instrument_id=f"{first.symbol}.SMART",
        side="BUY" if first.side == "BUY" else "SELL",
        type="LIMIT",
        quantity=sum(fill.quantity for fill in fills if fill.order == first.order),
        time_in_force="DAY",
        limit_price=first.price,
    )


def _entry(seq: int, ts_ns: int, kind: str, body: msgspec.Struct) -> Entry:
    return Entry(seq=seq, ts_ns=ts_ns, kind=kind, body=body)
