"""Why a replay decided otherwise: which of its inputs was another. Pure.

Evidence comes before inference: a record of the journal that was changed, a file of market data with
other content, a profile that is not the one recorded, limits or parameters that the replay was asked to
change. Where nothing is known to have changed, the first record that differs tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from audit.events import DecisionRecord
from audit.journal import Problem
from audit.sentences import sentence
from backtests.replay.decision_stream import FieldDifference, Parting, Side
from backtests.replay.recorded_run import ChangedFile
from backtests.replay.threshold_words import compared_words
from market.time import NS_PER_SECOND, format_new_york

Cause = Literal["data", "event", "parameter", "limit", "version", "unknown"]

_CAUSE_OF_KIND: dict[str, Cause] = {
    "order": "event",
    "order_event": "event",
    "fill": "event",
    "refusal": "limit",
    "breaker": "limit",
}
_LIMITS = ("refusal", "breaker")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Which input differs, and the evidence for it, most telling first."""

    cause: Cause
    why: tuple[str, ...]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known to differ between the run and its replay.

    `limits` and `parameters` are the values of the profile that the replay was asked to change;
    `versions` are packages whose version differs, as `name: recorded, now`; `data_ends_ns` is where a
    recorded day's market data ends, which is before its journal does when the node was killed.
    """

    problems: tuple[Problem, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    limits: tuple[FieldDifference, ...] = ()
    parameters: tuple[FieldDifference, ...] = ()
    versions: tuple[str, ...] = ()
    is_profile_sound: bool = True
    data_ends_ns: int | None = None

    @property
    def labels(self) -> tuple[str, str]:
        """How a reader knows the two sides."""
        return side_labels(is_changed=bool(self.limits or self.parameters))


def side_labels(*, is_changed: bool) -> tuple[str, str]:
    """Return how a reader knows the two sides of a replay, unchanged or under another profile."""
    return ("as recorded", "as changed") if is_changed else ("recorded", "replayed")


def verdict(parting: Parting, evidence: Evidence) -> Verdict:
    """Return why the streams part where they do."""
    found = [*_asked(parting, evidence), *_tampering(parting, evidence), *_inferred(parting, evidence)]
    cause = found[0][0]
    return Verdict(cause=cause, why=tuple(why for _, why in found))


_Finding = tuple[Cause, str]


def _asked(parting: Parting, evidence: Evidence) -> Iterable[_Finding]:
    limits: tuple[Cause, tuple[FieldDifference, ...]] = ("limit", evidence.limits)
    parameters: tuple[Cause, tuple[FieldDifference, ...]] = ("parameter", evidence.parameters)
    for cause, changes in (limits, parameters) if _is_about_limits(parting) else (parameters, limits):
        if changes:
            named = (
                f"{each.field} from {_value(each.recorded)} to {_value(each.replayed)}" for each in changes
            )
            yield cause, f"the replay changed {', '.join(named)}"


def _is_about_limits(parting: Parting) -> bool:
    if parting.before is not None and _kind_of(parting) in _LIMITS:
        return True
    sides = (parting.recorded.decision, parting.replayed.decision)
    return any(each is not None and each.refused_by is not None for each in sides)


def _kind_of(parting: Parting) -> str:
    """Return the kind of the record that differs earlier; a refusal on either side makes it one."""
    assert parting.before is not None
    return next((kind for kind in _LIMITS if kind in parting.before.kinds), parting.before.kinds[0])


def _tampering(parting: Parting, evidence: Evidence) -> Iterable[_Finding]:
    if not evidence.is_profile_sound:
        yield "parameter", "the profile in the journal does not have the hash that the journal gives it"
    for problem in evidence.problems:
        if problem.seq is None or parting.recorded.seq is None or problem.seq <= parting.recorded.seq:
            place = f"record {problem.seq}" if problem.seq is not None else problem.file
            yield "event", f"the journal does not verify at {place}: {problem.what}, {problem.why}"
    if evidence.data_ends_ns is not None and parting.ts_ns > evidence.data_ends_ns:
        missing_ns = parting.ts_ns - evidence.data_ends_ns
        yield (
            "data",
            (
                f"the recorded market data ends at {format_new_york(evidence.data_ends_ns)}, "
                f"{missing_ns / NS_PER_SECOND:.3f} s before this decision: the node died too soon"
            ),
        )
    for file in evidence.files:
        if file.first_ns <= parting.ts_ns:
            yield "data", f"{file.path} {file.why}"


def _inferred(parting: Parting, evidence: Evidence) -> Iterable[_Finding]:
    ours, theirs = evidence.labels
    if parting.before is not None:
        recorded, replayed = (_spoken(each) for each in (parting.before.recorded, parting.before.replayed))
        yield _CAUSE_OF_KIND[_kind_of(parting)], f"{ours}, {recorded}; {theirs}, {replayed}"
    if parting.is_order:
        yield "unknown", "both sides took the same decisions, in another order"
    elif parting.recorded.decision is None or parting.replayed.decision is None:
        yield from _one_sided(parting, evidence)
    else:
        yield from _by_fields(parting, evidence)
    if evidence.versions:
        yield "version", "this is not the software that recorded: " + "; ".join(evidence.versions)


def _one_sided(parting: Parting, evidence: Evidence) -> Iterable[_Finding]:
    """Say why only one side decided, and what the other side did instead."""
    subject = parting.subject
    yield from (
        ("parameter", words) for words in compared_words(parting, evidence.parameters, evidence.labels)
    )
    labels = evidence.labels if parting.replayed.decision is None else evidence.labels[::-1]
    if subject.refused_by is not None and parting.before is None:
        yield "limit", f"only {labels[0]} it was refused: {subject.refused_by}"
    other = parting.replayed if parting.replayed.decision is None else parting.recorded
    yield "unknown", f"only {labels[0]} this decision was taken; {labels[1]}, {_instead(subject, other)}"


def _instead(subject: DecisionRecord, side: Side) -> str:
    following = side.following
    if following is None:
        return f"none was taken on {subject.instrument_id} from here on"
    what = f"{following.action} {following.outcome}, {following.reason}"
    return f"the next on {subject.instrument_id} came at {format_new_york(following.ts_ns)} ({what})"


def _by_fields(parting: Parting, evidence: Evidence) -> Iterable[_Finding]:
    names = [each.field for each in parting.fields]
    if _with(names, "thresholds."):
        words = [*compared_words(parting, evidence.parameters, evidence.labels)]
        yield (
            "parameter",
            "; ".join(words)
            or "was compared with other thresholds: " + _shown(parting, evidence, "thresholds."),
        )
    elif _with(names, "features."):
        yield "data", "saw another market: " + _shown(parting, evidence, "features.")
    elif parting.recorded.position != parting.replayed.position:
        ours, theirs = evidence.labels
        held = (position_words(parting.recorded), position_words(parting.replayed))
        yield "event", f"{ours} it held {held[0]}, {theirs} {held[1]}"
    elif "refused_by" in names:
        yield "event", "was refused in other words: " + _shown(parting, evidence, "refused_by")
    else:
        yield "unknown", "the same inputs led to another decision: " + _shown(parting, evidence, "")


def position_words(side: Side) -> str:
    """Return what a side held: `10 shares, 1 working order`."""
    shares, orders = side.position.shares, side.position.working_orders
    return f"{_plural(shares, 'share')}, {_plural(orders, 'working order')}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if abs(count) == 1 else f"{count} {noun}s"


def _spoken(body: msgspec.Struct) -> str:
    who, what, why = sentence(body)
    return f"{who} {what}: {why}" if why else f"{who} {what}"


def _with(names: Sequence[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _shown(parting: Parting, evidence: Evidence, prefix: str) -> str:
    ours, theirs = evidence.labels
    chosen = [each for each in parting.fields if each.field.startswith(prefix)]
    return ", ".join(
        f"{each.field.removeprefix(prefix) or each.field} {_value(each.recorded)} {ours}, "
        f"{_value(each.replayed)} {theirs}"
        for each in chosen[:5]
    )


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.8g}" if isinstance(value, float) else str(value)
