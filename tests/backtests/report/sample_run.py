"""Builds the tables of a small run whose numbers can be checked by hand, and larger ones by seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SECOND = 1_000_000_000
OPEN_NS = 1_381_152_600 * SECOND  # 2013-10-07 09:30 New York
COLUMNS: dict[str, tuple[str, ...]] = {
    name: tuple(text.split())
    for name, text in {
        "orders": "client_order_id strategy_id instrument_id side type quantity filled_quantity limit_price "
        "status ts_submitted_ns ts_last_ns correlation_id tags deny_reason",
        "fills": "trade_id client_order_id instrument_id side quantity price commission_usd liquidity ts_ns "
        "correlation_id",
        "positions": "instrument_id side quantity entry_ts_ns exit_ts_ns entry_price exit_price "
        "gross_pnl_usd fees_usd net_pnl_usd entry_reason exit_reason correlation_id",
        "decisions": "correlation_id ts_ns strategy_id instrument_id action reason outcome side quantity "
        "limit_price features thresholds refused_by",
        "refusals": "ts_ns rule value limit instrument_id client_order_id reason",
        "equity": "ts_ns equity_usd realized_usd unrealized_usd",
        "prices": "instrument_id ts_ns bid ask mid",
    }.items()
}
SUMMARY: dict[str, Any] = {
    "name": "sample",
    "profile_hash": "p" * 64,
    "result_hash": "r" * 64,
    "versions": {"harvester": "0.1.0", "nautilus_trader": "1.231.0"},
    "catalog": "data/sample",
    "period": {"start": "2013-10-07", "end": "2013-10-07"},
    "instruments": ["BAC.SMART", "F.SMART"],
    "book": "L1",
    "fees_schedule": "ib_fixed",
    "queue_position": False,
    "latency_ms": 20.0,
    "starting_balance_usd": "1000.00",
    "seed": 1,
    "breaker_changes": [],
}


def table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the table `name` with `rows`; columns that a row leaves out are None."""
    return pd.DataFrame(rows, columns=list(COLUMNS[name]))


def write_run(
    folder: Path, tables: dict[str, pd.DataFrame], *, summary: dict[str, Any] | None = None
) -> Path:
    """Write a run directory of `tables`; those left out are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(SUMMARY | (summary or {})))
    (folder / "profile.json").write_text(json.dumps({"name": "sample", "risk": {"max_shares_per_order": 10}}))
    for name in COLUMNS:
        tables.get(name, table(name, [])).to_parquet(folder / f"{name}.parquet")
    return folder


def seeded_tables(seed: int, trades: int = 60) -> dict[str, pd.DataFrame]:
    """Return the tables of a plausible day of two symbols, for pages that people look at."""
    generator = np.random.default_rng(seed)
    times = OPEN_NS + np.arange(23_400, dtype=np.int64) * SECOND
    prices, positions = [], []
    for instrument, start in (("BAC.SMART", 8.4), ("F.SMART", 6.1)):
        mid = start + np.cumsum(generator.normal(0, 0.0012, times.size))
        prices.append(
            pd.DataFrame(
                {
                    "instrument_id": instrument,
                    "ts_ns": times,
                    "bid": mid - 0.005,
                    "ask": mid + 0.005,
                    "mid": mid,
                }
            )
        )
        entries = np.sort(generator.choice(times.size - 700, trades // 2, replace=False))
        positions += [_round_trip(generator, instrument, times, mid, int(at)) for at in entries]
    minutes = times[::60]
    equity = 1000 + np.cumsum(generator.normal(0.001, 0.05, minutes.size))
    refusal = {"ts_ns": OPEN_NS, "rule": "shares_per_order", "value": "11", "limit": "10", "reason": "r"}
    return {
        "orders": table("orders", [_order(trade) for trade in positions]),
        "fills": table("fills", [_fill(trade) for trade in positions]),
        "positions": table("positions", positions),
        "decisions": table("decisions", [_decision(trade) for trade in positions]),
        "refusals": table("refusals", [refusal | {"instrument_id": "BAC.SMART"}] * 3),
        "equity": pd.DataFrame(
            {"ts_ns": minutes, "equity_usd": equity, "realized_usd": equity - 1000, "unrealized_usd": 0.0}
        ),
        "prices": pd.concat(prices),
    }


def _round_trip(
    generator: np.random.Generator, instrument: str, times: np.ndarray, mid: np.ndarray, at: int
) -> dict[str, Any]:
    held = min(int(generator.exponential(90)) + 3, 600)
    entry, leave, fees = float(mid[at] + 0.005), float(mid[at + held] - 0.005), 0.07
    return {
        "instrument_id": instrument,
        "side": "LONG",
        "quantity": 10,
        "entry_ts_ns": int(times[at]),
        "exit_ts_ns": int(times[at + held]),
        "entry_price": entry,
        "exit_price": leave,
        "gross_pnl_usd": (leave - entry) * 10,
        "fees_usd": fees,
        "net_pnl_usd": (leave - entry) * 10 - fees,
        "entry_reason": str(generator.choice(["imbalance_and_flow", "momentum"])),
        "exit_reason": str(generator.choice(["profit_target", "stop", "time_stop"])),
        "correlation_id": f"{instrument}-{at}",
    }


def _order(trade: dict[str, Any]) -> dict[str, Any]:
    common = {key: trade[key] for key in ("instrument_id", "quantity", "correlation_id")}
    return common | {"side": "BUY", "filled_quantity": trade["quantity"], "status": "FILLED"}


def _fill(trade: dict[str, Any]) -> dict[str, Any]:
    common = {key: trade[key] for key in ("instrument_id", "quantity", "correlation_id")}
    own = {
        "side": "BUY",
        "price": trade["entry_price"],
        "commission_usd": trade["fees_usd"],
        "liquidity": "TAKER",
    }
    return common | own | {"ts_ns": trade["entry_ts_ns"]}


def _decision(trade: dict[str, Any]) -> dict[str, Any]:
    mid = trade["entry_price"] - 0.005
    return {
        "correlation_id": trade["correlation_id"],
        "ts_ns": trade["entry_ts_ns"],
        "strategy_id": "S",
        "instrument_id": trade["instrument_id"],
        "action": "enter",
        "reason": trade["entry_reason"],
        "outcome": "sent",
        "features": json.dumps({"mid": mid, "microprice": mid + 0.001}),
        "thresholds": "{}",
    }
