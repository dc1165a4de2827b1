"""What a journal holds: one type per kind of record; the same in backtest, simulator and live.

Times are ns UTC; money and prices are exact decimals in USD (text on disk); quantities are whole shares
or contracts. `KINDS` is the schema: the name on disk of every type. Risk's own records (approvals,
refusals, breaker changes, suspect readings, operators' commands) are part of it as they are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from risk.records import (
    ApprovalRecord,
    BreakerChangeRecord,
    CommandRecord,
    ReadingRecord,
    RefusalRecord,
)

DECISIONS_TOPIC = "harvester.decisions"
"""Message-bus topic on which every strategy shell publishes its `DecisionRecord`s."""

ALERTS_TOPIC = "harvester.alerts"
"""Message-bus topic on which strategy shells publish an `AlertRecord` before they act without data."""

Outcome = Literal["sent", "suppressed", "refused"]
Side = Literal["BUY", "SELL"]
AlertAction = Literal["load", "start", "resume", "alert", "pause", "unpause", "stop"]


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision: what was seen, what it was compared with, what was decided, and why.

    `features` and `thresholds` share their names where they were compared. `limit_price` is a
    decimal as text, in USD a share. `ts_ns` is UTC. Orders carry `correlation_id` as the tag
    `decision:<correlation_id>`.
    """

    correlation_id: str
    ts_ns: int
    strategy_id: str
    instrument_id: str
    action: str  # enter | replace | cancel | exit | hold
    reason: str  # stable snake_case word; reports group by it
    outcome: Outcome
    side: Literal["buy", "sell"] | None = None
    quantity: int | None = None
    limit_price: str | None = None
    features: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    refused_by: str | None = None


class OpenedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The node that writes: its whole configuration with hash, and the versions that it runs on.

    `profile` is the masked profile, nothing inherited left out; `catalog` where its data comes from, None
    when it is live. `starting_balance_usd` is the account's cash when it began. `data_checks` names the
    checks behind `data_quality` records: what is not among them is unknown, not absent.
    """

    run: str
    environment: str  # backtest | dev | uat | live
    trader_id: str
    profile_name: str
    profile_hash: str
    profile: dict[str, Any]
    versions: dict[str, str]
    instruments: tuple[str, ...]
    catalog: str | None = None
    starting_balance_usd: Decimal | None = None
    data_checks: tuple[str, ...] = ()


class ClosedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The last record of a journal that was closed and not cut off."""

    reason: str


class NodeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the node or of its connection to the broker."""

    state: Literal["started", "stopped", "connected", "disconnected", "reconciled", "recovered"]
    detail: str = ""


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order's terms as its sender made it: the intent, before any verdict.

    One that `is_emulated` waits inside the node for its price, and is recorded again, with the terms that
    go to the venue, when that has come. An order that was working already when the node began has
    `found_status` and what of it was filled.
    """

    client_order_id: str
    strategy_id: str
    instrument_id: str
    side: Side
    type: str
    quantity: int
    time_in_force: str
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    is_reduce_only: bool = False
    is_emulated: bool = False
    tags: tuple[str, ...] = ()
    parent_order_id: str | None = None
    linked_order_ids: tuple[str, ...] = ()
    order_list_id: str | None = None
    found_status: str | None = None
    found_filled_quantity: int = 0


class OrderEventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order's change of state other than a fill. `event` is Nautilus' name in snake case.

    `quantity` and prices are the new terms of an `updated`; `reason` the words of a refusal.
    """

    event: str  # submitted | accepted | denied | rejected | updated | canceled | expired | ...
    client_order_id: str
    strategy_id: str
    instrument_id: str
    ts_event_ns: int
    venue_order_id: str | None = None
    reason: str | None = None
    quantity: int | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


class FillRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution: whole shares or contracts, USD a share, USD of commission.

    A contract is of `multiplier` shares. The fill of a combination (a spread) fills its order alone; the
    fills of its legs, without an order of their own, make the positions and the money.
    """

    trade_id: str
    client_order_id: str
    strategy_id: str
    instrument_id: str
    side: Side
    quantity: int
    price: Decimal
    commission_usd: Decimal
    liquidity: Literal["MAKER", "TAKER", "UNKNOWN"]
    ts_event_ns: int
    venue_order_id: str | None = None
    position_id: str | None = None
    multiplier: int = 1
    is_combination: bool = False


class PositionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A position after an event, as the engine has it; `quantity` is signed.

    `found` is one that the node held already when it began. `realized_usd` is the engine's: fees
    deducted, rounded to the cent at each closing fill.
    """

    event: Literal["opened", "changed", "closed", "found"]
    position_id: str
    strategy_id: str
    instrument_id: str
    quantity: int
    average_open: Decimal
    realized_usd: Decimal
    average_close: Decimal | None = None
    multiplier: int = 1
    opened_ns: int | None = None  # of a `found` one


class CheckpointRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Profit at a moment, all strategies together: at the last mid for what is held, fees deducted."""

    realized_usd: Decimal
    unrealized_usd: Decimal
    fees_usd: Decimal
    cash_usd: Decimal | None
    open_positions: int
    working_orders: int


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy is about to act because time or the node says so, not data: an input that a replay needs.

    `now_ns` is the time that it acts by, ns UTC; `state` what a `load` brought back, JSON by name.
    """

    strategy_id: str
    action: AlertAction
    now_ns: int
    state: dict[str, str] = {}


class DataFileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file of market data that the run replayed or that the node recorded; times are `ts_init`.

    `path` is below the catalog's root, or below the run directory for what the node recorded.
    """

    path: str
    kind: str  # delta | trade | quote | bar | greeks
    instrument_id: str
    rows: int
    size_bytes: int
    first_ns: int
    last_ns: int
    sha256: str


class DataQualityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A defect of the market data that the node saw: which check, which value against which limit."""

    check: str  # gap | crossed | one_sided | out_of_order | ...
    instrument_id: str
    value: str
    limit: str
    why: str


class NoteRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote about a trade, an order or a day, in the notes beside a journal.

    `subject` is an id of the journal's, or a New York date. `text` may be empty where only `tags` are given.
    """

    subject: str
    text: str
    tags: tuple[str, ...]
    by: str


KINDS: dict[str, type[msgspec.Struct]] = {
    "opened": OpenedRecord,
    "closed": ClosedRecord,
    "node": NodeRecord,
    "decision": DecisionRecord,
    "order": OrderRecord,
    "approval": ApprovalRecord,
    "refusal": RefusalRecord,
    "order_event": OrderEventRecord,
    "fill": FillRecord,
    "position": PositionRecord,
    "checkpoint": CheckpointRecord,
    "breaker": BreakerChangeRecord,
    "reading": ReadingRecord,
    "operator_command": CommandRecord,
    "alert": AlertRecord,
    "data_file": DataFileRecord,
    "data_quality": DataQualityRecord,
    "note": NoteRecord,
}
"""Every kind of record by its name on disk."""

KIND_OF: dict[type[msgspec.Struct], str] = {record: kind for kind, record in KINDS.items()}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a journal in its place.

    `correlation_id` joins everything that follows from one decision. `caused_by` is the `seq` of the
    record that led to this one. `market_ns` is the `ts_init` of the last market data record that the node
    had taken in: where in the day's data this belongs; None where data and journal share one clock
    (backtests: the data up to and including `ts_ns`).
    """

    seq: int
    ts_ns: int
    kind: str
    body: Any
    correlation_id: str | None = None
    caused_by: int | None = None
    market_ns: int | None = None
