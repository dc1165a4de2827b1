"""A recorded run as a replay needs it: its journal, its profile, and the market data that it saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from audit.events import DataFileRecord, DecisionRecord, Entry, OpenedRecord
from audit.journal import Problem, read_entries, verify
from catalog.recording import recover
from catalog.recording.publication import file_hash
from catalog.storage.arrow_layout import file_range
from configs.profile import Backtest, LoadedProfile, Profile
from configs.profile_decoding import find_problems
from configs.profile_hash import profile_hash
from configs.profile_problems import config_error
from configs.profile_reading import RawProfile, apply_overrides, read_toml
from market.errors import ConfigError, DataError, NotFoundError
from market.time import new_york_date

JOURNAL_FOLDER = "journal"
BACKTEST = "backtest"
DEFAULT_BALANCE_USD = Decimal(25_000)
"""Cash of the simulated account of a day whose journal does not name the account's."""
BALANCE_MIN_USD, BALANCE_MAX_USD = Decimal(100), Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of market data that is no longer what the run saw."""

    path: str
    why: str
    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class RecordedRun:
    """A run directory with a journal; `problems` are what the journal's verification found."""

    run_dir: Path
    opened: OpenedRecord
    problems: tuple[Problem, ...]
    named_catalog: Path | None = None
    """Where the market data lies now, if not where the journal says."""

    @classmethod
    def open(cls, run_dir: Path, *, catalog: Path | None = None) -> RecordedRun:
        """Read what was recorded in `run_dir`; finishes the market data of a node that died.

        Raises `NotFoundError` where there is no journal, `DataError` for one without its beginning.
        """
        folder = run_dir / JOURNAL_FOLDER
        if not folder.is_dir():
            raise NotFoundError(
                f"{run_dir} has no {JOURNAL_FOLDER}/, so there is nothing to replay. "
                "Name a folder that `harvester backtest` printed, or the day's folder of a node."
            )
        recover(run_dir)
        problems = verify(folder).problems
        first = next(read_entries(folder, kinds=("opened",)), None)
        if first is None:
            raise DataError(
                f"{folder} does not begin with the record of its node: profile and data are not known. "
                f"`harvester audit verify {run_dir}` says what is missing."
            )
        return cls(run_dir, first.body, problems, catalog)

    def opened_as(self, opened: OpenedRecord) -> RecordedRun:
        """Return the same run with the configuration of a node that was started later."""
        return replace(self, opened=opened)

    @property
    def is_live(self) -> bool:
        """Whether a node recorded it, whose order events came from a broker."""
        return self.opened.environment != BACKTEST

    @property
    def has_own_data(self) -> bool:
        """Whether the market data lies in the run directory."""
        return any((self.run_dir / "data").glob("*/*/*.parquet"))

    @property
    def catalog(self) -> Path:
        """Where the market data lies; raises `NotFoundError` when that is nowhere."""
        if self.named_catalog is not None:
            return self.named_catalog
        if self.has_own_data:
            return self.run_dir
        if self.opened.catalog is None:
            raise NotFoundError(
                f"{self.run_dir} has no market data: data/ is missing or empty, and its journal names no "
                "catalog. Restore data/ from the day's archive."
            )
        return Path(self.opened.catalog)

    def entries(self, *kinds: str) -> Iterator[Entry]:
        """Return the journal's records of these kinds, in order."""
        return read_entries(self.run_dir / JOURNAL_FOLDER, kinds=kinds)

    @cached_property
    def decisions(self) -> tuple[Entry, ...]:
        """What was decided, in order."""
        return tuple(self.entries("decision"))

    @cached_property
    def data_files(self) -> tuple[DataFileRecord, ...]:
        """The files of market data that the journal names."""
        return tuple(entry.body for entry in self.entries("data_file"))

    @property
    def data_ends_ns(self) -> int:
        """`ts_init` of the last record of market data in the run directory; 0 without one."""
        names = [path.name for path in (self.run_dir / "data").glob("*/*/*_*.parquet")]
        return max((file_range(name)[1] for name in names), default=0)

    def changed_files(self) -> tuple[ChangedFile, ...]:
        """Return the files that are missing or have other content than the journal says."""
        root = self.catalog
        checked = (_changed(root, file) for file in self.data_files)
        return tuple(changed for changed in checked if changed is not None)

    def profile(self) -> Profile:
        """Return the profile that the journal holds; raises `DataError` when this version cannot read it."""
        tables = {**self.opened.profile, "secrets": {}}
        try:
            return msgspec.convert(tables, Profile)
        except msgspec.ValidationError as error:
            raise DataError(
                f"The profile in the journal of {self.run_dir} does not fit this version of Harvester: "
                f"{error}. It was recorded by {self.opened.versions}."
            ) from None

    @property
    def has_its_own_profile(self) -> bool:
        """Whether the profile in the journal has the hash that the journal gives it."""
        return profile_hash(self.profile(), universe_file=_universe_file(self.profile())) == (
            self.opened.profile_hash
        )

    def loaded(self, *, limits: Path | None = None, overrides: Sequence[str] = ()) -> LoadedProfile:
        """Return the recorded profile under other limits or parameters.

        `limits` is a TOML file with a `[risk]` table; `overrides` are `KEY=VALUE` texts. Raises
        `ConfigError` or `NotFoundError` for what cannot be.
        """
        source = self.run_dir / JOURNAL_FOLDER
        builtin = (Decimal,)
        tables: dict[str, Any] = msgspec.to_builtins(self.profile(), builtin_types=builtin)
        tables = _without_absent(tables)
        raw = RawProfile(tables, {}, (source,))
        if limits is not None:
            _merge(tables["risk"], _risk_table(limits))
        apply_overrides(raw, overrides)
        problems = list(find_problems(raw.table, Profile))
        if problems:
            raise config_error(limits or source, problems, raw.origins)
        profile = msgspec.convert(raw.table, Profile)
        file = _universe_file(profile)
        return LoadedProfile(
            profile=self._on_its_days(profile),
            hash=profile_hash(profile, universe_file=file),
            source_paths=(source,),
            purpose="research",
        )

    def _on_its_days(self, profile: Profile) -> Profile:
        """Name the days where the profile means all of the catalog: it may hold more of them by now."""
        section, files = profile.backtest, self.data_files
        if section is None or not files:
            return profile
        start = section.start or new_york_date(min(file.first_ns for file in files))
        end = section.end or new_york_date(max(file.last_ns for file in files))
        return msgspec.structs.replace(
            profile, backtest=msgspec.structs.replace(section, start=start, end=end)
        )


