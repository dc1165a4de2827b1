"""Which archives are kept: pure. The newest of each run, those of the last days, the last of each month."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long archives are kept: all of the last `days`, then the last of each of the last `months`.

    `months` None keeps the last of every month for ever. A day counts from the run's last day.
    """

    days: int
    months: int | None = None


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An archive in the folder; `defect` says what is wrong with one that does not verify."""

    name: str
    run: str
    day: date
    records: int
    size: int
    defect: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an archive stays, and why."""

    holding: Holding
    is_kept: bool
    is_newest: bool
    why: str


def judge(holdings: Iterable[Holding], policy: Policy, *, today: date) -> list[Verdict]:
    """Return a verdict for each archive, in order of run and day.

    An archive that does not verify is never let go: it may be the only trace of its day, and somebody should
    look at it. It does not stand in for a sound one, either.
    """
    verdicts: list[Verdict] = []
    ordered = sorted(holdings, key=_age_order)
    for run in dict.fromkeys(holding.run for holding in ordered):
        own = [holding for holding in ordered if holding.run == run]
        sound = [holding for holding in own if holding.defect is None]
        newest = sound[-1] if sound else None
        last_of_month = {(holding.day.year, holding.day.month): holding for holding in sound}
        for holding in own:
            is_last = last_of_month.get((holding.day.year, holding.day.month)) is holding
            why = _reason_to_keep(holding, policy, today=today, is_last_of_month=is_last)
            if holding is newest:
                why = "the newest of its run"
            verdicts.append(
                Verdict(
                    holding=holding,
                    is_kept=why is not None,
                    is_newest=holding is newest,
                    why=why or f"older than {policy.days} days, and not the last of a month that is kept",
                )
            )
    return verdicts


def _reason_to_keep(holding: Holding, policy: Policy, *, today: date, is_last_of_month: bool) -> str | None:
    if holding.defect is not None:
        return f"does not verify, so it is left alone: {holding.defect}"
    if (today - holding.day).days < policy.days:
        return f"of the last {policy.days} days"
    months_ago = (today.year - holding.day.year) * 12 + today.month - holding.day.month
    if is_last_of_month and (policy.months is None or months_ago < policy.months):
        return "the last of its month"
    return None


def _age_order(holding: Holding) -> tuple[str, date, int, str]:
    return holding.run, holding.day, holding.records, holding.name
