"""`harvester surface`: the implied volatilities of a chain over moneyness and time, in a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.scan_context import PricingFlags

if TYPE_CHECKING:
    from cli.chain_view import ChainView
    from scanner.surface import VolatilitySurface


def command(
    symbol: str,
    /,
    *,
    catalog: Path,
    at: str,
    html: Path | None = None,
    png: Path | None = None,
    market: Annotated[PricingFlags | None, Parameter(name="*")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show implied volatility by expiry and moneyness at a moment.

    Each cell is read off the smile of its expiry, of puts below the price and calls above it, between two
    strikes that have a volatility; where none is near on both sides of it, the cell is empty. The
    volatilities are those of the quotes; of a snapshot without quotes the vendor's.

    Parameters
    ----------
    symbol
        An underlying such as GOOG or SPX.
    catalog
        The catalog folder.
    at
        The moment, with a zone: 2015-12-24T12:00:00-05:00.
    html
        Write the picture to this page; it opens without a network.
    png
        Write the picture to this PNG file; needs Chromium or Chrome on this machine.
    json
        Print one JSON object instead of a table.
    """
    from cli.chain_view import view_at
    from cli.result_file import require_result_files
    from market.time import to_ns

    require_result_files({"--html": html, "--png": png})
    view = _view(view_at(catalog, symbol, to_ns(at), market or PricingFlags()))
    if html is not None:
        from cli.surface_page import write_surface_page

        write_surface_page(view, html)
    if png is not None:
        from cli.page_picture import write_picture
        from cli.surface_page import picture_height, render

        write_picture(render(view), png, height=picture_height(view))
    if json:
        print_json({**view, "html": html, "png": png})
    else:
        _print(view, html, png)


def _view(seen: ChainView) -> dict[str, Any]:
    from cli.scan_inputs import age_note, chain_moment
    from market.time import format_new_york
    from scanner.surface import volatility_surface

    chain = seen.chain
    surface = volatility_surface(chain)
    return {
        "underlying": surface.underlying,
        "at": format_new_york(chain.ts_ns, places=0),
        "asked_at": format_new_york(seen.asked_ns, places=0),
        **chain_moment(chain, seen.asked_ns),
        "underlying_price": surface.underlying_price,
        "volatilities_from": "quotes" if seen.has_quotes else "vendor",
        "rates_from": seen.rates_from,
        "dividends_from": seen.dividends_from,
        "notes": [note for note in (age_note(chain, seen.asked_ns), _why_empty(surface, seen)) if note],
        "moneyness": surface.moneyness.tolist(),
        "expiries": [
            {"expiry": day.isoformat(), "dte": dte, "iv": row.tolist()}
            for day, dte, row in zip(surface.expiries, surface.dte, surface.iv, strict=True)
        ],
    }


def _why_empty(surface: VolatilitySurface, seen: ChainView) -> str | None:
    """Return why a surface has no expiry, or None where it has one."""
    import numpy as np

    if surface.expiries:
        return None
    if math.isnan(seen.chain.underlying_price):
        return (
            "The surface is empty: the price of the underlying is not known, neither from the "
            "catalog nor from put-call parity, which needs a call and a put with quotes at one strike."
        )
    known = int((~np.isnan(seen.chain.iv)).sum())
    return (
        f"The surface is empty: {known:,} of {len(seen.chain):,} contracts have a volatility, and no "
        "expiry has one near on both sides of a column."
    )


def _print(view: dict[str, Any], html: Path | None, png: Path | None) -> None:
    from rich.table import Table

    price = view["underlying_price"]
    shown = "an unknown price" if math.isnan(price) else f"{price:,.2f}"
    table = Table(title=f"{view['underlying']} at {shown}, {view['at']}", title_justify="left")
    table.add_column("expiry", no_wrap=True)
    table.add_column("dte", justify="right")
    for share in view["moneyness"]:
        table.add_column(f"{share:g}", justify="right", no_wrap=True)
    for row in view["expiries"]:
        cells = ["" if math.isnan(value) else f"{100 * value:.1f}" for value in row["iv"]]
        table.add_row(row["expiry"], str(row["dte"]), *cells)
    console = stdout_console()
    if view["expiries"]:
        console.print(table)
        source = "of the quotes" if view["volatilities_from"] == "quotes" else "of the vendor"
        console.print(
            f"Implied volatility {source} in percent a year; columns: strike over price of the underlying."
        )
    else:
        console.print(table.title)
    for note in view["notes"]:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    for name, path in (("page", html), ("picture", png)):
        if path is not None:
            console.print(f"{name}: {path}", markup=False, soft_wrap=True)
