"""`harvester chain`: an option chain of the catalog as it was known at a moment, with smile and greeks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.scan_context import PricingFlags

Flag = Annotated[bool, Parameter(negative=())]


def command(
    symbol: str,
    /,
    *,
    catalog: Path,
    at: str,
    expiry: str | None = None,
    market: Annotated[PricingFlags | None, Parameter(name="*")] = None,
    html: Path | None = None,
    png: Path | None = None,
    json: Flag = False,
) -> None:
    """Show the chain of an underlying at a moment of the past: nothing from after it is used.

    Volatilities and greeks are computed from the quotes: Black-Scholes-Merton for European contracts, with
    the dividend yield that put-call parity implies; a binomial tree for American ones, with the dividends
    that had been declared then (`harvester ingest dividends`).

        harvester chain GOOG --catalog my-catalog --at 2015-12-24T12:00:00-05:00
        harvester chain SPX --catalog my-catalog --at 2021-01-04T10:01:00-05:00 --html chain.html

    Parameters
    ----------
    symbol
        An underlying such as SPX (all its classes), or one class such as SPXW.
    catalog
        The catalog folder.
    at
        The moment, with its zone: 2021-01-04T10:01:00-05:00.
    expiry
        Show the contracts of this date, year-month-day; by default of the nearest.
    html
        Also write a page with smile, term structure and all contracts; it opens without a network.
    png
        Also write the page's picture to this PNG file; needs Chromium or Chrome on this machine.
    json
        Print one JSON object with all contracts instead of text.
    """
    from cli.chain_view import chain_json, chain_lines, chosen_expiry, view_at
    from cli.result_file import require_result_files
    from market.time import parse_date, to_ns

    require_result_files({"--html": html, "--png": png})
    day = parse_date(expiry) if expiry else None
    view = view_at(catalog, symbol, to_ns(at), market or PricingFlags())
    shown_ns = chosen_expiry(view, day)
    first_shown_ns = None if day is None else shown_ns
    if html is not None:
        from cli.chain_page import write_chain_page

        write_chain_page(view, html, expiry_ns=first_shown_ns)
    if png is not None:
        from cli.chain_page import PICTURE_HEIGHT, render
        from cli.page_picture import write_picture

        write_picture(render(view, expiry_ns=first_shown_ns), png, height=PICTURE_HEIGHT)
    if json:
        print_json({**chain_json(view), "html": html, "png": png})
        return
    console = stdout_console()
    for line in chain_lines(view, shown_ns):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for name, path in (("page", html), ("picture", png)):
        if path is not None:
            console.print(f"{name}: {path}", markup=False, soft_wrap=True)
