"""What a journal's review says, computed a second time from a run's Parquet tables and its catalog.

Every function takes a run directory and asserts that the two agree; the tables are written from the engine's
own objects, the review reads the journal alone.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.blotter import Blotter, blotter
from audit.day_report import DayReport, JournalReport, journal_report
from audit.events import Entry
from audit.journal import read_entries
from audit.trace import trace_of
from audit.trace_search import TraceIndex
from backtests.report.statistics import slippage
from market.calendar import Session, TradingCalendar
from market.time import NEW_YORK

CENT = Decimal("0.01")
KILL_SWITCH = "kill_switch"


def entries_of(run: Path) -> list[Entry]:
    return list(read_entries(run / "journal"))


def session_on(day: date) -> Session | None:
    return TradingCalendar(day, day).session_on(day)


def report_of(run: Path) -> JournalReport:
    return journal_report(entries_of(run), session_on=session_on)


def table(run: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(run / f"{name}.parquet")


def of_day(rows: pd.DataFrame, column: str, day: DayReport) -> pd.DataFrame:
    dates = pd.to_datetime(rows[column], utc=True).dt.tz_convert(NEW_YORK).dt.strftime("%Y-%m-%d")
    return rows[dates == day.date]


def check_executions(run: Path) -> None:
    """The blotter's executions are the engine's fills, to the nanosecond and the cent."""
    made: Blotter = blotter(entries_of(run))
    ours = [
        (e.trade_id, e.client_order_id, e.side, e.quantity, float(e.price), float(e.commission_usd), e.ts_ns,
         e.correlation_id or KILL_SWITCH)
        for e in made.executions
    ]  # fmt: skip
    names = ["trade_id", "client_order_id", "side", "quantity", "price", "commission_usd", "ts_ns"]
    fills = table(run, "fills")
    assert ours == list(fills[[*names, "correlation_id"]].itertuples(index=False, name=None))
    assert ours


def check_trades(run: Path) -> None:
    """The blotter's trades are the round trips that the run's tables hold."""
    closed = [trade for trade in blotter(entries_of(run)).trades if trade.status == "closed"]
    positions = table(run, "positions")
    key = ["entry_ts_ns", "instrument_id"]
    rows = positions.sort_values(key).to_dict("records")
    assert len(rows) == len(closed)
    for trade, row in zip(sorted(closed, key=lambda t: (t.entry_ts_ns, t.instrument_id)), rows, strict=True):
        for name in ("side", "quantity", "entry_ts_ns", "exit_ts_ns", "entry_reason", "exit_reason"):
            assert getattr(trade, name) == row[name], name
        for ours, theirs in (
            (trade.entry_price, "entry_price"),
            (trade.exit_price, "exit_price"),
            (trade.gross_usd, "gross_pnl_usd"),
            (trade.fees_usd, "fees_usd"),
            (trade.net_usd, "net_pnl_usd"),
        ):
            assert float(ours or 0) == pytest.approx(row[theirs], abs=1e-6), theirs
        assert (trade.correlation_id or KILL_SWITCH) == row["correlation_id"]


def check_order_counts(run: Path) -> None:
    """Orders of each day by what became of them, counted in orders.parquet."""
    orders = table(run, "orders")
    for day in report_of(run).days:
        own = of_day(orders, "ts_submitted_ns", day)
        status = Counter(own["status"])
        sent = own[~own["status"].isin(["DENIED", "REJECTED"])]
        assert day.orders.made == len(own)
        assert (day.orders.denied, day.orders.rejected) == (status["DENIED"], status["REJECTED"])
        assert (day.orders.sent, day.orders.canceled) == (len(sent), status["CANCELED"])
        assert (day.orders.filled, day.orders.expired) == (status["FILLED"], status["EXPIRED"])
        assert day.orders.shares_sent == sent["quantity"].sum()
        assert day.orders.shares_filled == sent["filled_quantity"].sum()
    summary = json.loads((run / "run.json").read_text())
    assert sum(day.orders.made for day in report_of(run).days) == summary["counts"]["orders"]


def check_profit(run: Path) -> None:
    """Gross, fees and net of each day from fills and equity.parquet; all days give run.json's sums."""
    fills, equity = table(run, "fills"), table(run, "equity")
    days = report_of(run).days
    before = 0.0
    for day in days:
        own = of_day(fills, "ts_ns", day)
        realized = float(of_day(equity, "ts_ns", day)["realized_usd"].iloc[-1])
        assert float(day.profit.fees_usd) == pytest.approx(own["commission_usd"].sum(), abs=1e-6)
        assert float(day.profit.net_usd) == pytest.approx(realized - before, abs=1e-6)
        assert float(day.profit.gross_usd) == pytest.approx(
            realized - before + own["commission_usd"].sum(), abs=1e-6
        )
        assert (day.activity.fills, day.activity.shares) == (len(own), own["quantity"].sum())
        before = realized
    summary = json.loads((run / "run.json").read_text())
    for name in ("gross", "fees", "net"):
        sums = sum((getattr(day.profit, f"{name}_usd") for day in days), Decimal(0))
        written = summary["fees_usd" if name == "fees" else f"{name}_pnl_usd"]
        assert sums == Decimal(written), name


