"""`harvester reconcile`: journal, engine and broker's statement compared to the cent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from market.errors import DataError, NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from audit.events import Entry
    from audit.reconciliation import Difference, Ledger, Reconciliation, Total

EXIT_DIFFERENCES = 3
RUN_FILE = "run.json"
FILLS_FILE = "fills.parquet"
STATEMENT_BYTES_MAX = 256 * 1024 * 1024
WINDOW_SECONDS_MAX = 3_600
MONEY_PLACES = 2


def command(
    run_dir: Path,
    /,
    *,
    statement: Path | None = None,
    account: str | None = None,
    zone: str = "America/New_York",
    window_seconds: int = 60,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of tables.")] = False,
) -> int:
    """Compare the journal of a run with the engine's own tables and with the broker's statement.

    Executions are matched by their ids, without ids by their terms; then commissions, positions, cash and
    realized profit are compared to the cent. Each difference is named with its amount, its likely cause and
    what to do. Exit code 0 when all agrees, 3 when something differs or the journal fails its verification, 2
    when a file cannot be used.

    Parameters
    ----------
    run_dir
        The folder that a backtest printed, or that of a live day.
    statement
        An Interactive Brokers activity Flex query in XML, or an activity statement in CSV.
    account
        The account to take from a statement of several; by default the one of the journal.
    zone
        The time zone of the account's reports.
    window_seconds
        How far the times of one execution may lie apart, 0 to 3600.
    """
    from audit.reconciliation import checkpoint_ledger, engine_ledger, journal_ledger, reconcile
    from market.time import NS_PER_SECOND

    if not 0 <= window_seconds <= WINDOW_SECONDS_MAX:
        raise UserError(f"--window-seconds is {window_seconds}, allowed: 0 to {WINDOW_SECONDS_MAX}.")
    entries = _journal(run_dir)
    summary = _summary(run_dir)
    journal = journal_ledger(entries)
    engine = checkpoint_ledger(entries) if summary is None else engine_ledger(_fills(run_dir), summary)
    broker = None
    if statement is not None:
        broker = _statement(statement, account=account or journal.account, zone=zone)
    result = reconcile(journal, engine=engine, statement=broker, window_ns=window_seconds * NS_PER_SECOND)
    if json:
        print_json({"run": run_dir, **_as_json(result)})
    else:
        _print(result)
    return 0 if result.agrees else EXIT_DIFFERENCES


def _summary(run_dir: Path) -> Mapping[str, Any] | None:
    """Return the content of `run.json`; None for a live day, which has none."""
    import msgspec

    path = run_dir / RUN_FILE
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}. Run the backtest again.") from None


def _journal(run_dir: Path) -> list[Entry]:
    """Return the records of the run's journal, which must hold: a forged one proves nothing."""
    from audit.journal import TamperedError
    from cli.run_journal import entries_of, verify_run

    checked = verify_run(run_dir, expected_hash=None)
    if not checked.ok:
        raise TamperedError(
            f"The journal of {run_dir} fails verification: {checked.problems[0]} "
            f"`harvester audit verify {run_dir}` names every record."
        )
    return list(entries_of(run_dir))


def _fills(run_dir: Path) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    path = run_dir / FILLS_FILE
    if not path.is_file():
        raise NotFoundError(f"{run_dir} has {RUN_FILE} and no {FILLS_FILE}. Run the backtest again.")
    columns = ["trade_id", "client_order_id", "strategy_id", "instrument_id", "side", "quantity"]
    try:
        table = pyarrow.parquet.read_table(path, columns=[*columns, "price", "commission_usd", "ts_ns"])
        rows: list[dict[str, Any]] = table.select([*columns, "price", "commission_usd", "ts_ns"]).to_pylist()
    except (pyarrow.ArrowException, KeyError) as error:
        raise DataError(f"{path} is not a table of fills: {error}. Run the backtest again.") from None
    return rows


