"""Why a replay decided otherwise: which of its inputs was another. Pure.

Evidence comes before inference: a record of the journal that was changed, a file of market data with
other content, a profile that is not the one recorded, limits or parameters that the replay was asked to
change. Where nothing is known to have changed, the first record that differs tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from audit.journal import Problem
from backtests.replay.decision_stream import Parting
from backtests.replay.recorded_run import ChangedFile
from market.time import NS_PER_SECOND, format_new_york

Cause = Literal["data", "event", "parameter", "limit", "version", "unknown"]

_OF_KIND: dict[str, tuple[Cause, str]] = {
    "order_event": ("event", "an order's event was another"),
    "fill": ("event", "a fill was another"),
    "order": ("event", "an order was another"),
    "refusal": ("limit", "a limit refused on one side only, or something else"),
    "breaker": ("limit", "the breaker changed otherwise"),
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Which input differs, and the evidence for it, most telling first."""

    cause: Cause
    why: tuple[str, ...]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known to differ between the run and its replay.

    `limits` and `parameters` are the keys of the profile that the replay was asked to change; `versions`
    are packages whose version differs, as `name: recorded, now`; `data_ends_ns` is where a recorded day's
    market data ends, which is before its journal does when the node was killed.
    """

    problems: tuple[Problem, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    limits: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    is_profile_sound: bool = True
    data_ends_ns: int | None = None


def verdict(parting: Parting, evidence: Evidence) -> Verdict:
    """Return why the streams part where they do."""
    found = [*_asked(parting, evidence), *_tampering(parting, evidence), *_inferred(parting, evidence)]
    cause = found[0][0]
    return Verdict(cause=cause, why=tuple(why for _, why in found))


def _asked(parting: Parting, evidence: Evidence) -> Iterable[tuple[Cause, str]]:
    limit = ("limit", f"the replay changed {', '.join(evidence.limits)}") if evidence.limits else None
    parameter = (
        ("parameter", f"the replay changed {', '.join(evidence.parameters)}") if evidence.parameters else None
    )
    order = (limit, parameter) if _is_about_limits(parting) else (parameter, limit)
    for each in order:
        if each is not None:
            cause, why = each
            yield ("limit" if cause == "limit" else "parameter"), why


def _is_about_limits(parting: Parting) -> bool:
    if parting.before is not None and parting.before.field in ("refusal", "breaker"):
        return True
    sides = (parting.recorded.decision, parting.replayed.decision)
    return any(each is not None and each.refused_by is not None for each in sides)


def _tampering(parting: Parting, evidence: Evidence) -> Iterable[tuple[Cause, str]]:
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
                f"the recorded market data ends at {format_new_york(evidence.data_ends_ns)} New York, "
                f"{missing_ns / NS_PER_SECOND:.3f} s before this decision: the node died too soon"
            ),
        )
    for file in evidence.files:
        if file.first_ns <= parting.ts_ns:
            yield "data", f"{file.path} {file.why}"


def _inferred(parting: Parting, evidence: Evidence) -> Iterable[tuple[Cause, str]]:
    if parting.before is not None:
        cause, why = _OF_KIND.get(parting.before.field, ("unknown", "an earlier record was another"))
        yield cause, f"{why}: {parting.before.recorded}, replayed {parting.before.replayed}"
    if parting.recorded.decision is None or parting.replayed.decision is None:
        side = "recorded" if parting.replayed.decision is None else "replayed"
        yield "unknown", f"only the {side} run took this decision"
    elif parting.recorded.decision.ts_ns != parting.replayed.decision.ts_ns:
        yield "unknown", "the runs decided at different times: one of them took a decision more before"
    else:
        yield from _by_fields(parting)
    if evidence.versions:
        yield "version", "this is not the software that recorded: " + "; ".join(evidence.versions)


def _by_fields(parting: Parting) -> Iterable[tuple[Cause, str]]:
    names = [each.field for each in parting.fields]
    if _with(names, "thresholds."):
        yield "parameter", "was compared with other thresholds: " + _shown(parting, "thresholds.")
    elif _with(names, "features."):
        yield "data", "saw another market: " + _shown(parting, "features.")
    elif parting.recorded.position != parting.replayed.position:
        yield "event", f"held {parting.recorded.position}, replayed {parting.replayed.position}"
    elif "refused_by" in names:
        yield "event", "was refused in other words: " + _shown(parting, "refused_by")
    else:
        yield "unknown", "the same inputs led to another decision: " + _shown(parting, "")


def _with(names: Sequence[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _shown(parting: Parting, prefix: str) -> str:
    chosen = [each for each in parting.fields if each.field.startswith(prefix)]
    return ", ".join(f"{each.field} {each.recorded}, replayed {each.replayed}" for each in chosen[:5])
