"""`harvester risk`: the limits of a profile in words, and what they refused in a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.run_refusals import by_rule, read_refusals

if TYPE_CHECKING:
    from configs.profile import LoadedProfile, Profile
    from market.session_windows import SessionRules
    from risk.limits import RiskLimits

SYMBOLS_SHOWN = 40
"""Symbols of a universe that `show` prints; `--json` has all."""


def show(
    profile: Path,
    /,
    *,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show every limit of a profile in words: its value, its unit and what it guards.

    Also the rules that ask them, in their order, the hours in which positions may be opened, and the
    symbols of the universe.

    Parameters
    ----------
    profile
        A profile, such as configs/profiles/demo.toml.
    set_
        Override a key of the profile: --set risk.max_positions=2. May be repeated.
    """
    from configs.profile import load_profile

    loaded = load_profile(profile, overrides=set_ or (), purpose="research")
    if json:
        print_json(_as_json(loaded))
    else:
        _print_limits(loaded)


def explain(
    run_dir: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Explain what the limits refused in a run, by rule, with the keys of the profile that it follows.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed.
    """
    rows = read_refusals(run_dir)
    groups = by_rule(rows)
    if json:
        print_json({"run": str(run_dir), "refusals": len(rows), "rules": groups})
        return
    _print_refusals(run_dir, len(rows), groups)


def _as_json(loaded: LoadedProfile) -> dict[str, object]:
    """Counts are numbers; money is text, as in every JSON here, so that no cent is lost."""
    from risk.limits import describe
    from risk.rules import ALL_RULES

    profile = loaded.profile
    limits = [
        {
            "key": f"risk.{each.key}",
            "value": _value(profile.risk, each.key),
            "unit": each.unit,
            "guards": each.guards,
            "rules": _rules_of(each.key),
        }
        for each in describe(profile.risk)
    ]
    rules = [
        {
            "rule": rule.name,
            "what": rule.what,
            "guards": rule.guards,
            "applies_to": rule.applies_to,
            "limits": list(rule.keys),
        }
        for rule in ALL_RULES
    ]
    universe = {"symbols": _universe(profile), "file": profile.universe.file}
    return {
        "profile": profile.name,
        "hash": loaded.hash,
        "limits": limits,
        "rules": rules,
        "session": profile.session,
        "universe": universe,
    }


def _value(limits: RiskLimits, key: str) -> object:
    section, _, name = key.rpartition(".")
    return getattr(getattr(limits, section) if section else limits, name, None)


def _rules_of(key: str) -> list[str]:
    from risk.rules import ALL_RULES

    return [rule.name for rule in ALL_RULES if key in rule.limit_keys]


def _universe(profile: Profile) -> tuple[str, ...] | None:
    """Return the symbols that the profile, or the file that it names, lists; None: what its rules find."""
    if profile.universe.file is None:
        return profile.universe.symbols
    from configs.universe import read_universe

    return read_universe(Path(profile.universe.file)).symbols


def _print_limits(loaded: LoadedProfile) -> None:
    from rich.markup import escape
    from rich.table import Table

    from risk.limits import describe
    from risk.rules import ALL_RULES

    profile = loaded.profile
    has_options = profile.risk.options is not None
    limits = Table("limit", "value", "unit", "guards against", title=f"Hard limits of {escape(profile.name)}")
    for column in limits.columns[:2]:
        column.no_wrap = True
    for each in describe(profile.risk):
        if has_options or not each.key.startswith("options."):
            cells = (f"risk.{each.key}", each.value or "", each.unit, each.guards)
            limits.add_row(*map(escape, cells))
    rules = Table("rule", "what it compares", "limits", title="Rules, in the order in which they are asked")
    for rule in ALL_RULES:
        if has_options or rule.applies_to != "options":
            rules.add_row(rule.name, escape(rule.what), escape("\n".join(rule.keys)))
    console = stdout_console()
    console.print(limits)
    console.print(rules)
    for line in _remarks(profile, has_options=has_options):
        console.print(line, markup=False)


def _remarks(profile: Profile, *, has_options: bool) -> list[str]:
    lines = [_session_in_words(profile.session), _universe_in_words(profile)]
    if not has_options:
        lines.append("No [risk.options]: every option order is refused.")
    lines.append("Always: cancels and closing orders pass; undefined option risk never does.")
    return lines


def _session_in_words(session: SessionRules) -> str:
    no_trade = f", not in {', '.join(session.no_trade_windows)}" if session.no_trade_windows else ""
    return (
        f"Positions may be opened from {session.open_ramp_minutes} minutes after the open until "
        f"{session.entry_cutoff_minutes_before_close} before the close{no_trade}; strategies close theirs "
        f"{session.flat_minutes_before_close} before the close."
    )


def _universe_in_words(profile: Profile) -> str:
    symbols, file = _universe(profile), profile.universe.file
    if symbols is None:
        return f"Universe: whatever the rules of {file} find on the day."
    shown = ", ".join(symbols[:SYMBOLS_SHOWN])
    if len(symbols) > SYMBOLS_SHOWN:
        shown += f" and {len(symbols) - SYMBOLS_SHOWN} more"
    return (
        f"Universe: {shown}." if file is None else f"Universe, less what the rules of {file} drop: {shown}."
    )


def _print_refusals(run_dir: Path, count: int, groups: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    console = stdout_console()
    if not groups:
        console.print(f"The limits refused nothing in {run_dir}.", markup=False)
        return
    table = Table("rule", "refusals", "symbols", "first and last", "guards against, limits, and examples")
    for group in groups:
        symbols = ", ".join(f"{name} {number}" for name, number in list(group["symbols"].items())[:5])
        limits = [f"limits: {', '.join(group['limits'])}"] if group["limits"] else []
        text = "\n".join([group["guards"], *limits, *group["examples"]])
        times = f"{group['first']}\n{group['last']}"
        table.add_row(*map(escape, (group["rule"], str(group["refusals"]), symbols, times, text)))
    console.print(table)
    console.print(f"{count} refusals in {run_dir}. Every rule: docs/risk-rules.md", markup=False)