def _statement(path: Path, *, account: str | None, zone: str) -> Ledger:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from audit.reconciliation import parse_statement

    try:
        size = path.stat().st_size
        if size > STATEMENT_BYTES_MAX:
            raise DataError(
                f"{path} has {size:,} bytes, at most {STATEMENT_BYTES_MAX:,}. Ask for fewer days."
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}. Name a statement's file.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start}). Download it again.") from None
    try:
        of_account = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"--zone {zone!r} is no time zone. Write one such as America/New_York.") from None
    try:
        return parse_statement(text, account=account, zone=of_account)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _as_json(result: Reconciliation) -> dict[str, Any]:
    import msgspec

    shown = {"agrees": result.agrees, "apart_usd": result.apart_usd, **msgspec.structs.asdict(result)}
    shown["totals"] = [
        {
            name: _shown(value, places=MONEY_PLACES if total.is_usd else 0)
            for name, value in msgspec.structs.asdict(total).items()
        }
        for total in result.totals
    ]
    shown["differences"] = [
        {
            name: _shown(value, places=MONEY_PLACES if name.endswith("_usd") else 0)
            for name, value in msgspec.structs.asdict(difference).items()
        }
        for difference in result.differences
    ]
    shown["apart_usd"] = _shown(result.apart_usd, places=MONEY_PLACES)
    return shown


def _shown(value: object, *, places: int) -> object:
    """Return a decimal as text, with so many places or as many as it needs; anything else as it is."""
    from decimal import Decimal

    if not isinstance(value, Decimal):
        return value
    short = value.normalize()
    needed = max(places, -int(short.as_tuple().exponent))
    return f"{short:.{needed}f}"


def _print(result: Reconciliation) -> None:
    from rich.table import Table

    console = stdout_console()
    table = Table(
        *("sum", *result.sides, "apart"), title=f"Account {result.account or 'of the run'}{_period(result)}"
    )
    for total in result.totals:
        table.add_row(total.name, *(_amount(total, side) for side in result.sides), _apart(total))
    console.print(table)
    if result.differences:
        listing = Table(
            "between", "cause", "symbol", "USD", "units", "what, and what to do", title="Differences"
        )
        for difference in result.differences:
            listing.add_row(*_row(difference))
        console.print(listing)
    for remark in result.not_compared:
        console.print(f"Not compared or assumed: {remark}")
    names = f"{', '.join(result.sides[:-1])} and {result.sides[-1]}"
    console.print(f"Compared: {names}. {_verdict(result)}")


def _verdict(result: Reconciliation) -> str:
    from audit.reconciliation.ledger import CENT

    count = len(result.differences)
    if count:
        return "1 difference." if count == 1 else f"{count:,} differences."
    if result.apart_usd < CENT:
        return "They agree to the cent."
    cents = _shown(result.apart_usd * 100, places=0)
    return f"They agree within {cents} cents (rounding of fills; see the column apart)."


def _apart(total: Total) -> str:
    """Return by how much the sides of an amount of money lie apart; empty where they do not."""
    return f"{round(total.apart, 4).normalize():,f}" if total.is_usd and total.apart else ""


def _period(result: Reconciliation) -> str:
    if result.period is None:
        return ""
    first, last = result.period
    return f", {first}" if first == last else f", {first} to {last}"


def _amount(total: Total, side: str) -> str:
    amount: Decimal | None = getattr(total, side)
    return "" if amount is None else f"{round(amount, 4).normalize():,f}"


def _row(difference: Difference) -> tuple[str, ...]:
    where = f" ({', '.join(difference.where)})" if difference.where else ""
    return (
        f"journal, {difference.other_side}",
        difference.cause,
        difference.symbol or "",
        f"{difference.amount_usd:+,.2f}" if difference.amount_usd else "",
        f"{difference.quantity:+f}" if difference.quantity else "",
        f"{difference.why}{where}\n{difference.do}",
    )
