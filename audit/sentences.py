"""Every kind of record in a reader's words: who did what, and why. Pure; timeline and trace speak alike."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from audit.amounts import amount
from audit.events import (
    AlertRecord,
    CheckpointRecord,
    ClosedRecord,
    DataFileRecord,
    DataQualityRecord,
    DecisionRecord,
    FillRecord,
    NodeRecord,
    NoteRecord,
    OpenedRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from market.time import format_new_york
from risk.records import ApprovalRecord, BreakerChangeRecord, CommandRecord, ReadingRecord, RefusalRecord

NODE, GATE, VENUE, KILL_SWITCH = "node", "risk gate", "venue", "kill switch"
KILL_SWITCH_TAG = "KILL_SWITCH"
"""What the kill switch writes on the orders that close positions (`risk.nautilus_kill_switch.TAG`)."""

HASH_DIGITS = 12
_VENUE_EVENTS = frozenset(
    (
        "accepted",
        "rejected",
        "updated",
        "canceled",
        "expired",
        "triggered",
        "modify_rejected",
        "cancel_rejected",
    )
)


class Sentence(NamedTuple):
    """A record in words: the actor, the deed, the reason (empty where none was given)."""

    who: str
    what: str
    why: str


def sentence(body: msgspec.Struct) -> Sentence:
    """Return what a record of a journal says."""
    return _SAYS[type(body)](body)


def order_words(order: OrderRecord) -> str:
    """Return an order's terms: `BUY 10 BAC.SMART LIMIT 13.95 DAY`."""
    prices = [amount(order.limit_price)] if order.limit_price is not None else []
    if order.trigger_price is not None:
        prices.append(f"trigger {amount(order.trigger_price)}")
    words = [order.side, str(order.quantity), order.instrument_id, order.type, *prices, order.time_in_force]
    return " ".join([*words, "reduce only"] if order.is_reduce_only else words)


def is_by_kill_switch(order: OrderRecord) -> bool:
    """Say whether the kill switch made the order, and no strategy's decision."""
    return KILL_SWITCH_TAG in order.tags


def breaker_actor(by: str, persons: Collection[str]) -> str:
    """Return who changed the breaker: one of `persons`, else the risk gate for the cause that `by` names."""
    return by if by in persons else f"{GATE} ({by})"


def _opened(body: OpenedRecord) -> Sentence:
    profile = f"profile {body.profile_name} ({body.profile_hash[:HASH_DIGITS]})"
    return Sentence(NODE, f"opened the journal of run {body.run}, {body.environment}, {profile}", "")


def _closed(body: ClosedRecord) -> Sentence:
    return Sentence(NODE, "closed the journal", body.reason)


def _node(body: NodeRecord) -> Sentence:
    return Sentence(NODE, body.state, body.detail)


def _decision(body: DecisionRecord) -> Sentence:
    terms = [body.side, None if body.quantity is None else str(body.quantity), body.instrument_id]
    if body.limit_price is not None:
        terms.append(f"at {amount(Decimal(body.limit_price))}")
    compared = [f"{name} {value:.6g}, threshold {body.thresholds[name]:.6g}"
                for name, value in body.features.items() if name in body.thresholds]  # fmt: skip
    why = f"{body.reason} ({'; '.join(compared)})" if compared else body.reason
    by = f" by {body.refused_by}" if body.refused_by else ""
    words = " ".join(word for word in terms if word)
    return Sentence(body.strategy_id, f"decided to {body.action}: {words}, {body.outcome}{by}", why)


def _order(body: OrderRecord) -> Sentence:
    who = KILL_SWITCH if is_by_kill_switch(body) else body.strategy_id
    return Sentence(who, f"made order {body.client_order_id}: {order_words(body)}", "")


def _approval(body: ApprovalRecord) -> Sentence:
    terms = [] if body.quantity is None else [f"{body.quantity}"]
    if body.limit_price is not None:
        terms.append(f"limit {amount(body.limit_price)}")
    if body.trigger_price is not None:
        terms.append(f"trigger {amount(body.trigger_price)}")
    suffix = f" to {', '.join(terms)}" if body.command == "modify" and terms else ""
    return Sentence(GATE, f"let {body.command} of {', '.join(body.client_order_ids)} pass{suffix}", "")