def as_backtest(loaded: LoadedProfile, opened: OpenedRecord) -> LoadedProfile:
    """Return `loaded` so that it can be run on the day that it recorded, whatever its own period.

    A live profile has no `[backtest]`: it gets one with the account's cash and the ordinary venue.
    """
    section = loaded.profile.backtest
    if section is None:
        balance = opened.starting_balance_usd or DEFAULT_BALANCE_USD
        section = Backtest(starting_balance_usd=min(max(balance, BALANCE_MIN_USD), BALANCE_MAX_USD))
    section = msgspec.structs.replace(section, start=None, end=None)
    return msgspec.structs.replace(loaded, profile=msgspec.structs.replace(loaded.profile, backtest=section))


def decisions_of(entries: Iterable[Entry]) -> list[DecisionRecord]:
    """Return the decisions among `entries`."""
    return [entry.body for entry in entries if entry.kind == "decision"]


def _changed(root: Path, file: DataFileRecord) -> ChangedFile | None:
    path = root / file.path
    if not path.is_file():
        why = "is missing"
    elif path.stat().st_size != file.size_bytes:
        why = f"has {path.stat().st_size} bytes, the run saw {file.size_bytes}"
    elif file_hash(path) != file.sha256:
        why = f"has other content than the run saw (SHA-256 {file_hash(path)[:12]}, not {file.sha256[:12]})"
    else:
        return None
    return ChangedFile(file.path, why, file.first_ns, file.last_ns)


def _risk_table(limits: Path) -> dict[str, Any]:
    tables = read_toml(limits)
    foreign = sorted(tables.keys() - {"risk"})
    if foreign or not isinstance(tables.get("risk"), dict):
        what = f"has {foreign[0]!r} beside [risk]" if foreign else "has no [risk] table"
        raise ConfigError(
            f"{limits} {what}. Write limits as in a profile, e.g. a line [risk] and then max_positions = 2; "
            "other settings go with --set KEY=VALUE."
        )
    table: dict[str, Any] = tables["risk"]
    return table


def _merge(table: dict[str, Any], nearer: dict[str, Any]) -> None:
    for key, value in nearer.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _merge(table[key], value)
        else:
            table[key] = value


def _without_absent(value: Any) -> Any:
    """Leave out what is None: a profile says so by leaving it out."""
    if isinstance(value, dict):
        return {key: _without_absent(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_absent(item) for item in value]
    return value


def _universe_file(profile: Profile) -> Path | None:
    file = profile.universe.file
    return None if file is None or not Path(file).is_file() else Path(file)
