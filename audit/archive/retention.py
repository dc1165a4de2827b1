"""Which archives are kept: pure. The newest of each series, those of the last days, the last of each month.

A series is what may be thinned: the days of one live node under one profile, which follow one another; or,
for a backtest, the archives of that one backtest, because no other run says what it says. Within it archives
of one line hold the same records, later ones more of them: only of these does a later one stand for an
earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long archives are kept: all of the last `days`, then the last of each of the last `months`.

    `months` None keeps the last of every month for ever.
    """

    days: int
    months: int | None = None


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An archive in the folder.

    `day` is what its age counts from: the last recorded day of a live node, for a backtest the day on which
    it was archived. `line` tells the journal, with its notes and data. `defect` says what is wrong with an
    archive that does not verify, or that keeps a run which did not.
    """

    name: str
    run: str
    series: str
    line: str
    day: date
    records: int
    notes: int
    size: int
    defect: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an archive stays, and why."""

    holding: Holding
    is_kept: bool
    is_newest: bool
    why: str


def judge(
    holdings: Iterable[Holding], policy: Policy, *, today: date, just_archived: Collection[str] = ()
) -> list[Verdict]:
    """Return a verdict for each archive, by run and series, earlier ones first.

    `just_archived` are names that stay whatever the policy. One with a defect is never let go: it may be the
    only trace of its day, and somebody should look at it. It does not stand in for a sound one, either.
    """
    series: dict[tuple[str, str], list[Holding]] = {}
    for holding in sorted(holdings, key=_content_order):
        series.setdefault((holding.run, holding.series), []).append(holding)
    return [
        verdict
        for key in sorted(series)
        for verdict in _judge_series(series[key], policy, today=today, just_archived=just_archived)
    ]


def _judge_series(
    own: Sequence[Holding], policy: Policy, *, today: date, just_archived: Collection[str]
) -> list[Verdict]:
    sound = [holding for holding in own if holding.defect is None]
    newest = _last_of_each_line(sound)
    months: dict[tuple[int, int], list[Holding]] = {}
    for holding in sound:
        months.setdefault((holding.day.year, holding.day.month), []).append(holding)
    last_of_months = {name for of_month in months.values() for name in _last_of_each_line(of_month)}
    verdicts = []
    for holding in sorted(own, key=_day_order):
        is_last = holding.name in last_of_months
        why = _reason_to_keep(holding, policy, today=today, is_last_of_month=is_last)
        if holding.name in newest:
            why = "the newest of its run"
        elif holding.name in just_archived:
            why = "archived just now"
        verdicts.append(
            Verdict(
                holding=holding,
                is_kept=why is not None,
                is_newest=holding.name in newest,
                why=why or f"older than {policy.days} days, and not the last of a month that is kept",
            )
        )
    return verdicts


def _last_of_each_line(holdings: Sequence[Holding]) -> set[str]:
    """Return the names of the fullest archives of their lines that are of the last day among them."""
    fullest = {holding.line: holding for holding in holdings}  # in order: the last one stays
    last_day = max((holding.day for holding in fullest.values()), default=None)
    return {holding.name for holding in fullest.values() if holding.day == last_day}


def _reason_to_keep(holding: Holding, policy: Policy, *, today: date, is_last_of_month: bool) -> str | None:
    if holding.defect is not None:
        return f"left alone: {holding.defect}"
    if (today - holding.day).days < policy.days:
        return f"of the last {policy.days} days"
    months_ago = (today.year - holding.day.year) * 12 + today.month - holding.day.month
    if is_last_of_month and (policy.months is None or months_ago < policy.months):
        return "the last of its month"
    return None


def _content_order(holding: Holding) -> tuple[int, int, date, str]:
    return holding.records, holding.notes, holding.day, holding.name


def _day_order(holding: Holding) -> tuple[date, int, int, str]:
    return holding.day, holding.records, holding.notes, holding.name
