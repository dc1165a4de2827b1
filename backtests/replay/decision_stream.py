"""The stream of decisions of a run: its hash, and the first place where two of them part. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from audit.events import DecisionRecord, Entry, FillRecord, OrderEventRecord, OrderRecord

_ENCODER = msgspec.json.Encoder(order="deterministic")
_ENDED = frozenset(("canceled", "expired", "rejected", "denied"))
_CONTEXT = ("decision", "order", "order_event", "fill", "refusal", "breaker")
_IDENTITIES = ("trade_id", "venue_order_id", "position_id")
"""Of no two runs the same, or a count of what the venue was fed."""


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that differs; None on a side that has no such value, or no decision at all."""

    field: str
    recorded: Any
    replayed: Any


class PositionState(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy held in an instrument, signed, and how many of its orders there worked."""

    shares: int
    working_orders: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side of the first difference: the decision, and the position that it was taken with."""

    decision: DecisionRecord | None
    position: PositionState | None
    seq: int | None


class Parting(msgspec.Struct, frozen=True, kw_only=True):
    """Where two streams part: the decision of that number (from 0), and the values that differ.

    `before` is the first record of another kind (an order's event, a fill, a refusal, a change of the
    breaker) that differs and came before it; None where the decision is the first that does.
    """

    index: int
    recorded: Side
    replayed: Side
    fields: tuple[FieldDifference, ...]
    before: FieldDifference | None

    @property
    def ts_ns(self) -> int:
        """When the earlier of the two decisions was taken, ns UTC."""
        sides = (self.recorded.decision, self.replayed.decision)
        return min(each.ts_ns for each in sides if each is not None)


def decision_hash(decisions: Iterable[DecisionRecord]) -> str:
    """Return SHA-256 as 64 hexadecimal digits over the canonical JSON lines of `decisions`."""
    digest = hashlib.sha256()
    for decision in decisions:
        digest.update(_ENCODER.encode(decision))
        digest.update(b"\n")
    return digest.hexdigest()


def first_parting(recorded: Sequence[Entry], replayed: Sequence[Entry]) -> Parting | None:
    """Return where the decisions of two runs part, None when they are the same.

    The entries are of kinds `decision`, `order`, `order_event`, `fill`, `refusal` and `breaker`, or some
    of them; other kinds are passed over.
    """
    ours, theirs = _decisions(recorded), _decisions(replayed)
    for index, (one, other) in enumerate(zip_longest(ours, theirs)):
        if one is not None and other is not None and one.body == other.body:
            continue
        subject = (one or other).body
        return Parting(
            index=index,
            recorded=_side(one, recorded, subject),
            replayed=_side(other, replayed, subject),
            fields=tuple(_fields(one, other)),
            before=_before(recorded, replayed, one, other),
        )
    return None


def position_at(
    entries: Sequence[Entry], subject: DecisionRecord, *, before_seq: int | None
) -> PositionState:
    """Return what the strategy of `subject` held in its instrument before the record `before_seq`."""
    shares, working = 0, set()
    for entry in entries:
        if before_seq is not None and entry.seq >= before_seq:
            break
        body = entry.body
        if not isinstance(body, OrderRecord | OrderEventRecord | FillRecord):
            continue
        if (body.strategy_id, body.instrument_id) != (subject.strategy_id, subject.instrument_id):
            continue
        if isinstance(body, FillRecord):
            shares += body.quantity if body.side == "BUY" else -body.quantity
        elif isinstance(body, OrderEventRecord) and body.event in _ENDED:
            working.discard(body.client_order_id)
        elif isinstance(body, OrderRecord):
            working.add(body.client_order_id)
    filled = _filled(entries, before_seq)
    return PositionState(shares=shares, working_orders=len(working - filled))


def _filled(entries: Sequence[Entry], before_seq: int | None) -> set[str]:
    """Return the orders that nothing is left of."""
    left: dict[str, int] = {}
    for entry in entries:
        if before_seq is not None and entry.seq >= before_seq:
            break
        if isinstance(entry.body, OrderRecord):
            left[entry.body.client_order_id] = entry.body.quantity
        elif isinstance(entry.body, FillRecord) and entry.body.client_order_id in left:
            left[entry.body.client_order_id] -= entry.body.quantity
    return {order_id for order_id, quantity in left.items() if quantity <= 0}


def _decisions(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind == "decision"]


def _side(entry: Entry | None, entries: Sequence[Entry], subject: DecisionRecord) -> Side:
    if entry is None:
        return Side(decision=None, position=position_at(entries, subject, before_seq=None), seq=None)
    position = position_at(entries, subject, before_seq=entry.seq)
    return Side(decision=entry.body, position=position, seq=entry.seq)


def _fields(one: Entry | None, other: Entry | None) -> Iterable[FieldDifference]:
    ours, theirs = _flat(one), _flat(other)
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            yield FieldDifference(field=name, recorded=ours.get(name), replayed=theirs.get(name))


def _flat(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {}
    flat: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(entry.body).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": item for key, item in value.items()}
        else:
            flat[name] = value
    return flat


def _before(
    recorded: Sequence[Entry], replayed: Sequence[Entry], one: Entry | None, other: Entry | None
) -> FieldDifference | None:
    """Return the first record that differs and came before the decisions `one` and `other`."""
    kinds = {entry.kind for entry in recorded} & {entry.kind for entry in replayed}
    ours = _context(recorded, one, kinds)
    theirs = _context(replayed, other, kinds)
    for mine, yours in zip_longest(ours, theirs):
        if mine is not None and yours is not None and _same(mine, yours):
            continue
        if mine is None or yours is None:
            return None  # what one side has more of followed from decisions that only it took
        return FieldDifference(field=mine.kind, recorded=_plain(mine), replayed=_plain(yours))
    return None


def _context(entries: Sequence[Entry], until: Entry | None, kinds: set[str]) -> list[Entry]:
    return [
        entry
        for entry in entries
        if entry.kind in _CONTEXT and entry.kind in kinds and (until is None or entry.seq < until.seq)
    ]


def _same(one: Entry, other: Entry) -> bool:
    return one.kind == other.kind and _plain(one) == _plain(other)


def _plain(entry: Entry) -> dict[str, Any]:
    values = msgspec.structs.asdict(entry.body)
    return {"kind": entry.kind} | {key: item for key, item in values.items() if key not in _IDENTITIES}
