"""What `harvester replay` prints for people: the first difference, and what a change made of the day."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from audit.amounts import amount
from backtests.replay.causes import position_words, side_labels
from market.time import format_new_york

if TYPE_CHECKING:
    from rich.console import Console

    from audit.events import DecisionRecord
    from backtests.replay.decision_stream import Parting, Side
    from backtests.replay.replay import Difference, Replay
    from backtests.replay.what_if import Both, BothUsd, WhatIf

ROWS_MAX = 20
DIGITS = 8
NO_DECISION = "no decision"

_HEAD = (
    "ts_ns",
    "strategy_id",
    "instrument_id",
    "action",
    "outcome",
    "reason",
    "refused_by",
    "side",
    "quantity",
    "limit_price",
)
"""Rows of a decision in the order in which it is read; its features and thresholds follow."""
_WORDS = {"ts_ns": "New York time", "strategy_id": "strategy", "instrument_id": "instrument"}


def print_difference(console: Console, result: Replay, difference: Difference) -> None:
    """Print where two streams of decisions part, why, and both sides of it."""
    parting, verdict = difference.parting, difference.verdict
    ours, theirs = side_labels(is_changed=result.what_if is not None)
    console.print(
        f"Different: {result.recorded_decisions} decisions {ours}, {result.replayed_decisions} {theirs}."
    )
    subject = parting.subject
    console.print(
        f"The first difference is decision {parting.index + 1}, {format_new_york(parting.ts_ns)} New York "
        f"time, {subject.instrument_id}. Cause: {verdict.cause}."
    )
    for why in verdict.why:
        console.print(f"  - {escape(why)}")
    rows = _rows(parting)
    table = Table("value", ours, theirs)
    for row in rows[:ROWS_MAX]:
        table.add_row(*(escape(text) for text in row))
    table.add_row("held before", position_words(parting.recorded), position_words(parting.replayed))
    console.print(table)
    if len(rows) > ROWS_MAX:
        console.print(f"{len(rows) - ROWS_MAX} more values differ; --json shows all.")


def _rows(parting: Parting) -> list[tuple[str, str, str]]:
    """Return what differs, as a decision is read; a feature has its threshold beside it."""
    subject = parting.subject
    names = {each.field.removeprefix("thresholds.").removeprefix("features.") for each in parting.fields}
    sides = (parting.recorded, parting.replayed)
    rows = []
    if any(side.decision is None for side in sides):
        ours, theirs = ("" if side.decision else NO_DECISION for side in sides)
        rows.append(("decision", ours, theirs))
    for name in sorted(names, key=lambda name: _place(name, subject)):
        ours, theirs = (_cell(side, name) for side in sides)
        rows.append((_WORDS.get(name, name), ours, theirs))
    return rows


def _place(name: str, subject: DecisionRecord) -> tuple[int, int]:
    """Order rows: the decision, the features that were compared with a threshold, other features."""
    for group, known in enumerate((_HEAD, tuple(subject.thresholds), tuple(subject.features))):
        if name in known:
            return group, known.index(name)
    return len(_HEAD), 0


def _cell(side: Side, name: str) -> str:
    decision = side.decision
    if decision is not None and name not in decision.features and name not in decision.thresholds:
        return _text(name, getattr(decision, name, None))
    value = "" if decision is None else _text(name, decision.features.get(name))
    threshold = side.thresholds.get(name)
    if threshold is None:
        return value
    return f"{value}, threshold {_text(name, threshold)}".removeprefix(", ")


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "ts_ns":
        return format_new_york(value, places=6)
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def print_what_if(console: Console, difference: WhatIf) -> None:
    """Print what a change refused, did and earned otherwise; rows that are equal are left out."""
    refused = _table("What the limits refused", "refused")
    for group in (difference.refused, difference.refused_by_symbol):
        for name, both in group.items():
            _add(refused, both, name)
        refused.add_section()
    done = _table("What was done", "done", "")
    _add_all(done, difference.done)
    earned = _table("What was earned, USD", "earned", "")
    _add_all(earned, difference.earned)
    for table in (refused, done, earned):
        if table.row_count:
            console.print(table)
        else:
            console.print(f"{table.title}: no difference.")


def _table(title: str, *names: str) -> Table:
    table = Table(*names, title=title)
    for name in (*side_labels(is_changed=True), "difference"):
        table.add_column(name, justify="right")
    return table


def _add_all(table: Table, amounts: Mapping[str, Mapping[str, Both | BothUsd]]) -> None:
    for symbol, values in amounts.items():
        for name, both in values.items():
            _add(table, both, symbol, name.removesuffix("_usd").replace("_", " "))
        table.add_section()


def _add(table: Table, both: Both | BothUsd, *names: str) -> None:
    if both.base != both.changed:
        values = (_number(both.base), _number(both.changed), _number(both.changed - both.base, sign=True))
        table.add_row(*names, *values)


def _number(value: int | Decimal, *, sign: bool = False) -> str:
    text = amount(value) if isinstance(value, Decimal) else str(value)
    return f"+{text}" if sign and value > 0 else text
