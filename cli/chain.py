"""`harvester chain`: an option chain of the catalog as it was known at a moment, with smile and greeks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.output import print_json

Flag = Annotated[bool, Parameter(negative=())]


def command(
    symbol: str,
    /,
    *,
    catalog: Path,
    at: str,
    expiry: str | None = None,
    rate: float | None = None,
    html: Path | None = None,
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
    rate
        A flat interest rate as a fraction a year, instead of the catalog's curve.
    html
        Also write a page with smile, term structure and all contracts; it opens without a network.
    json
        Print one JSON object with all contracts instead of text.
    """
    from cli.chain_view import chain_json, chain_lines, view_at
    from market.time import parse_date, to_ns

    day = parse_date(expiry) if expiry else None
    view = view_at(catalog, symbol, to_ns(at), rate=rate)
    if html is not None:
        from cli.chain_page import write_chain_page

        write_chain_page(view, html)
    if json:
        print_json(chain_json(view, html=html))
        return
    from cli.output import stdout_console

    console = stdout_console()
    for line in chain_lines(view, day):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if html is not None:
        console.print(f"page: {html}", markup=False, soft_wrap=True)