def _refusal(body: RefusalRecord) -> Sentence:
    code = "" if body.ib_code is None else f" (IB {body.ib_code})"
    what = f"refused {body.command} of {body.client_order_id} by {body.rule}{code}, breaker {body.breaker}"
    return Sentence(GATE, what, f"{body.value}, limit {body.limit}")


def _order_event(body: OrderEventRecord) -> Sentence:
    who = VENUE if body.event in _VENUE_EVENTS else NODE
    terms = [] if body.quantity is None else [str(body.quantity)]
    if body.limit_price is not None:
        terms.append(f"limit {amount(body.limit_price)}")
    if body.trigger_price is not None:
        terms.append(f"trigger {amount(body.trigger_price)}")
    venue = f" ({body.venue_order_id})" if body.venue_order_id else ""
    changed = f": {', '.join(terms)}" if terms else ""
    words = body.event.replace("_", " ")
    return Sentence(who, f"{words} {body.client_order_id}{venue}{changed}", body.reason or "")


def _fill(body: FillRecord) -> Sentence:
    what = (
        f"filled {body.client_order_id}: {body.side} {body.quantity} {body.instrument_id} at "
        f"{amount(body.price)}, fee {amount(body.commission_usd)} USD, {body.liquidity}, "
        f"trade {body.trade_id}"
    )
    return Sentence(VENUE, what, "")


def _position(body: PositionRecord) -> Sentence:
    what = (
        f"position {body.event}: {body.quantity:+d} {body.instrument_id} at {amount(body.average_open)}, "
        f"realized {amount(body.realized_usd)} USD"
    )
    return Sentence(NODE, what, "")


def _checkpoint(body: CheckpointRecord) -> Sentence:
    what = (
        f"profit: realized {amount(body.realized_usd)}, unrealized {amount(body.unrealized_usd)}, fees "
        f"{amount(body.fees_usd)} USD; {body.open_positions} positions, {body.working_orders} working orders"
    )
    return Sentence(NODE, what, "")


def _breaker(body: BreakerChangeRecord) -> Sentence:
    causes = f", causes: {', '.join(body.causes)}" if body.causes else ""
    return Sentence(body.by, f"changed the breaker from {body.before} to {body.after}{causes}", body.reason)


def _reading(body: ReadingRecord) -> Sentence:
    what = f"{body.verdict} reading of {body.trigger}"
    return Sentence("risk watch", what, f"{body.value}, limit {body.limit}")


def _command(body: CommandRecord) -> Sentence:
    return Sentence(body.by, f"commanded {body.command}: {body.outcome}", body.reason)


def _data_quality(body: DataQualityRecord) -> Sentence:
    what = f"{body.check} in the data of {body.instrument_id}: {body.value}, limit {body.limit}"
    return Sentence("data check", what, body.why)


def _alert(body: AlertRecord) -> Sentence:
    return Sentence(
        body.strategy_id, f"acts by time, {body.action}, as of {format_new_york(body.now_ns)}", ""
    )


def _data_file(body: DataFileRecord) -> Sentence:
    what = f"named the data file {body.path}: {body.rows:,} records ({body.kind}) of {body.instrument_id}"
    return Sentence(NODE, what, f"SHA-256 {body.sha256[:HASH_DIGITS]}")


def _note(body: NoteRecord) -> Sentence:
    tags = f" [{', '.join(body.tags)}]" if body.tags else ""
    text = f": {body.text}" if body.text else ""
    return Sentence(body.by, f"noted on {body.subject}{tags}{text}", "")


_SAYS: dict[type[msgspec.Struct], Callable[[Any], Sentence]] = {
    OpenedRecord: _opened,
    ClosedRecord: _closed,
    NodeRecord: _node,
    DecisionRecord: _decision,
    OrderRecord: _order,
    ApprovalRecord: _approval,
    RefusalRecord: _refusal,
    OrderEventRecord: _order_event,
    FillRecord: _fill,
    PositionRecord: _position,
    CheckpointRecord: _checkpoint,
    BreakerChangeRecord: _breaker,
    ReadingRecord: _reading,
    CommandRecord: _command,
    AlertRecord: _alert,
    DataFileRecord: _data_file,
    DataQualityRecord: _data_quality,
    NoteRecord: _note,
}
