"""`harvester ingest lean-options|chain-csv|rates|dividends|volatility`: what option trading needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from cli.ingest_flags import Into, Symbols, column_pairs, ingested, show

if TYPE_CHECKING:
    from catalog.chain_source.options import ChainCsvOptions
    from catalog.manifest import IngestResult

Legs = Annotated[tuple[str, ...], Parameter(name="--legs", negative=())]


@dataclass(frozen=True, kw_only=True)
class ChainFlags:
    """How the rows of a file of chains read."""

    columns: Annotated[
        str | None,
        Parameter(
            help='FIELD=COLUMN pairs such as "time=asof,bid=BidPx", or a TOML file of them. Fields: time, '
            "contract (an OCC symbol), root, underlying, expiry, strike, right, underlying_price, bid, ask, "
            "bid_size, ask_size, last, volume, open_interest, iv, delta, gamma, vega, theta, rho."
        ),
    ] = None
    time_zone: Annotated[str, Parameter(help="The zone of times that state none.")] = "America/New_York"
    time_format: Annotated[
        str | None, Parameter(help="The strptime pattern of times that are no usual date and not ISO 8601.")
    ] = None
    vega_per: Annotated[
        Literal["point", "unit"],
        Parameter(help="What the file's vega is for: a volatility point (0.01), or 1.00 of volatility."),
    ] = "point"
    theta_per: Annotated[
        Literal["day", "year"], Parameter(help="What the file's theta is for: a calendar day, or a year.")
    ] = "day"

    def options(self) -> ChainCsvOptions:
        """Return the options of the ingest; raises `ConfigError` for columns that are no pairs."""
        from catalog.chain_source.options import ChainCsvOptions

        return ChainCsvOptions(
            columns=column_pairs(self.columns),
            time_zone=self.time_zone,
            time_format=self.time_format,
            vega_per=self.vega_per,
            theta_per=self.theta_per,
        )


def lean_options(path: Path, /, *, into: Into, symbol: Symbols = (), legs: Legs = ()) -> None:
    """Put QuantConnect Lean options and index levels into a catalog: a chain snapshot a minute.

        harvester ingest lean-options lean --catalog my-catalog --symbol SPXW --legs "SPXW210106*"

    Parameters
    ----------
    path
        A Lean zip, a folder of them, or a whole Lean data folder; the equity and index folders beside the
        options give the price of the underlying.
    symbol
        Take only these option classes or underlyings. Repeatable.
    legs
        Contracts that also get ordinary quotes and greeks, for orders to be filled on; `*` stands for any
        text, blanks do not count: "SPXW210106P037*". Repeatable.
    """
    from catalog.ingest_lean_options import ingest_lean_options

    result = ingested(ingest_lean_options, path, into=into, symbols=symbol)
    show(_with_legs(result, into.catalog, legs), path, into)


def chain_csv(
    path: Path,
    /,
    *,
    into: Into,
    symbol: Symbols = (),
    rows: Annotated[ChainFlags | None, Parameter(name="*")] = None,
    legs: Legs = (),
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
    symbol
        Take only these option classes or underlyings. Repeatable.
    legs
        Contracts that also get ordinary quotes and greeks; `*` stands for any text. Repeatable.
    """
    from catalog.ingest_chain_csv import ingest_chain_csv

    options = (rows or ChainFlags()).options()
    result = ingested(ingest_chain_csv, path, into=into, symbols=symbol, options=options)
    show(_with_legs(result, into.catalog, legs), path, into)


def rates(
    path: Path,
    /,
    *,
    into: Into,
    symbol: Symbols = (),
    columns: str | None = None,
    unit: Literal["fraction", "percent"] = "fraction",
    compounding: Literal["par", "zero"] = "par",
) -> None:
    """Put interest rates from a CSV file into a catalog: a curve a day, known from 18:00 New York.

        harvester ingest rates par-yields.csv --catalog my-catalog
        harvester ingest rates fed.csv --catalog my-catalog --columns "3month=PCREDIT8" --unit percent

    Parameters
    ----------
    path
        A CSV file with a column of dates and one or more of rates, such as `3month` or `10 Yr`.
    symbol
        The name of the curve; pricing takes USD, which is the default.
    columns
        FIELD=COLUMN pairs: `date`, and tenors such as 3month or 10year.
    unit
        Whether 4.25 % is written 0.0425 or 4.25.
    compounding
        Par yields of bonds that pay half-yearly, or continuously compounded zero rates.
    """
    from catalog.ingest_rates import ingest_rates

    pairs = column_pairs(columns)
    result = ingested(
        ingest_rates, path, into=into, symbols=symbol, columns=pairs, unit=unit, compounding=compounding
    )
    show(result, path, into)


def dividends(
    path: Path,
    /,
    *,
    into: Into,
    symbol: Symbols = (),
    columns: str | None = None,
    declared_days: int | None = None,
) -> None:
    """Put cash dividends from a CSV file or Lean's factor files into a catalog, for pricing and events.

    A dividend is known from midnight after the day on which it was declared; nothing uses it before. A file
    that does not say when (Lean's never do) needs --declared-days.

        harvester ingest dividends dividends.csv --catalog my-catalog
        harvester ingest dividends paid.csv --catalog mine --columns "ex_date=Ex,amount=Cash,declared=Said"
        harvester ingest dividends lean --catalog my-catalog --symbol SPY --declared-days 14

    Parameters
    ----------
    path
        A CSV file with columns for the ex-dividend date, the amount in USD a share, and, if it has them, the
        date of declaration and the symbol; or a Lean factor file, a folder of them, or a Lean data folder.
    symbol
        Take only these symbols. Of a file without a symbol column: whose dividends they are. Repeatable.
    columns
        FIELD=COLUMN pairs: ex_date, amount, declared, symbol.
    declared_days
        Days before its ex-dividend date on which a dividend counts as declared, where the file does not say.
        Most US companies declare 14 to 45 days before.
    """
    from catalog.ingest_dividends import ingest_dividends

    pairs = column_pairs(columns)
    result = ingested(
        ingest_dividends, path, into=into, symbols=symbol, columns=pairs, declared_days=declared_days
    )
    show(result, path, into)


def volatility(path: Path, /, *, into: Into, symbol: Symbols = (), columns: str | None = None) -> None:
    """Put the history of a volatility index from a CSV file into a catalog, known from 16:15 New York.

        harvester ingest volatility vix-daily.csv --catalog my-catalog
        harvester ingest volatility vxn.csv --catalog my-catalog --symbol VXN --columns "close=VXNCLS"

    Parameters
    ----------
    path
        A CSV file with a column of dates and one of closes; open, high and low if it has them.
    symbol
        The name of the index; VIX by default.
    columns
        FIELD=COLUMN pairs: date, open, high, low, close.
    """
    from catalog.ingest_volatility import ingest_volatility

    pairs = column_pairs(columns)
    show(ingested(ingest_volatility, path, into=into, symbols=symbol, columns=pairs), path, into)


def _with_legs(result: IngestResult, catalog: Path, legs: Sequence[str]) -> IngestResult:
    """Write the legs of every class that was ingested, and return the result with a note of them."""
    if not legs or result.start_ns is None or result.end_ns is None:
        return result
    from dataclasses import replace

    from catalog.ingest_summary import IngestSummary
    from catalog.option_legs import write_legs
    from catalog.store import CatalogStore
    from market.errors import NotFoundError
    from market.time import NS_PER_SECOND

    store = CatalogStore(catalog)
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
