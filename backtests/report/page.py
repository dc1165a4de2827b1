"""Renders a run directory as one self-contained HTML page: no request leaves it, it opens from disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import pandas as pd

from backtests.report import charts, statistics
from backtests.report.page_parts import asset, script_json
from backtests.report.run_files import RunFiles, read_run
from market.instruments import symbol_of

REPORT_NAME = "report.html"
TRADES_SHOWN_MAX = 500
REFUSALS_SHOWN_MAX = 500
_FEES = {"ib_fixed": "IB fixed", "ib_tiered": "IB tiered", "none": "no"}


def write_report(run_dir: Path) -> Path:
    """Write `report.html` into `run_dir` and return its path; an older page is replaced as a whole.

    Raises `NotFoundError` or `DataError` where `run_dir` is not a complete run directory.
    """
    page = render(read_run(run_dir), has_tearsheet=(run_dir / "tearsheet.html").is_file())
    target = run_dir / REPORT_NAME
    unfinished = target.with_suffix(".html.part")
    unfinished.write_text(page, encoding="utf-8")
    return unfinished.replace(target)


def render(run: RunFiles, *, has_tearsheet: bool = False) -> str:
    """Return the page of `run`."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("backtests.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        usd=_usd,
        price=_price,
        fraction=_fraction,
        number=_number,
        time=_time_new_york,
        time_of_day=_time_of_day,
        words=_words,
        symbol=symbol_of,
    )
    return environment.get_template("report.html.j2").render(_context(run), has_tearsheet=has_tearsheet)


def _context(run: RunFiles) -> dict[str, Any]:
    positions = run.positions
    overall = statistics.trade_statistics(positions)
    instruments = sorted(run.prices["instrument_id"].unique()) if len(run.prices) else []
    return {
        "summary": run.summary,
        "profile": _flat(run.profile),
        "fees": _FEES.get(run.summary["fees_schedule"], run.summary["fees_schedule"]),
        "overall": overall,
        "orders": statistics.order_statistics(run.orders),
        "max_drawdown_usd": float(
            -statistics.drawdown(run.equity["equity_usd"].to_numpy(float)).min(initial=0.0)
        ),
        "slippage": statistics.slippage(run.fills, run.decisions, orders=run.orders, prices=run.prices),
        "groups": _groups(positions),
        "refusals": statistics.count_by(_with_command(run), ["rule", "refused", "instrument_id"]),
        "refused": run.refusals.sort_values("ts_ns").head(REFUSALS_SHOWN_MAX).to_dict("records"),
        "refused_hidden": max(0, len(run.refusals) - REFUSALS_SHOWN_MAX),
        "breaker": run.summary.get("breaker_changes", []),
        "suppressed": statistics.count_by(
            run.decisions[run.decisions["outcome"] == "suppressed"], ["reason", "instrument_id"]
        ),
        "sent": statistics.count_by(run.decisions[run.decisions["outcome"] == "sent"], ["action", "reason"]),
        "gross_to_net": charts.bridge(
            [("gross P&L", overall.gross_usd), ("commissions, fees", -overall.fees_usd)], total="net P&L"
        ),
        "holding": charts.bars([(a, float(n)) for a, n in statistics.holding_time_counts(positions)]),
        "trades": positions.sort_values("entry_ts_ns").head(TRADES_SHOWN_MAX).to_dict("records"),
        "trades_hidden": max(0, len(positions) - TRADES_SHOWN_MAX),
        "chart_data": script_json(
            {
                "equity": charts.equity_series(run.equity),
                "breaker": charts.breaker_marks(run.summary.get("breaker_changes", [])),
                "prices": [charts.price_series(run.prices, positions, instrument_id=i) for i in instruments],
            }
        ),
        "uplot_js": asset("uPlot.iife.min.js"),
        "uplot_css": asset("uPlot.min.css"),
        "page_js": asset("report.js"),
        "page_css": asset("report.css"),
    }


def _groups(positions: pd.DataFrame) -> list[dict[str, Any]]:
    tables = (
        ("By hour of entry", "New York", statistics.trades_by_entry_hour(positions)),
        ("By symbol", "", statistics.trades_by(positions, "instrument_id")),
        ("By reason of entry", "the signal", statistics.trades_by(positions, "entry_reason")),
        ("By reason of exit", "how it ended", statistics.trades_by(positions, "exit_reason")),
    )
    return [
        {
            "title": title,
            "note": note,
            "rows": rows,
            "bars": charts.bars(
                [(_words(symbol_of(r.label) or r.label), r.net_usd) for r in rows], decimals=2
            ),
        }
        for title, note, rows in tables
    ]


def _with_command(run: RunFiles) -> pd.DataFrame:
    """Say of each refusal what it refused: an order as a whole, or the change of one that works."""
    denied = set(run.orders.loc[run.orders["status"].isin(["DENIED", "REJECTED"]), "client_order_id"])
    kinds = ["order" if name in denied else "change of an order" for name in run.refusals["client_order_id"]]
    return run.refusals.assign(refused=kinds)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Flatten nested settings into `("risk.max_shares_per_order", "10")` rows, in order of the key."""
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows.extend(_flat(value, f"{path}."))
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                rows.extend(_flat(item, f"{path}[{item.get('name', index)}]."))
        else:
            rows.append(
                (path, msgspec.json.encode(value).decode() if isinstance(value, list) else str(value))
            )
    return sorted(rows)


def _usd(value: float | None, decimals: int = 2) -> str:
    if value is None or pd.isna(value):
        return "-"
    return f"{'-' if round(value, decimals) < 0 else ''}${abs(value):,.{decimals}f}"


def _price(value: float) -> str:
    """USD with as many decimals as the price has: at least two, at most four."""
    text = f"{value:,.4f}"
    return text.removesuffix("00") if text.endswith("00") else text


def _fraction(value: float | None) -> str:
    return "-" if value is None or pd.isna(value) else f"{value:.1%}"


def _number(value: float | None, decimals: int = 2) -> str:
    return "-" if value is None or pd.isna(value) else f"{value:,.{decimals}f}"


def _time_new_york(ns: int) -> str:
    moment = pd.Timestamp(int(ns), unit="ns", tz="UTC").tz_convert(statistics.NEW_YORK)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _time_of_day(ns: int) -> str:
    return _time_new_york(ns).partition(" ")[2]


def _words(name: object) -> str:
    return str(name).replace("_", " ")
