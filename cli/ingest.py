"""`harvester ingest csv|lean|lobster`: market data from files into a catalog."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from cli.ingest_flags import Flag, Into, Symbols, ingested, show

if TYPE_CHECKING:
    from catalog.csv_source.options import CsvOptions


@dataclass(frozen=True, kw_only=True)
class CsvFlags:
    """How the rows of a CSV or Parquet file read."""

    columns: Annotated[
        str | None,
        Parameter(
            help='FIELD=COLUMN pairs such as "ts=Time,bid=BidPx", or a TOML file of them. Fields: ts, '
            "symbol; quotes bid_price, ask_price, bid_size, ask_size; trades price, size, side, trade_id; "
            "bars open, high, low, close, volume."
        ),
    ] = None
    kind: Annotated[
        Literal["quote", "trade", "bar"] | None,
        Parameter(help="What the rows are, where the columns allow more than one reading."),
    ] = None
    time_zone: Annotated[
        str | None, Parameter(help="The zone of times that state none, e.g. America/New_York or UTC.")
    ] = None
    time_unit: Annotated[
        Literal["s", "ms", "us", "ns"] | None,
        Parameter(help="The unit of times that are numbers since 1970; by default told by their size."),
    ] = None
    time_format: Annotated[
        str | None,
        Parameter(
            help="The strptime pattern of times that are neither ISO 8601 nor numbers, e.g. "
            '"%m/%d/%Y %H:%M:%S".'
        ),
    ] = None
    bar: Annotated[
        str | None, Parameter(help="How long the bars are: 1-MINUTE, 5-SECOND, 1-HOUR, 1-DAY ...")
    ] = None
    bar_stamp: Annotated[
        Literal["open", "close"],
        Parameter(
            help="What a bar's time means. Bars are stored with the time of their close, so that no strategy "
            'sees one before it is complete; "open" moves them by their length.'
        ),
    ] = "open"
    price_type: Annotated[
        Literal["LAST", "BID", "ASK", "MID"], Parameter(help="What the bars were made of.")
    ] = "LAST"
    round_prices: Annotated[
        bool,
        Parameter(
            negative=(), help="Round prices to four decimals, instead of rejecting those that have more."
        ),
    ] = False

    def options(self) -> CsvOptions:
        """Return the options of the ingest; raises `ConfigError` for columns that are no pairs."""
        from catalog.columns import DataKind
        from catalog.csv_source.mapping import parse_mapping
        from catalog.csv_source.options import CsvOptions

        return CsvOptions(
            columns=parse_mapping(self.columns),
            kind=DataKind(self.kind) if self.kind else None,
            time_zone=self.time_zone,
            time_unit=self.time_unit,
            time_format=self.time_format,
            bar=self.bar,
            bar_stamp=self.bar_stamp,
            price_type=self.price_type,
            round_prices=self.round_prices,
        )


def csv(
    path: Path,
    /,
    *,
    into: Into,
    symbol: Symbols = (),
    rows: Annotated[CsvFlags | None, Parameter(name="*")] = None,
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
    symbol
        Of a file with a symbol column: take only these. Of a file without: whose data it is. Repeatable.
    """
    from catalog.ingest_csv import ingest_csv

    options = (rows or CsvFlags()).options()
    show(ingested(ingest_csv, path, into=into, symbols=symbol, options=options), path, into)


def lean(
    path: Path,
    /,
    *,
    into: Into,
    symbol: Symbols = (),
    resolution: Annotated[
        tuple[Literal["tick", "second", "minute", "hour", "daily"], ...], Parameter(negative=())
    ] = (),
    adjust: Literal["none", "splits", "splits_and_dividends"] = "none",
    quotes_from_bars: Flag = False,
) -> None:
    """Put QuantConnect Lean equity data into a catalog.

        harvester ingest lean lean/equity/usa --catalog my-catalog --symbol BAC --symbol SPY
        harvester ingest lean lean --catalog spy --symbol SPY --resolution second --quotes-from-bars

    Parameters
    ----------
    path
        A Lean zip, a folder of them, or a whole Lean data folder.
    symbol
        Take only these symbols. Repeatable.
    resolution
        Take only these resolutions. Repeatable.
    adjust
        Adjust prices and sizes by the factor files.
    quotes_from_bars
        Also store the closing bid and ask, with their sizes, of each second or minute quote bar as a quote at
        the bar's close: strategies trade on quotes. What happened within the bar stays hidden: prices that
        came and went, wide spreads, thin queues. One of these resolutions at a time.
    """
    from catalog.ingest_lean import ingest_lean

    result = ingested(
        ingest_lean,
        path,
        into=into,
        symbols=symbol,
        resolutions=resolution,
        adjust=adjust,
        quotes_from_bars=quotes_from_bars,
    )
    show(result, path, into)


def lobster(path: Path, /, *, into: Into, symbol: Symbols = ()) -> None:
    """Put LOBSTER (NASDAQ TotalView) messages into a catalog: order book, trades with their side, quotes.

        harvester ingest lobster AAPL_2012-06-21_34200000_57600000_message_50.csv --catalog my-catalog

    Parameters
    ----------
    path
        A LOBSTER message file, with its order book file beside it, or a folder of them.
    symbol
        Take only these symbols. Repeatable.
    """
    from catalog.ingest_lobster import ingest_lobster

    show(ingested(ingest_lobster, path, into=into, symbols=symbol), path, into)
