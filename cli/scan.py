"""`harvester scan`: the best option positions of a catalog's chains at a moment, and why the rest dropped."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.result_file import finished_file
from cli.scan_context import MarketFlags
from cli.scan_inputs import ScanInputs, chain_moment, scan_inputs

if TYPE_CHECKING:
    from scanner.candidates import Candidate, ScanResult
    from scanner.criteria import Criteria
    from scanner.explaining import Explanation

SHOWN = 15
"""Candidates in the table for people."""


def command(
    criteria: Path,
    /,
    *,
    catalog: Path,
    at: str,
    symbol: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    explain: str | None = None,
    top: int | None = None,
    csv_file: Annotated[Path | None, Parameter(name="--csv")] = None,
    market: Annotated[MarketFlags | None, Parameter(name="*")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Find the best option positions at a moment, and say what every filter removed.

    Nothing from after the moment is used. Of each underlying the latest chain of the 7 days before counts,
    and with it rates, dividends, volatility and events as known at the time of that chain.

    Parameters
    ----------
    criteria
        A criteria file, or the name of a bundled one: bull_put, iron_condor, ... (configs/criteria/).
    catalog
        The catalog folder.
    at
        The moment, with a zone: 2015-12-24T12:00:00-05:00.
    symbol
        An underlying; repeat it for several. Default: every underlying that the catalog has chains of.
    explain
        A contract, or a spread such as "GOOG 2016-01-15 -730P +720P": why it is, or is not, a candidate.
        Without --symbol a spread's own underlying is looked at.
    top
        Candidates to return; default: `top` of the criteria.
    csv_file
        Write the candidates to this CSV file, a row each.
    json
        Print one JSON object instead of tables.
    """
    from cli.result_file import require_result_files
    from configs.criteria import read_criteria
    from market.time import to_ns

    require_result_files({"--csv": csv_file})
    chosen = _with_top(read_criteria(criteria), top)
    names = symbol if explain is None else _explained(catalog, symbol, explain)
    inputs = scan_inputs(catalog, names, to_ns(at), flags=market or MarketFlags(), criteria=chosen)
    if explain is not None:
        _explain(explain, inputs, chosen, as_json=json)
        return
    result, elapsed_ms = _timed_scan(inputs, chosen)
    if csv_file is not None:
        _write_csv(csv_file, result)
    if json:
        print_json(_as_json(result, inputs, elapsed_ms))
    else:
        _print(result, elapsed_ms)
        _print_sources(inputs)


def _with_top(criteria: Criteria, top: int | None) -> Criteria:
    import msgspec

    from market.errors import ConfigError

    if top is None:
        return criteria
    try:
        return msgspec.structs.replace(criteria, top=top)
    except ValueError as error:
        raise ConfigError(f"--top: {error}") from None


def _explained(catalog: Path, symbols: tuple[str, ...], subject: str) -> tuple[str, ...]:
    """Return the one underlying to look for `subject` in: the one named, the spread's, or the only one."""
    from catalog.option_chains import chain_symbols
    from market.errors import UserError
    from scanner.spread_text import is_spread_text, parse_spread

    if not symbols and is_spread_text(subject):
        return (parse_spread(subject).underlying,)
    names = symbols or chain_symbols(catalog)
    if len(names) != 1:
        raise UserError(f"--explain needs one underlying, there are {len(names)}. Name it with --symbol.")
    return names


def _timed_scan(inputs: ScanInputs, criteria: Criteria) -> tuple[ScanResult, float]:
    from scanner.scan import scan_many

    started = time.perf_counter()
    result = scan_many(((one.chain, one.market.context) for one in inputs.of), criteria)
    return result, 1e3 * (time.perf_counter() - started)


def _explain(subject: str, inputs: ScanInputs, criteria: Criteria, *, as_json: bool) -> None:
    import msgspec

    from market.time import format_new_york
    from scanner.explaining import explain

    one = inputs.of[0]
    explanation = explain(one.chain, criteria, one.market.context, subject)
    if as_json:
        fields = {
            "requested_at": format_new_york(inputs.at_ns),
            **chain_moment(one.chain, inputs.at_ns),
            "notes": inputs.notes,
        }
        print_json({**msgspec.to_builtins(explanation), **fields})
    else:
        _print_explanation(explanation)
        _print_notes(inputs)


def _as_json(result: ScanResult, inputs: ScanInputs, elapsed_ms: float) -> dict[str, Any]:
    import msgspec

    from market.time import format_new_york

    fields: dict[str, Any] = msgspec.to_builtins(result)
    return {
        "criteria": fields.pop("criteria"),
        "requested_at": format_new_york(inputs.at_ns),
        "at": format_new_york(result.ts_ns),
        "notes": inputs.notes,
        **fields,
        "inputs": [one.as_json(inputs.at_ns) for one in inputs.of],
        "elapsed_ms": round(elapsed_ms, 3),
    }


