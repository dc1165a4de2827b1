"""What other limits or parameters would have made of a day: refused, done and earned, side by side. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from audit.events import Entry, FillRecord, OrderRecord
from backtests.fills import ZERO, Fill, round_trips
from risk.records import RefusalRecord


class Both(msgspec.Struct, frozen=True):
    """A number under the recorded profile and under the changed one."""

    base: int
    changed: int


class BothUsd(msgspec.Struct, frozen=True):
    """An amount in USD under the recorded profile and under the changed one."""

    base: Decimal
    changed: Decimal


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The difference that a change makes.

    `refused` counts refusals by rule, `refused_by_symbol` by instrument; `done` has orders, fills, shares
    and round trips; `earned` is gross profit, fees and net profit of the fills, by instrument and as
    `total`, what is still held counted at its cost. Rows that are zero on both sides are left out.
    """

    refused: dict[str, Both]
    refused_by_symbol: dict[str, Both]
    done: dict[str, dict[str, Both]]
    earned: dict[str, dict[str, BothUsd]]


class _Day(msgspec.Struct, frozen=True, kw_only=True):
    refused: Counter[str]
    refused_by_symbol: Counter[str]
    done: dict[str, Counter[str]]
    earned: dict[str, dict[str, Decimal]]


def what_if(base: Sequence[Entry], changed: Sequence[Entry]) -> WhatIf:
    """Return the difference between two runs of the same day; entries of any kinds, in order."""
    one, other = _day(base), _day(changed)
    return WhatIf(
        refused=_counts(one.refused, other.refused),
        refused_by_symbol=_counts(one.refused_by_symbol, other.refused_by_symbol),
        done={
            name: _counts(one.done.get(name, Counter()), other.done.get(name, Counter()))
            for name in _names(one.done, other.done)
        },
        earned={
            name: _amounts(one.earned.get(name, {}), other.earned.get(name, {}))
            for name in _names(one.earned, other.earned)
        },
    )


def _day(entries: Iterable[Entry]) -> _Day:
    refused: Counter[str] = Counter()
    refused_by_symbol: Counter[str] = Counter()
    done: dict[str, Counter[str]] = {"total": Counter()}
    fills: list[Fill] = []
    for entry in entries:
        body = entry.body
        if isinstance(body, RefusalRecord):
            refused[body.rule] += 1
            refused_by_symbol[body.instrument_id] += 1
        elif isinstance(body, OrderRecord):
            _count(done, body.instrument_id, orders=1)
        elif isinstance(body, FillRecord) and not body.is_combination:  # its legs' fills move the money
            _count(done, body.instrument_id, fills=1, shares=body.quantity)
            fills.append(_fill(body))
    for trip in round_trips(fills)[0]:
        _count(done, trip.instrument_id, round_trips=1)
    return _Day(refused=refused, refused_by_symbol=refused_by_symbol, done=done, earned=_earned(fills))


def _count(done: dict[str, Counter[str]], name: str, **numbers: int) -> None:
    for key in (name, "total"):
        done.setdefault(key, Counter()).update(numbers)


def _fill(record: FillRecord) -> Fill:
    return Fill(
        trade_id=record.trade_id,
        client_order_id=record.client_order_id,
        strategy_id=record.strategy_id,
        instrument_id=record.instrument_id,
        side=record.side,
        quantity=record.quantity,
        price=record.price * record.multiplier,
        commission_usd=record.commission_usd,
        liquidity="MAKER" if record.liquidity == "MAKER" else "TAKER",
        ts_ns=record.ts_event_ns,
        correlation_id=None,
    )


def _earned(fills: Sequence[Fill]) -> dict[str, dict[str, Decimal]]:
    """Return gross, fees and net by instrument; what is still open counts at its cost."""
    _, still_open = round_trips(fills)
    earned: dict[str, dict[str, Decimal]] = {
        "total": dict.fromkeys(("gross_usd", "fees_usd", "net_usd"), ZERO)
    }
    amounts = [(fill.instrument_id, fill.cash_usd, fill.commission_usd) for fill in fills]
    amounts += [(held.instrument_id, held.quantity * held.average_price, ZERO) for held in still_open]
    for name, gross, fees in amounts:
        for key in (name, "total"):
            row = earned.setdefault(key, dict.fromkeys(("gross_usd", "fees_usd", "net_usd"), ZERO))
            row["gross_usd"] += gross
            row["fees_usd"] += fees
            row["net_usd"] += gross - fees
    return earned


def _names(one: Iterable[str], other: Iterable[str]) -> list[str]:
    return sorted({*one, *other}, key=lambda name: (name == "total", name))


def _counts(one: Counter[str], other: Counter[str]) -> dict[str, Both]:
    names = sorted({*one, *other}, key=lambda name: (-one[name] - other[name], name))
    return {name: Both(one[name], other[name]) for name in names if one[name] or other[name]}


def _amounts(one: dict[str, Decimal], other: dict[str, Decimal]) -> dict[str, BothUsd]:
    return {
        name: BothUsd(one.get(name, ZERO), other.get(name, ZERO))
        for name in ("gross_usd", "fees_usd", "net_usd")
    }