def check_drawdown(run: Path, catalog: Path) -> None:
    """Each valuation, and each day's drawdown, from fills.parquet and the catalog's quotes.

    The venue fills on a quote before the node has taken it in: a valuation at the very time of a quote
    may be by the one before.
    """
    fills = table(run, "fills")
    quotes = {name: _quotes(catalog, name) for name in fills["instrument_id"].unique()}
    before = 0.0
    for day in report_of(run).days:
        last_at = {point.ts_ns: float(point.profit_usd) for point in day.curve}
        times = np.array(sorted(last_at), dtype=np.int64)
        ours = np.array([last_at[ts] for ts in times])
        with_quote, without = (
            np.asarray(
                sum(
                    _profit_at(own, quotes[str(name)], times, late)
                    for name, own in fills.groupby("instrument_id")
                )
            )
            for late in (0, 1)
        )
        theirs = np.where(np.isclose(ours, with_quote, atol=1e-6), with_quote, without)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        curve = np.array([before, *(float(point.profit_usd) for point in day.curve)])
        deepest = float((np.maximum.accumulate(curve) - curve).max())
        path = np.concatenate([[before], theirs])
        assert deepest >= float((np.maximum.accumulate(path) - path).max()) - 1e-6
        assert float(day.profit.max_drawdown_usd or 0) == pytest.approx(deepest, abs=1e-6)
        before = float(theirs[-1])


def check_drawdown_by_the_minute(run: Path, *, tolerance_usd: float) -> None:
    """The deepest fall is not far from that of equity.parquet, which looks at full minutes alone."""
    equity = table(run, "equity")
    before = float(equity["equity_usd"].iloc[0])
    for day in report_of(run).days:
        own = of_day(equity, "ts_ns", day)["equity_usd"].to_numpy()
        path = np.concatenate([[before], own])
        by_minute = float((np.maximum.accumulate(path) - path).max())
        assert float(day.profit.max_drawdown_usd or 0) == pytest.approx(by_minute, abs=tolerance_usd)
        before = float(own[-1])


def check_slippage(run: Path) -> None:
    """Cost of the fills against the mid at the decision, as the run's own page counts it."""
    fills, decisions, orders = table(run, "fills"), table(run, "decisions"), table(run, "orders")
    prices = table(run, "prices").iloc[:0]
    for day in report_of(run).days:
        own = of_day(fills, "ts_ns", day)
        if own.empty:
            assert day.slippage.mid_usd is None
            continue
        row = slippage(own, decisions, orders=orders, prices=prices)[0]
        assert (day.slippage.fills, day.slippage.fills_priced) == (row.fills, row.fills_priced)
        if row.against_mid_usd is None:
            assert day.slippage.mid_usd is None
            continue
        assert float(day.slippage.mid_usd or 0) == pytest.approx(row.against_mid_usd, abs=1e-6)
        assert day.slippage_bps == pytest.approx(row.against_mid_bps, abs=1e-6)


def check_breaches(run: Path) -> None:
    """Refusals of each day by rule, counted in refusals.parquet."""
    refusals = table(run, "refusals")
    for day in report_of(run).days:
        assert day.breaches_by_rule == dict(Counter(of_day(refusals, "ts_ns", day)["rule"]))


