"""`harvester ingest lean-options|chain-csv|rates|volatility`: what option trading needs, into a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from cli.ingest import Flag, Symbols, dates
from cli.ingest_output import print_result, progress_bar

if TYPE_CHECKING:
    from catalog.manifest import IngestResult
    from catalog.store import CatalogStore

Legs = Annotated[tuple[str, ...], Parameter(name="--legs", negative=())]


def lean_options(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    legs: Legs = (),
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put QuantConnect Lean options and index levels into a catalog: a chain snapshot a minute.

        harvester ingest lean-options lean --catalog my-catalog --symbol SPXW --legs "SPXW210106*"

    Parameters
    ----------
    path
        A Lean zip, a folder of them, or a whole Lean data folder; the equity and index folders beside the
        options give the price of the underlying.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        Take only these option classes or underlyings. Repeatable.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    legs
        Contracts that also get ordinary quotes and greeks, for orders to be filled on; `*` stands for any
        text, blanks do not count: "SPXW210106P037*". Repeatable.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.ingest_lean_options import ingest_lean_options
    from catalog.store import CatalogStore

    first, last = dates(start, end)
    store = CatalogStore(catalog)
    with progress_bar() as progress:
        result = ingest_lean_options(
            path,
            store=store,
            symbols=symbol,
            start=first,
            end=last,
            replace=replace,
            progress=progress,
        )
    print_result(_with_legs(result, store, legs), path=path, catalog=catalog, as_json=json)


def chain_csv(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    columns: str | None = None,
    time_zone: str = "America/New_York",
    time_format: str | None = None,
    vega_per: Literal["point", "unit"] = "point",
    theta_per: Literal["day", "year"] = "day",
    legs: Legs = (),
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put option chains from a CSV or Parquet file into a catalog: a row a contract and moment.

    End-of-day files (dates without times) become a snapshot a day at the session's close, others a snapshot
    for each time. The columns are found by their names; --columns says what the names do not.

        harvester ingest chain-csv spx.csv --catalog my-catalog --vega-per unit --theta-per year
        harvester ingest chain-csv quotes.parquet --catalog my-catalog --columns "time=asof,expiry=exp"

    Parameters
    ----------
    path
        A file (.csv, .csv.gz, .csv.zst or .parquet, told by its content), or a folder of such files.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        Take only these option classes or underlyings. Repeatable.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    columns
        FIELD=COLUMN pairs such as "time=asof,bid=BidPx", or a TOML file of them. Fields: time, contract (an
        OCC symbol), root, underlying, expiry, strike, right, underlying_price, bid, ask, bid_size, ask_size,
        last, volume, open_interest, iv, delta, gamma, vega, theta, rho.
    time_zone
        The zone of times that state none.
    time_format
        The strptime pattern of times that are no usual date and not ISO 8601.
    vega_per
        What the file's vega is for: a volatility point (0.01), or 1.00 of volatility.
    theta_per
        What the file's theta is for: a calendar day, or a year.
    legs
        Contracts that also get ordinary quotes and greeks; `*` stands for any text. Repeatable.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.chain_source.options import ChainCsvOptions
    from catalog.ingest_chain_csv import ingest_chain_csv
    from catalog.store import CatalogStore

    options = ChainCsvOptions(
        columns=_pairs(columns),
        time_zone=time_zone,
        time_format=time_format,
        vega_per=vega_per,
        theta_per=theta_per,
    )
    first, last = dates(start, end)
    store = CatalogStore(catalog)
    with progress_bar() as progress:
        result = ingest_chain_csv(
            path,
            store=store,
            symbols=symbol,
            start=first,
            end=last,
            options=options,
            replace=replace,
            progress=progress,
        )
    print_result(_with_legs(result, store, legs), path=path, catalog=catalog, as_json=json)


def rates(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    columns: str | None = None,
    unit: Literal["fraction", "percent"] = "fraction",
    compounding: Literal["par", "zero"] = "par",
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put interest rates from a CSV file into a catalog: a curve a day, known from 18:00 New York.

        harvester ingest rates par-yields.csv --catalog my-catalog
        harvester ingest rates fed.csv --catalog my-catalog --columns "3month=PCREDIT8" --unit percent

    Parameters
    ----------
    path
        A CSV file with a column of dates and one or more of rates, such as `3month` or `10 Yr`.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        The name of the curve; pricing takes USD, which is the default.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    columns
        FIELD=COLUMN pairs: `date`, and tenors such as 3month or 10year.
    unit
        Whether 4.25 % is written 0.0425 or 4.25.
    compounding
        Par yields of bonds that pay half-yearly, or continuously compounded zero rates.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.ingest_rates import ingest_rates
    from catalog.store import CatalogStore

    first, last = dates(start, end)
    with progress_bar() as progress:
        result = ingest_rates(
            path,
            store=CatalogStore(catalog),
            symbols=symbol,
            start=first,
            end=last,
            columns=_pairs(columns),
            unit=unit,
            compounding=compounding,
            replace=replace,
            progress=progress,
        )
    print_result(result, path=path, catalog=catalog, as_json=json)


def volatility(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    columns: str | None = None,
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put the history of a volatility index from a CSV file into a catalog, known from 16:15 New York.

        harvester ingest volatility vix-daily.csv --catalog my-catalog
        harvester ingest volatility vxn.csv --catalog my-catalog --symbol VXN --columns "close=VXNCLS"

    Parameters
    ----------
    path
        A CSV file with a column of dates and one of closes; open, high and low if it has them.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        The name of the index; VIX by default.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    columns
        FIELD=COLUMN pairs: date, open, high, low, close.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.ingest_volatility import ingest_volatility
    from catalog.store import CatalogStore

    first, last = dates(start, end)
    with progress_bar() as progress:
        result = ingest_volatility(
            path,
            store=CatalogStore(catalog),
            symbols=symbol,
            start=first,
            end=last,
            columns=_pairs(columns),
            replace=replace,
            progress=progress,
        )
    print_result(result, path=path, catalog=catalog, as_json=json)


def _with_legs(result: IngestResult, store: CatalogStore, legs: Sequence[str]) -> IngestResult:
    """Write the legs of every class that was ingested, and return the result with a note of them."""
    if not legs or result.start_ns is None or result.end_ns is None:
        return result
    from dataclasses import replace

    from catalog.ingest_summary import IngestSummary
    from catalog.option_legs import write_legs
    from market.errors import NotFoundError
    from market.time import NS_PER_SECOND

    # The result tells ts_init, which lies up to some microseconds after the moment of a snapshot.
    period_ns = (result.start_ns - NS_PER_SECOND, result.end_ns + 1)
    chains = store.manifest().chains
    roots = sorted({chains[name].root for name in result.instruments if name in chains})
    notes: list[str] = []
    for root in roots:
        try:
            written = write_legs(store, root, legs, period_ns=period_ns)
        except NotFoundError as error:
            notes.append(str(error))
            continue
        notes.append(
            f"{root}: {written.rows:,} quotes and greeks of {len(written.instruments)} contracts of their own"
        )
    assert isinstance(result, IngestSummary)
    return replace(result, notes=(*result.notes, *notes))


def _pairs(text: str | None) -> dict[str, str]:
    """Return `FIELD=COLUMN` pairs, from text or a TOML file."""
    import tomllib

    from market.errors import ConfigError

    if text is None:
        return {}
    if text.endswith(".toml"):
        try:
            loaded = tomllib.loads(Path(text).read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"--columns {text} cannot be read: {error}") from error
        return {str(field): str(column) for field, column in loaded.items()}
    found = {}
    for pair in text.split(","):
        field, separator, column = pair.partition("=")
        if not separator or not field.strip() or not column.strip():
            raise ConfigError(f"--columns {pair!r} is no FIELD=COLUMN pair.")
        found[field.strip()] = column.strip()
    return found
