"""The page of `harvester chain --html`: one file that opens without a network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from backtests.report.page_parts import asset, script_json
from cli.chain_view import ChainView, chain_json
from cli.result_file import write_text_file

_FOLDER = "chain_page_parts"
PICTURE_HEIGHT = 1520
"""Pixels of the page at the width of a picture; the table scrolls in a box of its own."""


def write_chain_page(view: ChainView, target: Path, *, expiry_ns: int | None = None) -> Path:
    """Write the page of `view` and return its path; an older one is replaced as a whole."""
    return write_text_file(target, render(view, expiry_ns=expiry_ns), option="--html")


def render(view: ChainView, *, expiry_ns: int | None = None) -> str:
    """Return the page of `view`, open at the expiry `expiry_ns`, by default at the first in three weeks."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    data = {**chain_json(view), "open_at_ns": expiry_ns}
    return environment.from_string(_part("chain.html.j2")).render(
        chain=data,
        chart_data=script_json(data),
        uplot_js=asset("uPlot.iife.min.js"),
        uplot_css=asset("uPlot.min.css"),
        page_css=asset("report.css"),
        chain_css=Markup(_part("chain.css")),  # noqa: S704 - ours, not input
        page_js=Markup(_part("chain.js")),  # noqa: S704 - ours, not input
    )


def _part(name: str) -> str:
    return files("cli").joinpath(_FOLDER, name).read_text(encoding="utf-8")
