"""What the journal of every backtest must agree with: the files beside it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from audit.events import DecisionRecord, Entry, FillRecord
from audit.journal import read_entries, verify
from audit.projection import Projection, project
from backtests.summary import RunSummary


def assert_verifies(run: Path, summary: RunSummary) -> list[Entry]:
    """Verify the journal against `run.json` and return its entries."""
    found = verify(run / "journal", expected_hash=summary.journal.last_hash if summary.journal else None)
    assert (found.ok, found.is_closed, found.problems) == (True, True, ())
    assert summary.journal is not None
    assert summary.journal.records == found.records
    return list(read_entries(run / "journal"))


def assert_every_fill_leads_to_its_signal(entries: list[Entry]) -> None:
    """Follow each fill back to the decision that made its order, or to the start of a flattening."""
    by_seq = {entry.seq: entry for entry in entries}
    for fill in entries:
        if not isinstance(fill.body, FillRecord):
            continue
        way = [fill]
        while (cause := way[-1].caused_by) is not None and way[-1].kind != "operator_command":
            way.append(by_seq[cause])
        assert way[-1].kind in ("decision", "operator_command"), way
        assert {"approval", "order"} <= {entry.kind for entry in way}, way
        signal = way[-1].body
        if isinstance(signal, DecisionRecord):
            assert (signal.correlation_id, signal.outcome) == (fill.correlation_id, "sent")
            assert signal.features


def assert_projects_to_the_run(entries: list[Entry], run: Path, summary: RunSummary) -> Projection:
    """Compare the projection with the tables, to the cent, and with the summary."""
    projection = project(entries)
    orders = pq.read_table(run / "orders.parquet").to_pylist()
    states = {name: (order.status, order.quantity, order.filled) for name, order in projection.orders.items()}
    assert states == {
        row["client_order_id"]: (row["status"], row["quantity"], row["filled_quantity"]) for row in orders
    }
    assert projection.book.realized_usd == Decimal(summary.net_pnl_usd)
    assert projection.book.fees_usd == Decimal(summary.fees_usd)
    assert projection.working_orders == {} or summary.open_positions != ()
    held = {(each.strategy_id, each.instrument_id): each.quantity for each in projection.book.open_positions}
    assert held == {
        (row["strategy_id"], row["instrument_id"]): row["quantity"] for row in summary.open_positions
    }
    changes = summary.breaker_changes
    assert projection.breaker is not None
    assert projection.breaker.state == (changes[-1].after if changes else "RUNNING")
    refused = Counter(entry.body.rule for entry in entries if entry.kind == "refusal")
    assert refused == {rule: count for rule, count in summary.refusals_by_rule.items() if rule in refused}
    return projection
