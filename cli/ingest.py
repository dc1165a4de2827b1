"""`harvester ingest csv|lean|lobster`: market data from files into a catalog."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from cli.ingest_output import print_result, progress_bar

Symbols = Annotated[tuple[str, ...], Parameter(name="--symbol", negative=())]
Flag = Annotated[bool, Parameter(negative=())]


def csv(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    columns: str | None = None,
    kind: Literal["quote", "trade", "bar"] | None = None,
    time_zone: str | None = None,
    time_unit: Literal["s", "ms", "us", "ns"] | None = None,
    time_format: str | None = None,
    bar: str | None = None,
    bar_stamp: Literal["open", "close"] = "open",
    price_type: Literal["LAST", "BID", "ASK", "MID"] = "LAST",
    round_prices: Flag = False,
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put quotes, trades or bars from a CSV or Parquet file into a catalog.

    The columns are found by their names, and from them what the rows are; --columns says what the names do
    not. Rows that cannot be used are listed in a reject file, the others go in. A file that is not what it
    claims to be is refused as a whole, and repeating a command changes nothing.

        harvester ingest csv bac.csv --catalog my-catalog --symbol BAC
        harvester ingest csv ticks.csv.gz --catalog my-catalog --columns "ts=Time,bid=BidPx,ask=AskPx"
        harvester ingest csv minutes.csv --catalog my-catalog --bar 1-MINUTE --time-zone America/New_York

    Parameters
    ----------
    path
        A file (.csv, .csv.gz, .csv.zst or .parquet, told by its content), or a folder of such files.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        Of a file with a symbol column: take only these. Of a file without: whose data it is. Repeatable.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    columns
        FIELD=COLUMN pairs such as "ts=Time,bid=BidPx", or a TOML file of them. Fields: ts, symbol; quotes
        bid_price, ask_price, bid_size, ask_size; trades price, size, side, trade_id; bars open, high, low,
        close, volume.
    kind
        What the rows are, where the columns allow more than one reading.
    time_zone
        The zone of times that state none, e.g. America/New_York or UTC.
    time_unit
        The unit of times that are numbers since 1970; by default told by their size.
    time_format
        The strptime pattern of times that are neither ISO 8601 nor numbers, e.g. "%m/%d/%Y %H:%M:%S".
    bar
        How long the bars are: 1-MINUTE, 5-SECOND, 1-HOUR, 1-DAY ...
    bar_stamp
        What a bar's time means. Bars are stored with the time of their close, so that no strategy sees one
        before it is complete; "open" moves them by their length.
    price_type
        What the bars were made of.
    round_prices
        Round prices to four decimals, instead of rejecting those that have more.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.columns import DataKind
    from catalog.csv_source.mapping import parse_mapping
    from catalog.csv_source.options import CsvOptions
    from catalog.ingest_csv import ingest_csv
    from catalog.store import CatalogStore

    options = CsvOptions(
        columns=parse_mapping(columns),
        kind=DataKind(kind) if kind else None,
        time_zone=time_zone,
        time_unit=time_unit,
        time_format=time_format,
        bar=bar,
        bar_stamp=bar_stamp,
        price_type=price_type,
        round_prices=round_prices,
    )
    first, last = dates(start, end)
    with progress_bar() as progress:
        result = ingest_csv(
            path,
            store=CatalogStore(catalog),
            symbols=symbol,
            start=first,
            end=last,
            options=options,
            replace=replace,
            progress=progress,
        )
    print_result(result, path=path, catalog=catalog, as_json=json)


def lean(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    resolution: Annotated[
        tuple[Literal["tick", "second", "minute", "hour", "daily"], ...], Parameter(negative=())
    ] = (),
    adjust: Literal["none", "splits", "splits_and_dividends"] = "none",
    quotes_from_bars: Flag = False,
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put QuantConnect Lean equity data into a catalog.

        harvester ingest lean lean/equity/usa --catalog my-catalog --symbol BAC --symbol SPY
        harvester ingest lean lean --catalog spy --symbol SPY --resolution second --quotes-from-bars

    Parameters
    ----------
    path
        A Lean zip, a folder of them, or a whole Lean data folder.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        Take only these symbols. Repeatable.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    resolution
        Take only these resolutions. Repeatable.
    adjust
        Adjust prices and sizes by the factor files.
    quotes_from_bars
        Also store the closing bid and ask, with their sizes, of each second or minute quote bar as a quote at
        the bar's close: strategies trade on quotes. What happened within the bar stays hidden: prices that
        came and went, wide spreads, thin queues. One of these resolutions at a time.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.ingest_lean import ingest_lean
    from catalog.store import CatalogStore

    first, last = dates(start, end)
    with progress_bar() as progress:
        result = ingest_lean(
            path,
            store=CatalogStore(catalog),
            symbols=symbol,
            start=first,
            end=last,
            resolutions=resolution,
            adjust=adjust,
            quotes_from_bars=quotes_from_bars,
            replace=replace,
            progress=progress,
        )
    print_result(result, path=path, catalog=catalog, as_json=json)


def lobster(
    path: Path,
    /,
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    replace: Flag = False,
    json: Flag = False,
) -> None:
    """Put LOBSTER (NASDAQ TotalView) messages into a catalog: order book, trades with their side, quotes.

        harvester ingest lobster AAPL_2012-06-21_34200000_57600000_message_50.csv --catalog my-catalog

    Parameters
    ----------
    path
        A LOBSTER message file, with its order book file beside it, or a folder of them.
    catalog
        The catalog folder; it is made if there is none.
    symbol
        Take only these symbols. Repeatable.
    start
        First New York date to take, year-month-day.
    end
        Last New York date to take, year-month-day.
    replace
        Remove files of earlier ingests that overlap in time with this one.
    json
        Print one JSON object instead of text.
    """
    from catalog.ingest_lobster import ingest_lobster
    from catalog.store import CatalogStore

    first, last = dates(start, end)
    with progress_bar() as progress:
        result = ingest_lobster(
            path,
            store=CatalogStore(catalog),
            symbols=symbol,
            start=first,
            end=last,
            replace=replace,
            progress=progress,
        )
    print_result(result, path=path, catalog=catalog, as_json=json)


def dates(start: str | None, end: str | None) -> tuple[date | None, date | None]:
    """Return the dates of --start and --end; raises `DataError` for a wrong one, or the wrong order."""
    from market.errors import DataError
    from market.time import parse_date

    first, last = (parse_date(text) if text else None for text in (start, end))
    if first and last and last < first:
        raise DataError(f"--end {last} is before --start {first}.")
    return first, last