def check_latency(run: Path) -> None:
    """Median time from decision to first fill, from decisions.parquet and fills.parquet."""
    decisions = table(run, "decisions").drop_duplicates("correlation_id").set_index("correlation_id")["ts_ns"]
    fills = table(run, "fills")
    first = fills[fills["correlation_id"].isin(decisions.index)].drop_duplicates("client_order_id")
    for day in report_of(run).days:
        own = of_day(first, "ts_ns", day)
        took = own["ts_ns"].to_numpy() - decisions.loc[own["correlation_id"]].to_numpy()
        summary = day.latency.decision_to_first_fill
        assert summary.orders == len(own)
        if len(own):
            assert summary.median_ms == pytest.approx(float(np.median(took)) / 1e6, abs=1e-6)
            assert summary.max_ms == pytest.approx(float(took.max()) / 1e6, abs=1e-6)


def check_uptime(run: Path) -> None:
    """A backtest is up from its first record to its last; the breaker runs as run.json's changes say."""
    entries, summary = entries_of(run), json.loads((run / "run.json").read_text())
    start_ns, end_ns = entries[0].ts_ns, entries[-1].ts_ns
    changes = sorted((change["ts_ns"], change["after"]) for change in summary["breaker_changes"])
    for day in report_of(run).days:
        session = session_on(date.fromisoformat(day.date))
        assert session is not None
        low, high = max(start_ns, session.open_ns), min(end_ns, session.close_ns)
        assert day.uptime.up_seconds == pytest.approx((high - low) / 1e9)
        steps = [
            (low, _state_at(changes, low)),
            *((ts, s) for ts, s in changes if low < ts < high),
            (high, ""),
        ]
        running = sum(b[0] - a[0] for a, b in pairwise(steps) if a[1] == "RUNNING")
        assert day.uptime.running_seconds == pytest.approx(running / 1e9)


def check_every_fill_traces_to_its_signal(run: Path) -> None:
    """Each fill of fills.parquet leads back to the decision of decisions.parquet, nothing missing between."""
    index = TraceIndex(entries_of(run))
    decisions = table(run, "decisions").drop_duplicates("correlation_id").set_index("correlation_id")
    for fill in table(run, "fills").to_dict("records"):
        found = trace_of(index, index.find(fill["trade_id"]))
        (order,) = found.orders
        assert order.missing == ()
        assert fill["trade_id"] in {each.trade_id for each in order.fills}
        assert len(found.round_trips) >= 1
        if fill["correlation_id"] == KILL_SWITCH:
            continue
        row = decisions.loc[fill["correlation_id"]]
        assert order.signal is not None
        assert (order.signal.ts_ns, order.signal.reason) == (row["ts_ns"], row["reason"])
        assert order.signal.features == json.loads(row["features"])
        kinds = [step.kind for step in order.steps]
        assert kinds[:3] == ["decision", "order", "approval"]
        assert kinds[kinds.index("fill") + 1] == "position"


def _state_at(changes: list[tuple[int, str]], ts_ns: int) -> str:
    before = [state for changed, state in changes if changed <= ts_ns]
    return before[-1] if before else "RUNNING"  # a backtest starts flat, and run.json leaves that change out


def _quotes(catalog: Path, instrument_id: str) -> tuple[Any, Any]:
    """Return times (ns UTC) and mids (USD) of every quote of an instrument, read from its files."""
    parts = []
    for path in sorted(catalog.rglob("*.parquet")):
        if instrument_id in path.parts and "quote" in str(path.relative_to(catalog)):
            rows = pq.read_table(path, columns=["bid_price", "ask_price", "ts_init"])
            bid, ask = (_fixed_point(rows.column(name)) for name in ("bid_price", "ask_price"))
            parts.append((rows.column("ts_init").to_numpy().astype(np.int64), (bid + ask) / 2))
    times, mids = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")
    return times[order], mids[order]


def _fixed_point(column: Any) -> Any:
    return np.array([int.from_bytes(each.as_py(), "little", signed=True) for each in column]) / 1e16


def _profit_at(fills: pd.DataFrame, quotes: tuple[Any, Any], times: Any, late_ns: int) -> Any:
    sign = np.where(fills["side"] == "BUY", 1, -1)
    held = np.concatenate([[0], np.cumsum(sign * fills["quantity"])])
    cash = np.concatenate(
        [[0.0], np.cumsum(-sign * fills["quantity"] * fills["price"] - fills["commission_usd"])]
    )
    done = np.searchsorted(fills["ts_ns"].to_numpy(), times, side="right")
    mids = quotes[1][np.maximum(np.searchsorted(quotes[0], times - late_ns, side="right") - 1, 0)]
    return cash[done] + np.where(held[done] == 0, 0.0, held[done] * mids)
