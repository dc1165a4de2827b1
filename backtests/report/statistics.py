"""What the tables of a run say, as numbers: pure functions over data frames.

Money is USD, slippage is signed so that a positive number is a cost, and every function accepts empty tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

NS_PER_SECOND = 1_000_000_000
BPS = 10_000.0
NEW_YORK = "America/New_York"
HOLDING_EDGES_SECONDS = (0, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 23_400)


@dataclass(frozen=True)
class TradeStatistics:
    """Round trips in one group. `win_fraction` and `profit_factor` are None where they have no meaning."""

    label: str
    trades: int
    wins: int
    gross_usd: float
    fees_usd: float
    net_usd: float
    average_net_usd: float | None
    win_fraction: float | None
    profit_factor: float | None
    holding_seconds_median: float | None


@dataclass(frozen=True)
class OrderStatistics:
    """What became of the orders; fractions are of shares, None where nothing was ordered."""

    sent: int
    filled: int
    partly_filled: int
    canceled_unfilled: int
    refused: int
    shares_ordered: int
    shares_filled: int
    fill_fraction: float | None


@dataclass(frozen=True)
class Slippage:
    """Share-weighted cost of the fills against a price at the decision; positive is worse."""

    label: str
    fills: int
    fills_priced: int
    """Those whose arrival price is known; the costs are theirs alone."""
    shares: int
    against_mid_bps: float | None
    against_mid_usd: float | None
    against_microprice_bps: float | None
    against_microprice_usd: float | None


def trade_statistics(positions: pd.DataFrame, label: str = "all") -> TradeStatistics:
    """Summarise round trips."""
    n = len(positions)
    net = positions["net_pnl_usd"].to_numpy(float)
    losses = float(-net[net < 0].sum())
    wins = int((net > 0).sum())
    return TradeStatistics(
        label=label,
        trades=n,
        wins=wins,
        gross_usd=float(positions["gross_pnl_usd"].sum()),
        fees_usd=float(positions["fees_usd"].sum()),
        net_usd=float(net.sum()),
        average_net_usd=float(net.mean()) if n else None,
        win_fraction=wins / n if n else None,
        profit_factor=float(net[net > 0].sum()) / losses if losses > 0 else None,
        holding_seconds_median=float(np.median(holding_seconds(positions))) if n else None,
    )


def trades_by(positions: pd.DataFrame, column: str) -> list[TradeStatistics]:
    """Summarise round trips for each value of `column`, in order of that value."""
    if positions.empty:
        return []
    groups = positions.groupby(positions[column].fillna("unknown").astype(str), sort=True)
    return [trade_statistics(group, str(label)) for label, group in groups]


def trades_by_entry_hour(positions: pd.DataFrame) -> list[TradeStatistics]:
    """Summarise round trips by the New York hour of their entry, e.g. `10:00`."""
    if positions.empty:
        return []
    hour = pd.to_datetime(positions["entry_ts_ns"], utc=True).dt.tz_convert(NEW_YORK).dt.strftime("%H:00")
    return trades_by(positions.assign(entry_hour=hour), "entry_hour")


def holding_seconds(positions: pd.DataFrame) -> np.ndarray:
    """Seconds from entry to exit of each round trip, shape `(n_trades,)`."""
    return (positions["exit_ts_ns"] - positions["entry_ts_ns"]).to_numpy(float) / NS_PER_SECOND


def holding_time_counts(positions: pd.DataFrame) -> list[tuple[str, int]]:
    """Count round trips in `HOLDING_EDGES_SECONDS`' bins; what is longer counts in the last."""
    edges = np.array(HOLDING_EDGES_SECONDS, dtype=float)
    seconds = np.clip(holding_seconds(positions), 0, edges[-1]) if len(positions) else np.empty(0)
    counts, _ = np.histogram(seconds, bins=edges)
    return [(f"{_span(a)} - {_span(b)}", int(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False)]


def order_statistics(orders: pd.DataFrame) -> OrderStatistics:
    """Count what became of each order, and the share of ordered shares that filled."""
    status = orders["status"].astype(str).str.upper()
    refused = status.isin(["DENIED", "REJECTED"])
    sent = orders[~refused]
    quantity, filled = sent["quantity"].astype(float), sent["filled_quantity"].astype(float)
    ordered = float(quantity.sum())
    return OrderStatistics(
        sent=len(sent),
        filled=int(((filled >= quantity) & (quantity > 0)).sum()),
        partly_filled=int(((filled > 0) & (filled < quantity)).sum()),
        canceled_unfilled=int(((filled == 0) & status[~refused].isin(["CANCELED", "EXPIRED"])).sum()),
        refused=int(refused.sum()),
        shares_ordered=int(ordered),
        shares_filled=int(filled.sum()),
        fill_fraction=float(filled.sum()) / ordered if ordered > 0 else None,
    )


def slippage(
    fills: pd.DataFrame, decisions: pd.DataFrame, *, orders: pd.DataFrame, prices: pd.DataFrame
) -> list[Slippage]:
    """Cost of fills against mid and microprice at the decision, for all fills and by liquidity.

    What no decision sent (a halt closing a position) is held against the last sampled mid before its order.
    Fills without any arrival price are left out of the averages, not counted as zero.
    """
    priced = _with_arrival(fills, decisions)
    unknown = priced["arrival_mid"].isna()
    priced.loc[unknown, "arrival_mid"] = _sampled_mids(priced[unknown], orders, prices)
    rows = [_slippage_of("all fills", priced)]
    for liquidity, group in priced.groupby(priced["liquidity"].astype(str).str.lower(), sort=True):
        rows.append(_slippage_of(str(liquidity), group))
    return rows


def _with_arrival(fills: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    features = [json.loads(text) if text else {} for text in decisions["features"]]
    arrival = pd.DataFrame(
        {
            "correlation_id": decisions["correlation_id"].to_numpy(),
            "arrival_mid": [f.get("mid", np.nan) for f in features],
            "arrival_microprice": [f.get("microprice", np.nan) for f in features],
        }
    ).drop_duplicates("correlation_id", keep="first")
    return fills.merge(arrival, on="correlation_id", how="left")


def _sampled_mids(fills: pd.DataFrame, orders: pd.DataFrame, prices: pd.DataFrame) -> list[float]:
    submitted = dict(zip(orders["client_order_id"], orders["ts_submitted_ns"], strict=True))
    mids = []
    for fill in fills.to_dict("records"):
        own = prices[prices["instrument_id"] == fill["instrument_id"]]
        moment = submitted.get(fill["client_order_id"], fill["ts_ns"])
        before = own["mid"].to_numpy(float)[own["ts_ns"].to_numpy() <= moment]
        mids.append(float(before[-1]) if before.size else float("nan"))
    return mids


def _slippage_of(label: str, fills: pd.DataFrame) -> Slippage:
    mid_bps, mid_usd = _cost(fills, "arrival_mid")
    micro_bps, micro_usd = _cost(fills, "arrival_microprice")
    return Slippage(
        label=label,
        fills=len(fills),
        fills_priced=int(fills["arrival_mid"].notna().sum()),
        shares=int(fills["quantity"].sum()),
        against_mid_bps=mid_bps,
        against_mid_usd=mid_usd,
        against_microprice_bps=micro_bps,
        against_microprice_usd=micro_usd,
    )


def _cost(fills: pd.DataFrame, column: str) -> tuple[float | None, float | None]:
    known = fills[fills[column].notna()]
    if known.empty:
        return None, None
    sign = np.where(known["side"].astype(str).str.lower() == "buy", 1.0, -1.0)
    quantity = known["quantity"].to_numpy(float)
    arrival = known[column].to_numpy(float)
    usd = float((sign * (known["price"].to_numpy(float) - arrival) * quantity).sum())
    return usd / float((arrival * quantity).sum()) * BPS, usd


def count_by(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Count rows for each combination of `columns`, most frequent first; ties in order of the values."""
    if table.empty:
        return []
    names = list(columns)
    counted = (
        table.fillna(dict.fromkeys(names, "-")).groupby(names, sort=True).size().reset_index(name="count")
    )
    ordered = counted.sort_values(["count", *names], ascending=[False, *[True] * len(names)], kind="stable")
    return [{str(key): value for key, value in row.items()} for row in ordered.to_dict("records")]


def drawdown(equity_usd: np.ndarray) -> np.ndarray:
    """Distance below the highest equity so far, at most 0, shape `(n,)`, USD."""
    if equity_usd.size == 0:
        return equity_usd
    return equity_usd - np.maximum.accumulate(equity_usd)


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:g} h"
