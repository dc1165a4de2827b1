"""The stream of decisions of a run: its hash, and the first place where two of them part. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from audit.events import (
    DecisionRecord,
    Entry,
    FillRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from backtests.replay.pairing import first_difference, moment, without_thresholds

_ENCODER = msgspec.json.Encoder(order="deterministic")
_ENDED = frozenset(("canceled", "expired", "rejected", "denied"))
_CONTEXT = frozenset(("order", "order_event", "fill", "refusal", "breaker"))
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
    """One side of the first difference: the decision, and the position that it was taken with.

    On the side that took none at that moment, `following` is its next one of the same strategy in the
    same instrument; `thresholds` are those that it compares with for the same reason, as far as known.
    """

    decision: DecisionRecord | None
    position: PositionState
    seq: int | None
    thresholds: dict[str, float] = {}
    following: DecisionRecord | None = None


class EarlierDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Two records (of orders, their events, fills, refusals, the breaker) that differ, and their kinds."""

    kinds: tuple[str, str]
    recorded: Any
    replayed: Any


class Parting(msgspec.Struct, frozen=True, kw_only=True):
    """Where two streams part: the decision of that number (from 0), and the values that differ.

    Decisions are paired by strategy, instrument and time: where only one side decided, the other has
    none. `before` is the first record of another kind that differs and came before; None where the
    decision is the first that does. `is_order` says that both sides took the same decisions, and these
    two in another order.
    """

    index: int
    recorded: Side
    replayed: Side
    fields: tuple[FieldDifference, ...]
    before: EarlierDifference | None
    is_order: bool = False

    @property
    def subject(self) -> DecisionRecord:
        """The decision that differs: the recorded one, or the one that only the replay took."""
        decision = self.recorded.decision or self.replayed.decision
        assert decision is not None
        return decision

    @property
    def ts_ns(self) -> int:
        """When the decision was taken, ns UTC."""
        return self.subject.ts_ns


def decision_hash(decisions: Iterable[DecisionRecord]) -> str:
    """Return SHA-256 as 64 hexadecimal digits over the canonical JSON lines of `decisions`."""
    digest = hashlib.sha256()
    for decision in decisions:
        digest.update(_ENCODER.encode(decision))
        digest.update(b"\n")
    return digest.hexdigest()


def first_parting(
    recorded: Sequence[Entry], replayed: Sequence[Entry], *, with_thresholds: bool = True
) -> Parting | None:
    """Return the earliest moment at which one side decided and the other did not, or otherwise.

    None when the decisions are the same. The entries are of kinds `decision`, `order`, `order_event`,
    `fill`, `position`, `refusal` and `breaker`, or some of them; other kinds are passed over. Without
    thresholds a decision that was compared with others is the same: under another profile all are.
    """
    ours, theirs = _decisions(recorded), _decisions(replayed)
    if with_thresholds:
        found = first_difference(ours, theirs)
    else:
        found = first_difference(*(without_thresholds(each) for each in (ours, theirs)))
    if found is None:
        return None
    index, one, other, is_order = found
    one, other = _same_place(one, ours), _same_place(other, theirs)
    subject: DecisionRecord = next(each.body for each in (one, other) if each is not None)
    before_ours = _until(recorded, one, ours[index:], subject.ts_ns)
    before_theirs = _until(replayed, other, theirs[index:], subject.ts_ns)
    return Parting(
        index=index,
        recorded=_side(one, subject, before_ours, ours, index),
        replayed=_side(other, subject, before_theirs, theirs, index),
        fields=() if is_order else tuple(_fields(one, other)),
        before=_before(before_ours, before_theirs),
        is_order=is_order,
    )


def _same_place(entry: Entry | None, entries: Iterable[Entry]) -> Entry | None:
    return None if entry is None else next(each for each in entries if each.seq == entry.seq)


def _until(
    entries: Sequence[Entry], decision: Entry | None, later: Sequence[Entry], ts_ns: int
) -> list[Entry]:
    """Return what came before `decision`, or on the side that has none what had come by `ts_ns`."""
    if decision is not None:
        return [entry for entry in entries if entry.seq < decision.seq]
    end_seq = later[0].seq if later else None
    return [entry for entry in entries if entry.ts_ns <= ts_ns and (end_seq is None or entry.seq < end_seq)]


def position_at(entries: Iterable[Entry], subject: DecisionRecord) -> PositionState:
    """Return what the strategy of `subject` held in its instrument after `entries`."""
    shares, left = 0, dict[str, int]()
    for entry in entries:
        body = entry.body
        if not isinstance(body, OrderRecord | OrderEventRecord | FillRecord | PositionRecord):
            continue
        if (body.strategy_id, body.instrument_id) != (subject.strategy_id, subject.instrument_id):
            continue
        if isinstance(body, PositionRecord):
            shares += body.quantity if body.event == "found" else 0
            continue
        name = body.client_order_id
        if isinstance(body, FillRecord):
            shares += body.quantity if body.side == "BUY" else -body.quantity
            left[name] = left.get(name, 0) - body.quantity
        elif isinstance(body, OrderRecord):
            left[name] = body.quantity - body.found_filled_quantity
        elif body.event in _ENDED:
            left[name] = 0
    return PositionState(shares=shares, working_orders=sum(quantity > 0 for quantity in left.values()))


def _decisions(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind == "decision"]


def _side(
    entry: Entry | None,
    subject: DecisionRecord,
    before: Sequence[Entry],
    decisions: Sequence[Entry],
    index: int,
) -> Side:
    position = position_at(before, subject)
    if entry is not None:
        decision = entry.body
        return Side(decision=decision, position=position, seq=entry.seq, thresholds=decision.thresholds)
    return Side(
        decision=None,
        position=position,
        seq=None,
        thresholds=_thresholds(subject, decisions),
        following=_following(subject, decisions[index:]),
    )


def _thresholds(subject: DecisionRecord, decisions: Iterable[Entry]) -> dict[str, float]:
    """Return what the strategy of `subject` compares with on a side when it decides for its reason."""
    reason = (subject.strategy_id, subject.reason)
    found = (entry.body.thresholds for entry in decisions
             if (entry.body.strategy_id, entry.body.reason) == reason)  # fmt: skip
    return next(found, {})


def _following(subject: DecisionRecord, decisions: Iterable[Entry]) -> DecisionRecord | None:
    place = moment(subject)[:2]
    return next((entry.body for entry in decisions if moment(entry.body)[:2] == place), None)


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


def _before(recorded: Iterable[Entry], replayed: Iterable[Entry]) -> EarlierDifference | None:
    """Return the first records that differ before the decision did."""
    ours, theirs = _context(recorded), _context(replayed)
    for mine, yours in zip(ours, theirs, strict=False):  # what one side has more of followed from the parting
        if not _same(mine, yours):
            return EarlierDifference(kinds=(mine.kind, yours.kind), recorded=mine.body, replayed=yours.body)
    return None


def _context(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind in _CONTEXT]


def _same(one: Entry, other: Entry) -> bool:
    return one.kind == other.kind and _plain(one) == _plain(other)


def _plain(entry: Entry) -> dict[str, Any]:
    values = msgspec.structs.asdict(entry.body)
    return {key: item for key, item in values.items() if key not in _IDENTITIES}
