"""A journal written by hand, entry by entry, in memory: for tests of what reads journals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from audit.events import (
    KIND_OF,
    CheckpointRecord,
    ClosedRecord,
    DecisionRecord,
    Entry,
    FillRecord,
    NodeRecord,
    OpenedRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from market.time import NS_PER_SECOND, to_ns
from risk.records import ApprovalRecord, BreakerChangeRecord, CommandRecord, ReadingRecord, RefusalRecord

OPEN_NS = to_ns("2013-10-07T09:30:00-04:00")
STRATEGY, INSTRUMENT = "Harvester-1", "BAC.SMART"


class Script:
    """Builds entries; each method appends one and returns it. `now_ns` moves with `wait`."""

    def __init__(self, now_ns: int = OPEN_NS) -> None:
        self.entries: list[Entry] = []
        self.now_ns = now_ns

    def wait(self, seconds: float) -> Script:
        self.now_ns += int(seconds * NS_PER_SECOND)
        return self

    def add(
        self, body: msgspec.Struct, *, correlation_id: str | None = None, caused_by: int | None = None
    ) -> Entry:
        entry = Entry(
            seq=len(self.entries) + 1,
            ts_ns=self.now_ns,
            kind=KIND_OF[type(body)],
            body=body,
            correlation_id=correlation_id,
            caused_by=caused_by,
        )
        self.entries.append(entry)
        return entry

    def opened(self) -> Entry:
        return self.add(
            OpenedRecord(
                run="monday",
                environment="backtest",
                trader_id="HARVESTER-001",
                profile_name="demo",
                profile_hash="0123456789abcdef0123",
                profile={},
                versions={"harvester": "0.1.0"},
                instruments=(INSTRUMENT,),
            )
        )

    def closed(self) -> Entry:
        return self.add(ClosedRecord(reason="the run ended"))

    def node(self, state: Any) -> Entry:
        return self.add(NodeRecord(state=state))

    def decision(self, correlation_id: str, **changes: Any) -> Entry:
        record = DecisionRecord(
            correlation_id=correlation_id,
            ts_ns=self.now_ns,
            strategy_id=STRATEGY,
            instrument_id=INSTRUMENT,
            action="enter",
            reason="pressure_agrees",
            outcome="sent",
            side="buy",
            quantity=10,
            limit_price="13.95",
            features={"mid": 13.945, "spread_bps": 7.2},
            thresholds={"spread_bps": 40.0},
        )
        return self.add(msgspec.structs.replace(record, **changes), correlation_id=correlation_id)

    def order(self, name: str, correlation_id: str | None = None, **changes: Any) -> Entry:
        record = OrderRecord(
            client_order_id=name,
            strategy_id=STRATEGY,
            instrument_id=INSTRUMENT,
            side="BUY",
            type="LIMIT",
            quantity=10,
            time_in_force="IOC",
            limit_price=Decimal("13.9500"),
        )
        return self.add(msgspec.structs.replace(record, **changes), correlation_id=correlation_id)

    def approval(
        self, *names: str, command: Any = "submit", correlation_id: str | None = None, **terms: Any
    ) -> Entry:
        body = ApprovalRecord(
            ts_ns=self.now_ns,
            command=command,
            client_order_ids=names,
            strategy_id=STRATEGY,
            instrument_id=INSTRUMENT,
            **terms,
        )
        return self.add(body, correlation_id=correlation_id)

    def refusal(self, name: str, rule: str = "quote_age", **changes: Any) -> Entry:
        record = RefusalRecord(
            ts_ns=self.now_ns,
            command="submit",
            rule=rule,
            value="3 s",
            limit="2 s",
            reason=f"{rule}: 3 s, limit 2 s",
            instrument_id=INSTRUMENT,
            client_order_id=name,
            strategy_id=STRATEGY,
            breaker="RUNNING",
        )
        return self.add(msgspec.structs.replace(record, **changes))

    def event(self, name: str, event: str, correlation_id: str | None = None, **changes: Any) -> Entry:
        record = OrderEventRecord(
            event=event,
            client_order_id=name,
            strategy_id=STRATEGY,
            instrument_id=INSTRUMENT,
            ts_event_ns=self.now_ns,
        )
        return self.add(msgspec.structs.replace(record, **changes), correlation_id=correlation_id)

    def fill(self, name: str, trade_id: str, correlation_id: str | None = None, **changes: Any) -> Entry:
        record = FillRecord(
            trade_id=trade_id,
            client_order_id=name,
            strategy_id=STRATEGY,
            instrument_id=INSTRUMENT,
            side="BUY",
            quantity=10,
            price=Decimal("13.9500"),
            commission_usd=Decimal("0.35"),
            liquidity="TAKER",
            ts_event_ns=self.now_ns,
        )
        return self.add(msgspec.structs.replace(record, **changes), correlation_id=correlation_id)

    def position(self, event: Any, quantity: int, *, caused_by: int | None = None, **changes: Any) -> Entry:
        record = PositionRecord(
            event=event,
            position_id=f"{INSTRUMENT}-{STRATEGY}",
            strategy_id=STRATEGY,
            instrument_id=INSTRUMENT,
            quantity=quantity,
            average_open=Decimal("13.95"),
            realized_usd=Decimal("-0.35"),
        )
        return self.add(msgspec.structs.replace(record, **changes), caused_by=caused_by)

    def checkpoint(self, realized: str, unrealized: str = "0", fees: str = "0") -> Entry:
        return self.add(
            CheckpointRecord(
                realized_usd=Decimal(realized),
                unrealized_usd=Decimal(unrealized),
                fees_usd=Decimal(fees),
                cash_usd=None,
                open_positions=1,
                working_orders=0,
            )
        )

    def breaker(self, before: Any, after: Any, by: str = "daily_loss", reason: str = "20.44 USD") -> Entry:
        return self.add(
            BreakerChangeRecord(
                ts_ns=self.now_ns, before=before, after=after, causes=(), by=by, reason=reason
            )
        )

    def command(self, command: str, by: str = "Ann", reason: str = "lunch") -> Entry:
        return self.add(
            CommandRecord(ts_ns=self.now_ns, command=command, by=by, reason=reason, outcome="breaker HALT")
        )

    def reading(self, trigger: str, verdict: Literal["suspect", "confirmed"] = "confirmed") -> Entry:
        return self.add(
            ReadingRecord(
                ts_ns=self.now_ns,
                trigger=trigger,
                verdict=verdict,
                value="20.44 USD",
                limit="20 USD",
                readings_ns=(self.now_ns,),
                inputs={},
            )
        )

    def filled_order(self, name: str, correlation_id: str, **fill: Any) -> Script:
        """One order the whole way: decision, terms, verdict, events and one fill, after 20 ms."""
        side = fill.get("side", "BUY")
        quantity = fill.get("quantity", 10)
        self.decision(correlation_id, side=side.lower(), quantity=quantity)
        self.order(name, correlation_id, side=side, quantity=quantity)
        self.approval(name, correlation_id=correlation_id)
        self.event(name, "submitted", correlation_id)
        self.wait(0.02)
        self.event(name, "accepted", correlation_id, venue_order_id=f"V-{name}")
        done = self.fill(name, f"T-{name}", correlation_id, **fill)
        self.position("opened", quantity, caused_by=done.seq)
        return self
