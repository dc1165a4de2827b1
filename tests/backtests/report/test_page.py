from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from backtests.report import charts, write_report
from backtests.report.run_files import read_run
from market.errors import DataError, NotFoundError
from tests.backtests.report.sample_run import OPEN_NS, SECOND, seeded_tables, table, write_run


def _chart_data(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def test_writes_one_page_that_asks_nothing_of_a_network(tmp_path: Path) -> None:
    path = write_report(write_run(tmp_path / "run", seeded_tables(1)))
    page = path.read_text()
    assert path == tmp_path / "run" / "report.html"
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "@import" not in page
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".part"] == []


def test_the_page_shows_the_runs_own_numbers(tmp_path: Path) -> None:
    tables = seeded_tables(2)
    page = write_report(write_run(tmp_path / "run", tables)).read_text()
    net = tables["positions"]["net_pnl_usd"].sum()
    assert f"{'-' if net < 0 else ''}${abs(net):,.2f}" in page
    assert "shares per order" in page
    assert "p" * 64 in page
    assert "r" * 64 in page
    assert "risk.max_shares_per_order" in page


def test_charts_carry_every_trade_at_its_time_and_price(tmp_path: Path) -> None:
    tables = seeded_tables(3)
    data = _chart_data(write_report(write_run(tmp_path / "run", tables)).read_text())
    marks = [mark for chart in data["prices"] for mark in chart["trades"]]  # type: ignore[attr-defined]
    trades = tables["positions"].to_dict("records")
    expected = sorted([t["entry_ts_ns"] / SECOND, float(t["entry_price"])] for t in trades)
    assert sorted(mark["entry"] for mark in marks) == expected


def test_a_run_without_a_trade_still_has_a_page_that_says_so(tmp_path: Path) -> None:
    page = write_report(write_run(tmp_path / "run", {})).read_text()
    assert "No round trip was closed" in page
    assert "No limit refused an order" in page


def test_text_of_the_data_cannot_become_markup(tmp_path: Path) -> None:
    tables = seeded_tables(4, trades=2)
    hostile = "</script><script>alert(1)</script>"
    tables["positions"]["entry_reason"] = hostile
    page = write_report(write_run(tmp_path / "run", tables, summary={"name": hostile})).read_text()
    assert hostile not in page


def test_long_series_are_thinned_but_keep_both_ends(tmp_path: Path) -> None:
    n = charts.POINTS_PER_CHART_MAX * 3
    tables = seeded_tables(5)
    times = OPEN_NS + np.arange(n, dtype=np.int64) * SECOND
    equity = table("equity", []).reindex(range(n)).assign(ts_ns=times, equity_usd=np.arange(n, dtype=float))
    series = charts.equity_series(equity)
    assert len(series["time"]) <= charts.POINTS_PER_CHART_MAX
    assert (series["equity"][0], series["equity"][-1]) == (0.0, n - 1.0)
    assert tables["prices"]["ts_ns"].nunique() > charts.POINTS_PER_CHART_MAX


def test_a_halt_is_in_the_page_and_in_the_charts(tmp_path: Path) -> None:
    halt = {
        "ts_ns": OPEN_NS,
        "before": "RUNNING",
        "after": "HALT",
        "by": "daily_loss",
        "reason": "20.44 USD, limit 20 USD",
    }
    run = write_run(tmp_path / "run", seeded_tables(7), summary={"breaker_changes": [halt]})
    page = write_report(run).read_text()
    assert "20.44 USD, limit 20 USD" in page
    assert _chart_data(page)["breaker"] == [{"time": OPEN_NS / SECOND, "text": "HALT: daily_loss"}]


def test_every_refusal_is_listed_with_value_and_limit(tmp_path: Path) -> None:
    tables = seeded_tables(8)
    tables["refusals"] = tables["refusals"].assign(value="0.02 USD wide", limit="at most 5 bps")
    page = write_report(write_run(tmp_path / "run", tables)).read_text()
    assert page.count("0.02 USD wide") == len(tables["refusals"])
    assert page.count("at most 5 bps") == len(tables["refusals"])


def test_the_bridge_begins_each_bar_where_the_one_before_ended() -> None:
    drawn = str(charts.bridge([("gross", 10.0), ("fees", -4.0)], total="net"))
    bars = [
        (float(x), float(w)) for x, w in re.findall(r'<rect[^>]*? x="([\d.]+)"[^>]*? width="([\d.]+)"', drawn)
    ]
    (gross, gross_width), (fees, fees_width), (net, net_width) = bars
    assert gross == net
    assert fees + fees_width == pytest.approx(gross + gross_width, abs=0.2)
    assert net + net_width == pytest.approx(fees, abs=0.2)


def test_bars_escape_their_labels_and_grow_from_zero() -> None:
    drawn = str(charts.bars([("<b>", -1.0), ("gain", 3.0)]))
    assert "<b>" not in drawn
    widths = [float(w) for w in re.findall(r'<rect[^>]*? width="([\d.]+)"', drawn)]
    assert widths[1] == pytest.approx(3 * widths[0])
    assert charts.bars([]) == ""


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no run\.json"):
        write_report(tmp_path)


@pytest.mark.parametrize("broken", ["fills.parquet", "profile.json", "run.json"])
def test_a_damaged_file_of_a_run_is_named(tmp_path: Path, broken: str) -> None:
    run = write_run(tmp_path / "run", seeded_tables(6))
    (run / broken).write_bytes(b"{")
    with pytest.raises(DataError, match=re.escape(broken)):
        read_run(run)
