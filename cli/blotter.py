"""`harvester blotter`: every trade of a run, to look at, to export, and to write notes on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json
from cli.run_journal import RunRecords, Unverified, open_run
from cli.run_outputs import require_beside
from cli.terminal_text import printable, terminal_columns
from market.errors import UserError

if TYPE_CHECKING:
    from audit.blotter import Blotter, Trade


@dataclass(frozen=True, kw_only=True)
class NoteFlags:
    """A note to add, instead of the blotter."""

    note: Annotated[
        tuple[str, str] | None,
        Parameter(help="ID TEXT: note TEXT on a trade, an order, or a day such as 2013-10-07.", negative=()),
    ] = None
    tag: Annotated[
        tuple[str, ...], Parameter(negative=(), help="A tag of the note; repeat for several.")
    ] = ()
    by: Annotated[str | None, Parameter(help="Who writes the note.")] = None


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where to write the blotter."""

    csv_file: Annotated[Path | None, Parameter(name="--csv", help="Write it as CSV.")] = None
    parquet_file: Annotated[Path | None, Parameter(name="--parquet", help="Write it as Parquet.")] = None


def command(
    run_dir: Path,
    /,
    *,
    files: Annotated[Files | None, Parameter(name="*")] = None,
    executions: Annotated[
        bool, Parameter(negative="", help="A row per execution instead of per trade from flat to flat.")
    ] = False,
    note: Annotated[NoteFlags | None, Parameter(name="*")] = None,
    no_notes: Annotated[bool, Parameter(negative="", help="Leave notes and tags out.")] = False,
    unverified: Unverified = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """List every trade of a run with entry, exit, reasons, fees, slippage, holding time, notes and tags.

    A trade runs from flat to flat. With --note it adds a note instead: notes are kept beside the journal,
    in a chain of their own, and cannot be changed unnoticed. The journal and the notes are verified first;
    exit code 3 when they fail.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed, or a live node's day.
    """
    flags, wanted = note or NoteFlags(), files or Files()
    require_beside([run_dir], {"--csv": wanted.csv_file, "--parquet": wanted.parquet_file})
    is_note = flags.note is not None or flags.tag or flags.by is not None
    if is_note and (executions or wanted.csv_file is not None or wanted.parquet_file is not None):
        raise UserError("--note adds a note and lists nothing. Leave out --csv, --parquet and --executions.")
    records = open_run(run_dir, unverified=unverified, with_notes=not no_notes)
    if is_note:
        _add_note(records, flags, as_json=json)
        return
    from audit.blotter import blotter

    made = blotter(records.entries(), [] if no_notes else records.notes())
    written = _write(made, wanted, executions=executions)
    if json:
        rows: dict[str, Any] = {"executions": made.executions} if executions else {"trades": made.trades}
        about = {"run": str(run_dir), "unverified": records.unverified}
        print_json({**about, **rows, "files": list(written)})
    elif written:
        for path, count in written.items():
            sys.stdout.write(f"{count:,} {'executions' if executions else 'trades'} in {path}\n")
    else:
        _print(made, executions=executions)


def _add_note(records: RunRecords, flags: NoteFlags, *, as_json: bool) -> None:
    import time

    from audit.note_store import add_note
    from audit.notes import checked_note, require_subject

    if flags.note is None:
        raise UserError(
            "--tag and --by belong to a note. Give it with --note ID TEXT; the text may be empty."
        )
    subject, text = flags.note
    record = checked_note(subject.strip(), text=text, tags=flags.tag, by=flags.by or "")
    require_subject(records.entries(), record.subject)
    kept = add_note(records.run_dir, record, ts_ns=time.time_ns())
    if as_json:
        print_json({"run": str(records.run_dir), "unverified": records.unverified, "note": kept})
    else:
        sys.stdout.write(f"Note {kept.number} on {kept.subject} is kept.\n")


def _write(made: Blotter, files: Files, *, executions: bool) -> dict[str, int]:
    if files.csv_file is None and files.parquet_file is None:
        return {}
    from audit.blotter import Execution, Trade
    from cli.row_files import write_rows

    rows: Any = made.executions if executions else made.trades
    row_type: Any = Execution if executions else Trade
    count = write_rows(rows, row_type=row_type, csv_file=files.csv_file, parquet_file=files.parquet_file)
    return {str(path): count for path in (files.csv_file, files.parquet_file) if path is not None}


def _print(made: Blotter, *, executions: bool) -> None:
    from cli.plain_table import plain_table

    rows: Any = made.executions if executions else made.trades
    if not rows:
        sys.stdout.write("Nothing was traded.\n")
        return
    headings, cells = (_EXECUTION, _execution_cells) if executions else (_TRADE, _trade_cells)
    table = [cells(row) for row in rows]
    sys.stdout.write(plain_table(headings, table, texts=_TEXTS, width=terminal_columns()))
    for row in rows:
        if row.tags or row.notes:
            name = row.trade_id if executions else row.trip_id
            sys.stdout.write(f"{name}: {_remarks(row.tags, row.notes)}\n")
    if not executions:
        sys.stdout.write(_sum_line(made.trades))


_TRADE = (
    *("trade", "in, New York", "symbol", "side", "qty", "in", "out", "held s"),
    *("gross", "fees", "net", "slip bps", "why"),
)
_EXECUTION = (
    *("trade", "New York", "symbol", "side", "qty", "price", "fee"),
    *("to mid", "to limit", "order", "why"),
)
_TEXTS = frozenset(("trade", "in, New York", "New York", "symbol", "side", "why", "order"))


def _trade_cells(trade: Trade) -> list[str]:
    why = trade.entry_reason if trade.exit_reason is None else f"{trade.entry_reason} > {trade.exit_reason}"
    return [
        trade.trip_id,
        trade.entry_new_york.rpartition(" ")[0],
        trade.symbol,
        trade.side if trade.status == "closed" else f"{trade.side} {trade.status}",
        str(trade.quantity),
        _amount(trade.entry_price),
        _amount(trade.exit_price),
        "" if trade.holding_seconds is None else f"{trade.holding_seconds:,.1f}",
        _amount(trade.gross_usd),
        _amount(trade.fees_usd),
        _amount(trade.net_usd),
        "" if trade.slippage_to_mid_bps is None else f"{trade.slippage_to_mid_bps:.2f}",
        why,
    ]


def _execution_cells(row: Any) -> list[str]:
    return [
        row.trade_id,
        row.new_york.rpartition(" ")[0],
        row.symbol,
        row.side,
        str(row.quantity),
        _amount(row.price),
        _amount(row.commission_usd),
        _amount(row.slippage_to_mid_usd),
        _amount(row.slippage_to_limit_usd),
        row.client_order_id,
        row.reason,
    ]


def _sum_line(trades: tuple[Trade, ...]) -> str:
    closed = [trade for trade in trades if trade.status == "closed"]
    gross, fees, net = (
        sum((getattr(trade, name) for trade in trades), Decimal(0))
        for name in ("gross_usd", "fees_usd", "net_usd")
    )
    sums = f"gross {_amount(gross)}, fees {_amount(fees)}, net {_amount(net)} USD"
    return f"{len(trades):,} trades, {len(trades) - len(closed):,} not closed; {sums}\n"


def _remarks(tags: tuple[str, ...], notes: tuple[str, ...]) -> str:
    parts = [" ".join(f"#{tag}" for tag in tags), *(printable(note) for note in notes)]
    return " | ".join(part for part in parts if part)


def _amount(value: Decimal | None) -> str:
    from audit.amounts import amount

    return "" if value is None else amount(value)
