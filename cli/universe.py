"""`harvester universe`: which symbols a universe file keeps on a catalog day, and why not the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json, stdout_console

if TYPE_CHECKING:
    from configs.universe import UniverseDay
    from market.universe import DayStatistics


def command(
    file: Path,
    /,
    *,
    catalog: Path,
    date: str,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Apply the rules of a universe file to one day of a catalog, and say why each symbol was dropped.

    Choose the session before the one you will trade: a day's volume and spread are known when it is over.

    Parameters
    ----------
    file
        A universe file, TOML or CSV, such as configs/universes/launch.toml.
    catalog
        The catalog folder.
    date
        The New York date to look at, year-month-day.
    json
        Print one JSON object instead of a table.
    """
    from configs.universe import universe_on
    from market.time import parse_date

    result = universe_on(file, catalog=catalog, day=parse_date(date))
    if json:
        print_json(_as_json(result, catalog))
    else:
        _print(result)


def _as_json(result: UniverseDay, catalog: Path) -> dict[str, object]:
    return {
        "universe": result.universe.name,
        "catalog": catalog,
        "date": result.day,
        "kept": result.kept,
        "dropped": [decision.symbol for decision in result.decisions if not decision.kept],
        "symbols": [
            {
                "symbol": decision.symbol,
                "kept": decision.kept,
                "reasons": decision.reasons,
                "statistics": result.statistics[decision.symbol],
            }
            for decision in result.decisions
        ],
    }


def _print(result: UniverseDay) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"Universe {result.universe.name} on {result.day}", title_justify="left")
    for heading in ("symbol", "", "last USD", "volume", "spread USD", "spread bps"):
        table.add_column(heading, justify="left" if heading in ("symbol", "") else "right", no_wrap=True)
    table.add_column("why dropped")
    for decision in result.decisions:
        verdict = Text("kept", style="green") if decision.kept else Text("dropped", style="yellow")
        figures = _figures(result.statistics[decision.symbol])
        table.add_row(decision.symbol, verdict, *figures, Text("\n".join(decision.reasons)))
    console = stdout_console()
    console.print(table)
    console.print(f"{len(result.kept)} of {len(result.decisions)} symbols kept")


def _figures(day: DayStatistics) -> tuple[str, str, str, str]:
    return (
        "-" if day.last_price is None else f"{day.last_price:.4f}",
        "-" if day.volume_shares is None else f"{day.volume_shares:,}",
        "-" if day.spread_usd is None else f"{day.spread_usd:.4f}",
        "-" if day.spread_bps is None else f"{day.spread_bps:.1f}",
    )
