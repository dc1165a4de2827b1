"""`harvester risk`: the limits of a profile in words, and what they refused in a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from market.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from configs.profile import LoadedProfile

REFUSALS = "refusals.parquet"
EXAMPLES = 3
"""Refusals of one rule that `explain` shows in full."""


def show(
    profile: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show every limit of a profile in words: its value, its unit and what it guards.

    Parameters
    ----------
    profile
        A profile, such as configs/profiles/demo.toml.
    """
    from configs.profile import load_profile
    from risk.limits import describe

    loaded = load_profile(profile, purpose="research")
    described = list(describe(loaded.profile.risk))
    if json:
        limits = [
            {
                "key": f"risk.{each.key}",
                "value": each.value,
                "unit": each.unit,
                "guards": each.guards,
                "rules": _rules_of(each.key),
            }
            for each in described
        ]
        print_json({"profile": loaded.profile.name, "hash": loaded.hash, "limits": limits, "rules": _rules()})
        return
    _print_limits(loaded)


def explain(
    run_dir: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Explain what the limits refused in a run, by rule.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed.
    """
    rows = _read_refusals(run_dir)
    groups = _by_rule(rows)
    if json:
        print_json({"run": str(run_dir), "refusals": len(rows), "rules": groups})
        return
    _print_refusals(run_dir, len(rows), groups)


def _rules() -> list[dict[str, object]]:
    from risk.rules import ALL_RULES

    return [
        {"rule": rule.name, "guards": rule.guards, "limits": [f"risk.{key}" for key in rule.limit_keys]}
        for rule in ALL_RULES
    ]


def _rules_of(key: str) -> list[str]:
    from risk.rules import ALL_RULES

    return [rule.name for rule in ALL_RULES if key in rule.limit_keys]


def _print_limits(loaded: LoadedProfile) -> None:
    from rich.table import Table

    from risk.limits import describe

    has_options = loaded.profile.risk.options is not None
    table = Table(title=f"Hard limits of {loaded.profile.name}")
    for column in ("limit", "value", "unit", "guards against"):
        table.add_column(column, no_wrap=column in ("limit", "value"))
    for each in describe(loaded.profile.risk):
        if has_options or not each.key.startswith("options."):
            table.add_row(f"risk.{each.key}", each.value, each.unit, each.guards)
    console = stdout_console()
    console.print(table)
    if not has_options:
        console.print("No [risk.options]: every option order is refused.")
    console.print("Always: cancels and closing orders pass; undefined option risk never does.")


def _read_refusals(run_dir: Path) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    path = run_dir / REFUSALS
    if not path.is_file():
        raise NotFoundError(f"{run_dir} has no {REFUSALS}. Give the folder that a backtest printed.")
    try:
        table = pyarrow.parquet.read_table(path)
        rows: list[dict[str, Any]] = table.select(["ts_ns", "rule", "instrument_id", "reason"]).to_pylist()
    except (pyarrow.ArrowException, KeyError) as error:
        raise DataError(f"{path} is not a table of refusals: {error}. Run the backtest again.") from None
    return rows


def _by_rule(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Group refusals by rule, most frequent first, with first and last time and a few examples."""
    from market.time import format_new_york

    groups = []
    for rule, count in Counter(row["rule"] for row in rows).most_common():
        own = [row for row in rows if row["rule"] == rule]
        times = [row["ts_ns"] for row in own]
        groups.append(
            {
                "rule": rule,
                "refusals": count,
                "symbols": dict(Counter(row["instrument_id"] for row in own).most_common()),
                "first": format_new_york(min(times)),
                "last": format_new_york(max(times)),
                "guards": _guards(rule),
                "examples": list(dict.fromkeys(row["reason"] for row in own))[:EXAMPLES],
            }
        )
    return groups


def _guards(rule: str) -> str:
    from risk.ib_rule_book import RULE_BOOK
    from risk.rules import ALL_RULES

    known = {each.name: each.guards for each in ALL_RULES}
    known |= {row.name: f"an order that IB refuses with {row.ib_code}: {row.text}" for row in RULE_BOOK}
    return known.get(rule, "an order that the gate could not judge, or that came with a refused one")


def _print_refusals(run_dir: Path, count: int, groups: list[dict[str, Any]]) -> None:
    from rich.table import Table

    console = stdout_console()
    if not groups:
        console.print(f"The limits refused nothing in {run_dir}.")
        return
    table = Table("rule", "refusals", "symbols", "first and last", "guards against, and examples")
    for group in groups:
        symbols = ", ".join(f"{name} {number}" for name, number in list(group["symbols"].items())[:5])
        text = "\n".join([group["guards"], *group["examples"]])
        table.add_row(
            group["rule"], str(group["refusals"]), symbols, f"{group['first']}\n{group['last']}", text
        )
    console.print(table)
    console.print(f"{count} refusals in {run_dir}. Every rule: docs/risk-rules.md")
