"""The page of `harvester chain --html`: one file that opens without a network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from backtests.report.page_parts import asset, script_json
from cli.chain_view import ChainView, chain_json

_FOLDER = "chain_page_parts"


def write_chain_page(view: ChainView, target: Path) -> Path:
    """Write the page of `view` and return its path; an older one is replaced as a whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_text(render(view), encoding="utf-8")
    return unfinished.replace(target)


def render(view: ChainView) -> str:
    """Return the page of `view`."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    data = chain_json(view)
    return environment.from_string(_part("chain.html.j2")).render(
        chain=data,
        chart_data=script_json(data),
        uplot_js=asset("uPlot.iife.min.js"),
        uplot_css=asset("uPlot.min.css"),
        page_css=asset("report.css"),
        page_js=Markup(_part("chain.js")),  # noqa: S704 - ours, not input
    )


def _part(name: str) -> str:
    return files("cli").joinpath(_FOLDER, name).read_text(encoding="utf-8")
