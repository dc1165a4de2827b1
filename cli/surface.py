"""`harvester surface`: the implied volatilities of a chain over moneyness and time, in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.scan_context import MarketFlags, context_of

if TYPE_CHECKING:
    from scanner.surface import VolatilitySurface


def command(
    symbol: str,
    /,
    *,
    catalog: Path,
    at: str,
    html: Path | None = None,
    png: Path | None = None,
    market: Annotated[MarketFlags | None, Parameter(name="*")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show implied volatility by expiry and moneyness at a moment.

    Each cell is read off the smile of its expiry, of puts below the price and calls above it, between two
    quoted strikes; where nothing is quoted on both sides of it, the cell is empty.

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
    from catalog.option_chains import chain_at
    from market.option_chain_pricing import priced
    from market.time import to_ns
    from scanner.surface import volatility_surface

    at_ns = to_ns(at)
    context = context_of(catalog, symbol, at_ns=at_ns, flags=market or MarketFlags())
    chain = priced(chain_at(catalog, symbol, at_ns), context.pricing)
    view = _view(volatility_surface(chain), chain.ts_ns)
    if html is not None:
        from cli.surface_page import write_surface_page

        write_surface_page(view, html)
    if png is not None:
        from cli.page_picture import write_picture
        from cli.surface_page import render

        write_picture(render(view), png, height=330 + 34 * len(view["expiries"]))
    if json:
        print_json({**view, "html": html, "png": png})
    else:
        _print(view, html, png)


def _view(surface: VolatilitySurface, ts_ns: int) -> dict[str, Any]:
    from market.time import format_new_york

    return {
        "underlying": surface.underlying,
        "at": format_new_york(ts_ns, places=0),
        "underlying_price": surface.underlying_price,
        "moneyness": surface.moneyness.tolist(),
        "expiries": [
            {"expiry": day.isoformat(), "dte": dte, "iv": row.tolist()}
            for day, dte, row in zip(surface.expiries, surface.dte, surface.iv, strict=True)
        ],
    }


def _print(view: dict[str, Any], html: Path | None, png: Path | None) -> None:
    from rich.table import Table

    table = Table(
        title=f"{view['underlying']} at {view['underlying_price']:,.2f}, {view['at']}", title_justify="left"
    )
    table.add_column("expiry", no_wrap=True)
    table.add_column("dte", justify="right")
    for share in view["moneyness"]:
        table.add_column(f"{share:g}", justify="right", no_wrap=True)
    for row in view["expiries"]:
        cells = ["" if value != value else f"{100 * value:.1f}" for value in row["iv"]]
        table.add_row(row["expiry"], str(row["dte"]), *cells)
    console = stdout_console()
    console.print(table)
    console.print("Implied volatility in percent a year; columns: strike over price of the underlying.")
    for name, path in (("page", html), ("picture", png)):
        if path is not None:
            console.print(f"{name}: {path}", markup=False, soft_wrap=True)