def _write_csv(path: Path, result: ScanResult) -> None:
    from scanner.metrics import POSITION_METRICS

    columns = ["underlying", "structure", "spread", "dte", "score", "breakevens", *POSITION_METRICS]
    with (
        finished_file(path, option="--csv") as unfinished,
        unfinished.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(_csv_row(candidate) for candidate in result.candidates)


def _csv_row(candidate: Candidate) -> list[object]:
    breakevens = " ".join(f"{level:.4f}" for level in candidate.breakevens)
    unlimited = candidate.unlimited
    metrics = [
        "inf" if name in unlimited else "" if value is None else repr(value)
        for name, value in candidate.metrics.items()
    ]
    row: list[object] = [candidate.underlying, candidate.structure, candidate.spread, candidate.dte]
    return [*row, repr(candidate.score), breakevens, *metrics]


def _print(result: ScanResult, elapsed_ms: float) -> None:
    from rich.table import Table

    from market.time import format_new_york

    table = Table(title=f"{result.criteria}, {format_new_york(result.ts_ns, places=0)}", title_justify="left")
    table.add_column("spread", no_wrap=True)
    for heading in ("dte", "credit", "max loss", "profit", "breakeven", "score"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("score's parts")
    for candidate in result.candidates[:SHOWN]:
        table.add_row(*_cells(candidate))
    console = stdout_console()
    console.print(table)
    if len(result.candidates) > SHOWN:
        console.print(f"... and {len(result.candidates) - SHOWN} more; --json or --csv has all")
    _print_removals(result, elapsed_ms)


def _cells(candidate: Candidate) -> list[str]:
    metrics = candidate.metrics
    parts = ", ".join(f"{part.by} {part.adds:.3f}" for part in candidate.rank_parts)
    return [
        candidate.spread,
        str(candidate.dte),
        _number(metrics["credit_usd"], ".2f"),
        "unlimited" if "max_loss_usd" in candidate.unlimited else _number(metrics["max_loss_usd"], ",.0f"),
        _number(metrics["probability_of_profit"], ".1%"),
        " ".join(f"{level:,.2f}" for level in candidate.breakevens),
        f"{candidate.score:.4f}",
        parts,
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _print_removals(result: ScanResult, elapsed_ms: float) -> None:
    from rich.table import Table

    table = Table(title="What each filter removed", title_justify="left")
    table.add_column("of")
    table.add_column("filter")
    table.add_column("removed", justify="right")
    table.add_column("left", justify="right")
    for removal in result.removed_by_filter:
        table.add_row(removal.stage, removal.filter, f"{removal.removed:,}", f"{removal.left:,}")
    console = stdout_console()
    console.print(table)
    mode = f", mode {result.mode}" if result.mode else ""
    console.print(
        f"{result.contracts:,} contracts of {', '.join(result.underlyings)}, {result.positions:,} positions, "
        f"{result.passed:,} passed{mode}; {elapsed_ms:.0f} ms"
    )


def _print_sources(inputs: ScanInputs) -> None:
    from market.time import format_new_york

    console = stdout_console()
    for one in inputs.of:
        known = {"chain": format_new_york(one.chain.ts_ns, places=0), **one.market.said}
        said = "; ".join(f"{name.replace('_', ' ')}: {source}" for name, source in known.items())
        console.print(f"{one.chain.underlying}: {said}", markup=False, highlight=False, soft_wrap=True)
    _print_notes(inputs)


def _print_notes(inputs: ScanInputs) -> None:
    for note in inputs.notes:
        stdout_console().print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)


def _print_explanation(explanation: Explanation) -> None:
    from rich.table import Table

    table = Table(title=explanation.subject, title_justify="left")
    for heading in ("of", "filter", "value", "allowed", ""):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for verdict in explanation.verdicts:
        mark = "[green]passes[/]" if verdict.passed else "[red]fails[/]"
        value = "unlimited" if verdict.unlimited else _number(verdict.value, ".6g")
        table.add_row(verdict.subject, verdict.filter, value, verdict.allowed, mark)
    console = stdout_console()
    console.print(table)
    for part in explanation.rank_parts:
        value = _number(part.value, ".4g")
        console.print(
            f"  {part.by} {value}: {part.share:.3f} of its weight {part.weight:.2f} adds {part.adds:.4f}"
        )
    console.print(explanation.outcome)
