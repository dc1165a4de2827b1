"""docs/reference/profile.md, written from the sections' own types, bounds, defaults and meanings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from configs.profile import Profile
from configs.profile_fields import bare_type, limits_of, meaning_of, shown, type_name
from configs.profile_sections import (
    Backtest,
    Broker,
    Fees,
    Logging,
    Secrets,
    StrategySection,
    UniverseSection,
)
from market.session_windows import SessionRules
from risk.limits import OptionLimits, RiskLimits

SESSION_MEANINGS: Mapping[str, str] = {
    "open_ramp_minutes": "Minutes after the open without entries; 0 to 389.",
    "entry_cutoff_minutes_before_close": "Minutes before the close from which nothing is opened; at least "
    "`flat_minutes_before_close`.",
    "flat_minutes_before_close": "Minutes before the close by which every position is closed; 1 to 389.",
    "no_trade_windows": 'New York times without entries, such as `["12:00-13:00"]`, start inclusive, end '
    "exclusive; they may not overlap, lie outside 09:30-16:00, or leave no minute to trade.",
    "time_zone": "Zone of these times.",
}
"""Meanings of the fields of `SessionRules`, whose bounds are relations between them."""

_SECTIONS: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("", Profile),
    ("broker", Broker),
    ("secrets", Secrets),
    ("universe", UniverseSection),
    ("[strategies]", StrategySection),
    ("risk", RiskLimits),
    ("risk.options", OptionLimits),
    ("session", SessionRules),
    ("fees", Fees),
    ("backtest", Backtest),
    ("logging", Logging),
)

_INTRODUCTION = """\
# Profile

<!-- Written by `python -m cli.commands_reference`; edit the types in `configs/`, `risk/`, `market/`. -->

A profile is one TOML file that says what is traded, where, how and within which limits. The bundled ones
are in `configs/profiles/`; `demo.toml` is the one to copy. `harvester doctor PROFILE` checks one. What an
environment may connect to: [environments](../concepts/environments.md).

A profile starts nothing unless all of it is right. What is wrong is reported at once, each with its key,
its value, what is allowed, file and line; the exit code is 2. Keys that do not exist are refused, and so
are values that contradict each other, such as a universe symbol that a limit prohibits.

## Inheritance

`extends = "other.toml"`, a path relative to the file that says it, takes over another file; at most 8
files in a chain. Tables merge key by key and the nearer file wins; lists, `[[strategies]]` among them,
are replaced as a whole. `name` and `environment` are never inherited: they stand in the profile itself. A
file that is only extended need not be a whole profile (`configs/profiles/parts/`).

## Overrides

`--set KEY=VALUE`, as often as needed, sets a key for one run: `--set risk.max_shares_per_order=5`. A
strategy is addressed by its name: `--set strategies.harvester.parameters.cooldown_ms=5000`. Values are
TOML; text may go without quotes. `name`, `environment` and `extends` cannot be set.

## Secrets

Passwords and keys never stand in a profile: keys named like one are refused, and their values are not
repeated in the message. `secrets.required` names what must be found, first in the environment
(`tws_password` in `HARVESTER_SECRET_TWS_PASSWORD`), then in the file that `secrets.file` names. The file
is TOML, `name = "value"` a line, lies outside the checkout, and is readable by its owner alone
(`chmod 600`). Wherever a profile is printed, secrets read `***`.

## Hash

Every result carries the SHA-256 of its profile: of every setting and every strategy parameter, defaults
included, in one canonical form. Comments, the order of keys, the split over inherited files, and spellings
(`5`, `5.0`) do not matter. Secrets are left out; of a universe file the content counts, not its place.
"""


def profile_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(path, section) for path, section in _SECTIONS)])


def documented_keys() -> list[str]:
    """Return the dotted keys that the page explains, `[strategies].name` for those of a list."""
    return [
        f"{path}.{field.name}" if path else field.name
        for path, section in _SECTIONS
        for field in msgspec.structs.fields(section)
    ]


def _section(path: str, section: type[msgspec.Struct]) -> str:
    title = f"`[{path}]`" if path else "Top level"
    rows = "\n".join(_rows(section))
    last = "guards against" if section in (RiskLimits, OptionLimits) else "meaning"
    return (
        f"## {title}\n\n{_summary(section)}\n\n"
        f"| key | type | allowed | default | {last} |\n|---|---|---|---|---|\n{rows}\n"
    )


def _rows(section: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(section):
        cells = (
            f"`{field.name}`",
            type_name(field.type),
            _allowed(field.type),
            _default(field),
            _meaning(section, field),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _allowed(field_type: Any) -> str:
    limits = limits_of(field_type)
    words = []
    if limits.at_least is not None:
        high = limits.at_most
        unbounded = high is None or high >= 10**9
        words.append(f"{limits.at_least:f} or more" if unbounded else f"{limits.at_least:f} to {high:f}")
    if limits.unit is not None and limits.unit != "symbols":
        words.append(limits.unit)
    if limits.example is not None:
        words.append(f"such as `{limits.example}`")
    return " ".join(words)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "**required**"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if default is None or default == () or default == {}:
        return "none"
    return "its defaults" if isinstance(default, msgspec.Struct) else f"`{shown(default)}`"


def _meaning(section: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> str:
    if section is SessionRules:
        return SESSION_MEANINGS[field.name]
    meaning = meaning_of(field.type)
    if section in (RiskLimits, OptionLimits):
        nested = bare_type(field.type) is OptionLimits
        return "Limits of option orders, below." if nested else meaning[0].upper() + meaning[1:] + "."
    return meaning


def _summary(section: type[msgspec.Struct]) -> str:
    return {
        Profile: "What the profile is, and its tables.",
        RiskLimits: "The hard limits. None has a default: a profile that lacks one does not start.",
        OptionLimits: "Needed only where options are traded; without it every option order is refused.",
        SessionRules: "When a day may be traded, counted from the actual open and close of each session.",
    }.get(section, _first_line(section))


def _first_line(section: type[msgspec.Struct]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]
