"""Replays a run directory: unchanged, to show that its decisions are what its inputs lead to, or changed.

Unchanged, a backtest runs again on its catalog, and a live day runs with the order events that its
journal holds. Changed (other limits, other parameters), the day runs twice through the simulated venue:
with the recorded profile and with the changed one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from audit.events import Entry
from audit.journal import read_entries
from backtests.replay.causes import Evidence, Verdict, verdict
from backtests.replay.decision_stream import FieldDifference, Parting, decision_hash, first_parting
from backtests.replay.live_day import replay_live_day
from backtests.replay.recorded_catalog import stage_recorded_data
from backtests.replay.recorded_run import (
    JOURNAL_FOLDER,
    ChangedFile,
    RecordedRun,
    as_backtest,
    decisions_of,
)
from backtests.replay.what_if import WhatIf, what_if
from backtests.run import run_backtest
from backtests.run_journal import versions
from configs.profile import LoadedProfile
from market.errors import DataError

COMPARED = ("decision", "order", "order_event", "fill", "refusal", "breaker")
COMPARED_LIVE = ("decision", "order", "order_event", "fill", "position")
"""What a replay of a live day has; the gate's verdicts reach it as the order events that they became."""
FILES_SHOWN_MAX = 3

Progress = Callable[[str], None]
Mode = Literal["backtest", "live", "what_if"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first decision that differs, which input it comes from, and the evidence."""

    parting: Parting
    verdict: Verdict


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay showed. Under a change the "recorded" side is the day under the recorded profile, and
    decisions that differ in nothing but their thresholds are identical.

    `base_is_as_recorded` says for a backtest whether that day still has the journal's decisions; None for
    a live day, which the simulated venue does not repeat. `unverified` says, if so, that the journal
    itself does not verify; `left_over` counts order events of a live day that no order of the replay
    answers to.
    """

    run: str
    mode: Mode
    is_identical: bool
    recorded_decisions: int
    replayed_decisions: int
    recorded_hash: str
    replayed_hash: str
    difference: Difference | None
    what_if: WhatIf | None
    unverified: str | None
    left_over: int = 0
    base_is_as_recorded: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to replay: `limits` is a TOML file with [risk], `overrides` are `KEY=VALUE` texts.

    `catalog` replaces where a backtest's data was; `accepts_changed_data` replays although files differ.
    """

    run_dir: Path
    limits: Path | None = None
    overrides: tuple[str, ...] = ()
    catalog: Path | None = None
    accepts_changed_data: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether the day is to be replayed under another profile."""
        return self.limits is not None or bool(self.overrides)


def replay(request: Request, *, progress: Progress = lambda _: None) -> Replay:
    """Replay as asked; raises `UserError`s for what cannot be, `DataError` when market data changed."""
    run = RecordedRun.open(request.run_dir, catalog=request.catalog)
    loaded = run.loaded(limits=request.limits, overrides=request.overrides)
    progress("checking the market data")
    files = run.changed_files()
    if not request.accepts_changed_data:
        _require_unchanged(run, files)
    with tempfile.TemporaryDirectory(prefix="harvester-replay-") as folder:
        bench = _Bench(run, Path(folder), progress)
        if request.is_changed:
            return bench.changed(loaded, files)
        return bench.unchanged(loaded, files)


class _Bench:
    """Runs what is compared, in a folder that goes away."""

    def __init__(self, run: RecordedRun, folder: Path, progress: Progress) -> None:
        self._run, self._folder, self._progress = run, folder, progress

    def unchanged(self, loaded: LoadedProfile, files: Sequence[ChangedFile]) -> Replay:
        run = self._run
        recorded = tuple(run.entries(*(COMPARED_LIVE if run.is_live else COMPARED)))
        left_over = 0
        if run.is_live:
            self._progress("replaying the recorded day")
            day = replay_live_day(run, loaded)
            replayed, left_over = day.entries, day.left_over
        else:
            replayed = self._backtest(loaded, run.catalog, "replayed")
        evidence = Evidence(
            problems=run.problems,
            files=tuple(files),
            versions=_other_versions(run),
            is_profile_sound=run.has_its_own_profile,
            data_ends_ns=run.data_ends_ns if run.is_live else None,
        )
        mode: Mode = "live" if run.is_live else "backtest"
        return self._compared(mode, recorded, replayed, evidence=evidence, left_over=left_over)

    def changed(self, loaded: LoadedProfile, files: Sequence[ChangedFile]) -> Replay:
        run = self._run
        catalog, recorded = run.catalog, run.loaded()
        changes = _changes(recorded, loaded)
        if run.is_live:
            catalog = stage_recorded_data(run.catalog, self._folder / "catalog")
            recorded, loaded = as_backtest(recorded, run.opened), as_backtest(loaded, run.opened)
        base = self._backtest(recorded, catalog, "base")
        other = self._backtest(loaded, catalog, "changed")
        evidence = Evidence(
            files=tuple(files),
            limits=tuple(each for each in changes if each.field.startswith("risk.")),
            parameters=tuple(each for each in changes if not each.field.startswith("risk.")),
        )
        result = self._compared("what_if", base, other, evidence=evidence, difference=what_if(base, other))
        if run.is_live:
            return result
        is_as_recorded = result.recorded_hash == decision_hash(decisions_of(run.decisions))
        return msgspec.structs.replace(result, base_is_as_recorded=is_as_recorded)

    def _backtest(self, loaded: LoadedProfile, catalog: Path, name: str) -> tuple[Entry, ...]:
        output = self._folder / name
        run_backtest(
            loaded, catalog=catalog, output=output, progress=lambda text: self._progress(f"{name}: {text}")
        )
        return tuple(read_entries(output / JOURNAL_FOLDER, kinds=COMPARED))

    def _compared(
        self,
        mode: Mode,
        recorded: tuple[Entry, ...],
        replayed: tuple[Entry, ...],
        *,
        evidence: Evidence,
        difference: WhatIf | None = None,
        left_over: int = 0,
    ) -> Replay:
        parting = first_parting(recorded, replayed, with_thresholds=mode != "what_if")
        ours, theirs = decisions_of(recorded), decisions_of(replayed)
        problems = self._run.problems
        return Replay(
            run=self._run.opened.run,
            mode=mode,
            is_identical=parting is None,
            recorded_decisions=len(ours),
            replayed_decisions=len(theirs),
            recorded_hash=decision_hash(ours),
            replayed_hash=decision_hash(theirs),
            difference=None
            if parting is None
            else Difference(parting=parting, verdict=verdict(parting, evidence)),
            what_if=difference,
            unverified=None if not problems else f"{problems[0].what}: {problems[0].why}",
            left_over=left_over,
        )


def _require_unchanged(run: RecordedRun, files: Sequence[ChangedFile]) -> None:
    if not files:
        return
    shown = "; ".join(f"{file.path} {file.why}" for file in files[:FILES_SHOWN_MAX])
    more = f"; and {len(files) - FILES_SHOWN_MAX} more" if len(files) > FILES_SHOWN_MAX else ""
    raise DataError(
        f"The market data of {run.run_dir} in {run.catalog} is not what the run saw: {shown}{more}. "
        "Restore it from the day's archive, or ingest the same source again; --changed-data replays on it as "
        "it is, to see where the decisions part."
    )


def _other_versions(run: RecordedRun) -> tuple[str, ...]:
    recorded, now = run.opened.versions, versions()
    names = sorted(recorded.keys() | now.keys())
    return tuple(
        f"{name}: {recorded.get(name)}, now {now.get(name)}"
        for name in names
        if recorded.get(name) != now.get(name)
    )


def _changes(base: LoadedProfile, changed: LoadedProfile) -> list[FieldDifference]:
    one, other = _flat(msgspec.to_builtins(base.profile)), _flat(msgspec.to_builtins(changed.profile))
    return [
        FieldDifference(field=key, recorded=one.get(key), replayed=other.get(key))
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    ]


def _flat(value: object, path: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        items = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple) and value and all(isinstance(item, dict) for item in value):
        items = [(f"{path}.{item.get('name', index)}", item) for index, item in enumerate(value)]
    else:
        return {path: value}
    flat: dict[str, object] = {}
    for below, item in items:
        flat |= _flat(item, below)
    return flat
