"""The page of `harvester payoff --html`: one file that opens without a network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from backtests.report.page_parts import asset, script_json
from cli.result_file import write_text_file

_FOLDER = "payoff_page_parts"


def write_payoff_page(view: dict[str, Any], target: Path) -> Path:
    """Write the page of a payoff's JSON and return its path; an older one is replaced as a whole."""
    return write_text_file(target, render(view), option="--html")


def render(view: dict[str, Any]) -> str:
    """Return the page of a payoff's JSON."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_part("payoff.html.j2")).render(
        view=view,
        tiles=_tiles(view),
        chart_data=script_json(view),
        uplot_js=asset("uPlot.iife.min.js"),
        uplot_css=asset("uPlot.min.css"),
        page_css=asset("report.css"),
        page_js=Markup(_part("payoff.js")),  # noqa: S704 - ours, not input
    )


def _tiles(view: dict[str, Any]) -> list[tuple[str, str, str]]:
    probability = view["probability_of_profit"]
    levels = ", ".join(f"{level:,.2f}" for level in view["breakevens"]) or "none"
    return [
        ("Chance of profit", "-" if probability is None else f"{probability:.1%}", ""),
        ("Maximum profit", _usd(view["max_profit_usd"]), "gain"),
        ("Maximum loss", _usd(view["max_loss_usd"]), "loss"),
        ("Breakeven", levels, ""),
        ("Days to expiry", str(view["dte"]), ""),
        ("Theta a day", _usd(view["theta_usd"], 2), ""),
        ("Delta in shares", f"{view['delta_shares']:+.1f}", ""),
        ("Vega a point", _usd(view["vega_usd"], 2), ""),
    ]


def _usd(value: float | None, decimals: int = 0) -> str:
    if value is None:
        return "unlimited"
    return f"{'-' if value < 0 else ''}${abs(value):,.{decimals}f}"


def _part(name: str) -> str:
    return files("cli").joinpath(_FOLDER, name).read_text(encoding="utf-8")
