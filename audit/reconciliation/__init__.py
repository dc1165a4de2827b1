"""Reconciliation of a day: journal, engine and broker's statement, to the cent, each difference named.

    journal_ledger(entries) ─┐
    engine_ledger(...)       ├─ reconcile(...) ─> totals, differences with cause and advice
    parse_statement(text)   ─┘

`ledger` holds the form that all sides share, `matching` finds equal executions, `*_differences` name what is
left. All of it is pure: text and records in, values out.
"""

from audit.reconciliation.causes import TO_DO, Cause, Difference
from audit.reconciliation.comparison import DEFAULT_WINDOW_NS, Reconciliation, Total, reconcile
from audit.reconciliation.ledger import Execution, Ledger
from audit.reconciliation.own_ledgers import checkpoint_ledger, engine_ledger, journal_ledger
from audit.reconciliation.statement import parse_statement

__all__ = [
    "DEFAULT_WINDOW_NS",
    "TO_DO",
    "Cause",
    "Difference",
    "Execution",
    "Ledger",
    "Reconciliation",
    "Total",
    "checkpoint_ledger",
    "engine_ledger",
    "journal_ledger",
    "parse_statement",
    "reconcile",
]
