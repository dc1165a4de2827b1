"""Profiles: one TOML file that says what is traded, where, how and within which limits.

`load_profile` is the only reader of a profile's files and environment. Whatever is wrong is reported
at once, each with its key, value, what is allowed, file and line, as one `ConfigError`.

Reference of every key: docs/reference/profile.md. Environments: docs/concepts/environments.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from configs.profile_decoding import find_problems
from configs.profile_environments import LIVE_SWITCH_VARIABLE, trade_problems
from configs.profile_fields import NAME_PATTERN, Section, setting
from configs.profile_hash import profile_hash
from configs.profile_problems import Problem, config_error
from configs.profile_reading import RawProfile, apply_overrides, read_profile
from configs.profile_relations import contradictions
from configs.profile_secrets import MASK, Secret, checkout_of, find_secrets, secrets_written
from configs.profile_sections import (
    Backtest,
    Broker,
    Environment,
    Fees,
    Logging,
    Secrets,
    StrategySection,
    UniverseSection,
)
from configs.profile_strategies import limit_contradictions, resolve_parameters
from market.errors import ConfigError
from market.session_windows import SessionRules
from risk.limits import RiskLimits

__all__ = [
    "Backtest",
    "Broker",
    "Environment",
    "Fees",
    "LoadedProfile",
    "Logging",
    "Profile",
    "Purpose",
    "Secrets",
    "StrategySection",
    "UniverseSection",
    "load_profile",
]

Purpose = Literal["trade", "research"]
"""`trade` may connect, and demands the second switch of a live profile; `research` never connects."""

ENVIRONMENTS_IN_WORDS = {"dev": "development", "uat": "paper trading", "live": "real money"}

_PROJECT = Path(__file__).resolve().parents[1]


class Profile(Section, frozen=True, kw_only=True):
    """A whole profile. Raises `SectionError` when sections contradict each other."""

    name: Annotated[
        str,
        setting(
            "Name, used in run folders and messages; never inherited.", pattern=NAME_PATTERN, example="demo"
        ),
    ]
    environment: Annotated[
        Environment,
        setting("Backtest and simulator, paper trading, or real money; never inherited."),
    ]
    broker: Annotated[Broker, setting("Where orders go.")] = Broker()
    secrets: Annotated[Secrets, setting("Where secrets are found.")] = Secrets()
    universe: Annotated[UniverseSection, setting("What may be traded.")]
    strategies: Annotated[tuple[StrategySection, ...], setting("The strategies that run.")]
    risk: Annotated[RiskLimits, setting("The hard limits; docs/risk-rules.md explains each.")]
    session: Annotated[SessionRules, setting("When a day may be traded.")]
    fees: Annotated[Fees, setting("What a backtest charges.")]
    backtest: Annotated[Backtest | None, setting("What is replayed, and how it fills.")] = None
    logging: Annotated[Logging, setting("What a node prints.")] = Logging()

    def contradictions(self) -> Sequence[str]:
        """Relations between sections; see `configs.profile_relations`."""
        return tuple(contradictions(self))


class LoadedProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A checked profile with its identity: `hash` is 64 hexadecimal digits, secrets excluded.

    `source_paths` are the files it was read from, itself first. Only a profile with purpose `trade`
    may be started on a broker. Parameters of strategies are complete: defaults are filled in.
    """

    profile: Profile
    hash: str
    source_paths: tuple[Path, ...]
    purpose: Purpose = "trade"
    secrets: Mapping[str, Secret] = {}

    def masked(self) -> dict[str, Any]:
        """Return the profile as plain values fit for printing and JSON; secrets are masked."""
        tables: dict[str, Any] = msgspec.to_builtins(self.profile)
        tables["secrets"]["values"] = dict.fromkeys(self.secrets, MASK)
        return tables

    def require_backtest(self) -> Backtest:
        """Return the `[backtest]` section; raises `ConfigError` for a profile without one."""
        if self.profile.backtest is None:
            environment = self.profile.environment
            raise ConfigError(
                f"{self.source_paths[0]} is a profile for {ENVIRONMENTS_IN_WORDS[environment]} "
                f'(environment = "{environment}") and has no [backtest] section, which says what '
                "to replay. To backtest it, add to it, or to a profile that extends it:\n"
                "  [backtest]\n"
                '  catalog = "data/demo"  # or any catalog of yours\n'
                "  starting_balance_usd = 25_000"
            )
        return self.profile.backtest


def load_profile(
    path: Path | str,
    *,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    purpose: Purpose = "trade",
    live_switch: str | None = None,
) -> LoadedProfile:
    """Read, merge, override and check the profile at `path`.

    `overrides` are `KEY=VALUE` texts. `purpose` is `research` for backtests, reports and checks;
    `live_switch` (else `HARVESTER_LIVE`) must name a live profile and its account before it may trade.
    Raises `NotFoundError` or `ConfigError`.
    """
    raw = read_profile(Path(path))
    apply_overrides(raw, overrides)
    profile = _decode(raw)
    secrets, problems = find_secrets(
        file=profile.secrets.file,
        required=profile.secrets.required,
        environ=environ,
        forbidden=_checkouts(raw.sources),
    )
    profile, found = _with_parameters(profile)
    problems += found
    if purpose == "trade":
        switch = environ.get(LIVE_SWITCH_VARIABLE) if live_switch is None else live_switch
        problems += trade_problems(profile, switch=switch)
    file = None if profile.universe.file is None else Path(profile.universe.file)
    if file is not None and not file.is_file():
        problems.append(Problem("universe.file", f"is {file}, which is not a file."))
    if problems:
        raise config_error(raw.sources[0], problems, raw.origins)
    return LoadedProfile(
        profile=profile,
        hash=profile_hash(profile, universe_file=file),
        source_paths=raw.sources,
        purpose=purpose,
        secrets=secrets,
    )


def _decode(raw: RawProfile) -> Profile:
    written = list(secrets_written(raw.table))
    hidden = {problem.path for problem in written}
    problems = [problem for problem in find_problems(raw.table, Profile) if problem.path not in hidden]
    if written or problems:
        raise config_error(raw.sources[0], [*written, *problems], raw.origins)
    return msgspec.convert(raw.table, Profile)


def _with_parameters(profile: Profile) -> tuple[Profile, list[Problem]]:
    """Return the profile with every strategy's parameters complete, or what is wrong with them."""
    problems: list[Problem] = []
    sections: list[StrategySection] = []
    for index, section in enumerate(profile.strategies):
        path = f"strategies[{index}]"
        parameters, found = resolve_parameters(section, path=path)
        problems += found
        if parameters is not None:
            problems += limit_contradictions(parameters, profile.risk, path=path)
            complete = msgspec.to_builtins(parameters)
            section = msgspec.structs.replace(section, parameters=complete)
        sections.append(section)
    return msgspec.structs.replace(profile, strategies=tuple(sections)), problems


def _checkouts(sources: Sequence[Path]) -> Sequence[Path]:
    found = (checkout_of(source) for source in sources)
    return (_PROJECT, *(folder for folder in found if folder is not None))
