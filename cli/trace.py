"""`harvester trace`: one order or trade from what was seen to what it earned."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.run_journal import Unverified, open_run
from cli.run_search import run_holding
from cli.terminal_text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from audit.trace import OrderTrace, Step, Trace, TripTrace

NS_PER_MS = 1e6


def command(
    id_: Annotated[str, Parameter(name="ID")],
    run_dir: Path,
    /,
    *,
    unverified: Unverified = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Trace an order or trade end to end: features, signal, verdict, order, events, fills, fees, P&L.

    Every step has its record's number in the journal, its time, and how long after the former step it came.
    The journal is verified first; exit code 3 when it fails.

    Parameters
    ----------
    id_
        A client order id, venue order id, trade id, correlation id or round trip (trip-57, as
        `harvester blotter` lists them; it needs the folder of one run).
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed, or a live node's day; or a folder
        of such folders, to find the run that knows the id.
    """
    from audit.trace import trace

    run = run_holding(run_dir, id_)
    records = open_run(run, unverified=unverified)
    found = trace(records.entries(), id_)
    if json:
        import msgspec

        traced = msgspec.structs.asdict(found)
        print_json({"run": str(run), "unverified": records.unverified, **traced})
    else:
        _print(found)


def _print(found: Trace) -> None:
    console = stdout_console()
    console.print(f"{found.asked}: {', '.join(found.found_as)}", markup=False)
    for order in found.orders:
        _print_order(console, order)
    if found.decisions:
        console.print("\nDecided, and no order made of it:")
        _print_steps(console, found.decisions)
    for trip in found.round_trips:
        console.print(f"\n{_trip_words(trip)}", markup=False, soft_wrap=True)


def _print_order(console: Console, order: OrderTrace) -> None:
    from rich.table import Table

    venue = f", venue order {order.venue_order_id}" if order.venue_order_id else ""
    console.print(
        f"\nOrder {order.client_order_id}, {order.status}{venue}", style="bold", markup=False, soft_wrap=True
    )
    if order.signal is not None:
        console.print(f"  signal: {order.signal.action} because {order.signal.reason}", markup=False)
        table = Table(box=None, padding=(0, 2))
        for heading in ("feature", "seen", "compared with"):
            table.add_column(heading, overflow="fold")
        for name, value in order.signal.features.items():
            threshold = order.signal.thresholds.get(name)
            table.add_row(f"  {name}", f"{value:.8g}", "" if threshold is None else f"{threshold:.8g}")
        console.print(table)
    _print_steps(console, order.steps)
    for line in (*_cost_lines(order), *(f"missing: {each}" for each in order.missing)):
        console.print(f"  {line}", markup=False)


def _print_steps(console: Console, steps: tuple[Step, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(padding=(0, 1))
    for name in ("record", "New York", "after", "who", "what", "why"):
        table.add_column(name, overflow="fold")
    for step in steps:
        words = (step.who, step.what, step.why)
        after = "" if step.since_previous_ns is None else _ms(step.since_previous_ns)
        table.add_row(str(step.seq), step.new_york, after, *(Text(printable(word)) for word in words))
    console.print(table)


def _cost_lines(order: OrderTrace) -> Iterator[str]:
    from audit.amounts import amount, rounded

    if order.average_price is not None:
        yield (
            f"filled {order.filled_quantity} at {amount(rounded(order.average_price))} on average, "
            f"fees {amount(order.fees_usd)} USD"
        )
    cost, bps = order.slippage, order.slippage_bps
    if cost.mid_usd is not None and bps is not None:
        yield f"slippage to the mid at the decision (+ costs): {_signed(cost.mid_usd)} USD, {bps:+.2f} bps"
    if cost.limit_usd is not None:
        yield f"slippage to its limit: {_signed(cost.limit_usd)} USD"
    took = order.latencies
    named = {
        "decision to sent": took.decision_to_sent_ns,
        "sent to accepted": took.sent_to_accepted_ns,
        "accepted to first fill": took.accepted_to_first_fill_ns,
        "decision to last fill": took.decision_to_last_fill_ns,
    }
    known = [f"{name} {_ms(value)}" for name, value in named.items() if value is not None]
    if known:
        yield f"took: {', '.join(known)}"


def _trip_words(trip: TripTrace) -> str:
    from audit.amounts import amount, rounded
    from market.time import format_new_york

    exits = "open" if trip.exit_price is None else f"out at {amount(rounded(trip.exit_price))}"
    ended = "" if trip.exit_ts_ns is None else f", {format_new_york(trip.exit_ts_ns)}"
    held = f", {trip.open_quantity} still held" if trip.open_quantity else ""
    return (
        f"Trade {trip.trip_id}: {trip.side} {trip.quantity} {trip.instrument_id}, in at "
        f"{amount(rounded(trip.entry_price))}, {format_new_york(trip.entry_ts_ns)}, {exits}{ended}{held}; "
        f"gross {_signed(trip.gross_usd)}, fees {amount(trip.fees_usd)}, net {_signed(trip.net_usd)} USD\n"
        f"  in by {', '.join(trip.entry_orders) or 'nothing of this journal'}; "
        f"out by {', '.join(trip.exit_orders) or 'nothing yet'}"
    )


def _signed(value: Decimal) -> str:
    from audit.amounts import amount, rounded

    return amount(rounded(value)) if value < 0 else f"+{amount(rounded(value))}"


def _ms(duration_ns: int) -> str:
    return f"{duration_ns / NS_PER_MS:,.3f} ms"
