"""A valid profile as plain tables, and a writer of TOML, so that each test says only what it changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from configs.profile import LoadedProfile, load_profile

Tables = dict[str, Any]

_VALID: Tables = {
    "name": "sample",
    "environment": "dev",
    "universe": {"symbols": ["BAC", "F"], "book": "L1"},
    "strategies": [{"name": "first", "decision": "harvester", "parameters": {"stop_loss_bps": 21.5}}],
    "risk": {
        "max_shares_per_order": 10,
        "max_notional_usd_per_order": Decimal("150.50"),
        "max_position_shares_per_symbol": 10,
        "max_notional_usd_per_symbol": 200,
        "max_notional_usd_total": 300,
        "max_positions": 2,
        "max_open_orders": 4,
        "max_orders_per_second": 5,
        "max_replaces_per_minute": 60,
        "max_rejects_per_minute": 5,
        "duplicate_window_ms": 200,
        "canceled_order_grace_ms": 2000,
        "max_price_from_mid_bps": 100,
        "max_price_from_last_bps": 200,
        "max_spread_bps": 100,
        "min_displayed_shares": 100,
        "max_quote_age_ms": 5000,
        "min_price_usd": 1,
        "max_price_usd": 15,
        "allowed_symbols": "universe",
        "prohibited_symbols": [],
        "max_funds_multiple": 1,
        "max_daily_loss_usd": 20,
        "max_daily_drawdown_usd": 20,
        "max_loss_usd_per_trade": 5,
        "max_consecutive_losses": 5,
        "consecutive_loss_pause_minutes": 15,
        "max_data_silence_seconds": 60,
        "halt_reading_interval_ms": 250,
    },
    "session": {
        "open_ramp_minutes": 5,
        "entry_cutoff_minutes_before_close": 15,
        "flat_minutes_before_close": 5,
        "no_trade_windows": ["12:00-13:00"],
    },
    "fees": {"schedule": "ib_fixed"},
    "backtest": {
        "catalog": "data/sample",
        "start": date(2013, 10, 7),
        "starting_balance_usd": 1000,
        "latency_ms": 12.5,
        "seed": 3,
    },
    "logging": {"level": "INFO"},
}

PAPER_BROKER: Tables = {"connection": "gateway", "port": 4002, "account": "DU1234567"}
LIVE_BROKER: Tables = {"connection": "gateway", "port": 4001, "account": "U1234567"}


def valid_tables(**changes: Any) -> Tables:
    """Return a valid profile; `broker__port=1` sets `broker.port`, and `None` deletes a key."""
    tables = copy.deepcopy(_VALID)
    for path, value in changes.items():
        set_key(tables, path.replace("__", "."), value)
    return tables


def set_key(tables: Tables, path: str, value: Any) -> None:
    """Set the dotted `path`; the first strategy is `strategies.0`; `None` deletes the key."""
    *outer, last = path.split(".")
    node: Any = tables
    for part in outer:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value


def leaf_paths(tables: Mapping[str, Any], path: str = "") -> list[str]:
    """Return the dotted paths of every key that holds no table; lists of tables are entered."""
    found: list[str] = []
    for key, value in tables.items():
        below = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            found += leaf_paths(value, below)
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
            for index, item in enumerate(value):
                found += leaf_paths(item, f"{below}.{index}")
        else:
            found.append(below)
    return found


def toml_text(tables: Mapping[str, Any]) -> str:
    """Return `tables` as TOML, every table below the first level written inline."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in tables.items())


def write_profile(folder: Path, tables: Mapping[str, Any], name: str = "sample.toml") -> Path:
    """Write `tables` into `folder` and return the file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(toml_text(tables), encoding="utf-8")
    return file


def load(folder: Path, tables: Mapping[str, Any], *overrides: str) -> LoadedProfile:
    """Write and load `tables`, in an empty environment."""
    return load_profile(write_profile(folder, tables), overrides=overrides, environ={})


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")
