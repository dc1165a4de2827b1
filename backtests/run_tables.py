"""The tables of a run directory: their columns and types, filled from plain values.

Prices and money are 64-bit floats, for charts and statistics; exact sums stand as text in `run.json`.
Columns keep their types in empty tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from audit.events import DecisionRecord
from backtests.equity import EquityCurve
from backtests.fills import RoundTrip
from backtests.outcome import KILL_SWITCH, Outcome
from backtests.quote_samples import QuoteSamples

_TEXT, _WHOLE, _NUMBER = pa.string(), pa.int64(), pa.float64()


def _schema(names: str, *, whole: str = "", number: str = "") -> pa.Schema:
    """Return the columns `names`; those not listed as whole or number are text."""
    kinds = dict.fromkeys(whole.split(), _WHOLE) | dict.fromkeys(number.split(), _NUMBER)
    return pa.schema([(name, kinds.get(name, _TEXT)) for name in names.split()])


SCHEMAS: dict[str, pa.Schema] = {
    "orders": _schema(
        "client_order_id strategy_id instrument_id side type quantity filled_quantity limit_price status "
        "ts_submitted_ns ts_last_ns correlation_id tags deny_reason",
        whole="quantity filled_quantity ts_submitted_ns ts_last_ns",
        number="limit_price",
    ),
    "fills": _schema(
        "trade_id client_order_id strategy_id instrument_id side quantity price commission_usd liquidity "
        "ts_ns correlation_id",
        whole="quantity ts_ns",
        number="price commission_usd",
    ),
    "positions": _schema(
        "strategy_id instrument_id side quantity entry_ts_ns exit_ts_ns entry_price exit_price "
        "gross_pnl_usd fees_usd net_pnl_usd entry_reason exit_reason correlation_id",
        whole="quantity entry_ts_ns exit_ts_ns",
        number="entry_price exit_price gross_pnl_usd fees_usd net_pnl_usd",
    ),
    "decisions": _schema(
        "correlation_id ts_ns strategy_id instrument_id action reason outcome side quantity "
        "limit_price features thresholds refused_by",
        whole="ts_ns quantity",
    ),
    "refusals": _schema(
        "ts_ns rule value limit instrument_id client_order_id reason",
        whole="ts_ns",
    ),
    "equity": _schema(
        "ts_ns equity_usd realized_usd unrealized_usd",
        whole="ts_ns",
        number="equity_usd realized_usd unrealized_usd",
    ),
    "prices": _schema("instrument_id ts_ns bid ask mid", whole="ts_ns", number="bid ask mid"),
}

Rows = Sequence[Mapping[str, Any]]


def tables_of(
    outcome: Outcome, trips: Sequence[RoundTrip], *, curve: EquityCurve, samples: Sequence[QuoteSamples]
) -> dict[str, pa.Table]:
    """Return all tables of a run by name."""
    reasons = entry_reasons(outcome.decisions)
    rows: dict[str, Rows] = {
        "orders": [_plain(order) | {"tags": " ".join(order.tags)} for order in outcome.orders],
        "fills": [_plain(fill) for fill in outcome.fills],
        "positions": [_position(trip, reasons) for trip in trips],
        "decisions": [_decision(record) for record in outcome.decisions],
        "refusals": [_plain(refusal) for refusal in outcome.refusals],
    }
    tables = {name: _table(name, records) for name, records in rows.items()}
    return tables | {"equity": _equity(curve), "prices": _prices(samples)}


def entry_reasons(decisions: Sequence[DecisionRecord]) -> dict[str, str]:
    """Return why each order was sent, by correlation id: the reason of its first decision that was sent."""
    reasons = {KILL_SWITCH: KILL_SWITCH}
    for record in decisions:
        if record.outcome == "sent":
            reasons.setdefault(record.correlation_id, record.reason)
    return reasons


def _table(name: str, rows: Rows) -> pa.Table:
    schema = SCHEMAS[name]
    return pa.table([[row[field.name] for row in rows] for field in schema], schema=schema)


def _plain(record: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of `record`, money as float."""
    return {
        key: float(value) if isinstance(value, Decimal) else value
        for key, value in msgspec.structs.asdict(record).items()
    }


def _position(trip: RoundTrip, reasons: Mapping[str, str]) -> dict[str, Any]:
    return _plain(trip) | {
        "net_pnl_usd": float(trip.net_pnl_usd),
        "entry_reason": reasons.get(trip.entry_correlation_id or "", "unknown"),
        "exit_reason": reasons.get(trip.exit_correlation_id or "", "unknown"),
        "correlation_id": trip.entry_correlation_id,
    }


def _decision(record: DecisionRecord) -> dict[str, Any]:
    return msgspec.structs.asdict(record) | {
        "features": msgspec.json.encode(record.features, order="deterministic").decode(),
        "thresholds": msgspec.json.encode(record.thresholds, order="deterministic").decode(),
    }


def _equity(curve: EquityCurve) -> pa.Table:
    columns = [curve.ts_ns, curve.equity_usd, curve.realized_usd, curve.unrealized_usd]
    return pa.table(columns, schema=SCHEMAS["equity"])


def _prices(samples: Sequence[QuoteSamples]) -> pa.Table:
    parts = [
        pa.table(
            [
                pa.repeat(sample.instrument_id, len(sample.ts_ns)),
                sample.ts_ns,
                sample.bid,
                sample.ask,
                sample.mid,
            ],
            schema=SCHEMAS["prices"],
        )
        for sample in samples
    ]
    return pa.concat_tables([SCHEMAS["prices"].empty_table(), *parts])
