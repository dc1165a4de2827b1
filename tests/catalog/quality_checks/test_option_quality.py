"""Chains, greeks, rates, volatility indexes, dividends: a check finds what was planted, and only that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.chain_contracts import contract_list
from catalog.contents import describe_catalog
from catalog.ingest_volatility import ingest_volatility
from catalog.manifest import SourceDescription
from catalog.option_chain_rows import COUNTS, PRICES, ContractList
from catalog.option_chain_writer import ChainWriter
from catalog.quality import Finding, Severity, check_catalog
from catalog.quality_checks.option_registry import OPTION_CHECKS, SERIES_CHECKS
from catalog.store import CatalogStore
from market.calendar import TradingCalendar
from market.option_contracts import ContractName, option_class
from market.pricing.european import EuropeanOptions, greeks, price
from market.time import NS_PER_MINUTE, new_york_midnight_ns, parse_date, to_ns

START_NS = to_ns("2026-01-05T09:31:00-05:00")
MINUTES = 390
EXPIRY = date(2026, 2, 20)
ROW, SNAPSHOT = 7, 200
SPOT = 5_000.0

Columns = dict[str, np.ndarray[Any, Any]]


def _contracts() -> ContractList:
    names = [
        ContractName("SPXW", EXPIRY, is_call, Decimal(4_900 + 25 * step))
        for step in range(9)
        for is_call in (True, False)
    ]
    return contract_list(option_class("SPXW"), names)[0]


def _market(contracts: ContractList, minute: int) -> Columns:
    columns = contracts.columns
    years = 0.12
    options = EuropeanOptions.of(
        spot=SPOT + minute % 13, strike=columns["strike"], years=years, is_call=columns["is_call"]
    )
    value, found = price(options, 0.2), greeks(options, 0.2)
    count = len(contracts)
    market: Columns = {name: np.full(count, np.nan) for name in (*PRICES, *COUNTS)}
    market |= {"bid": np.round(value - 0.5, 2), "ask": np.round(value + 0.5, 2)}
    market |= {"bid_size": np.full(count, 5.0), "ask_size": np.full(count, 7.0)}
    market |= {"iv": np.full(count, 0.2), "delta": found.delta, "gamma": found.gamma, "vega": found.vega}
    return market


def _write(root: Path, changes: Mapping[str, float] | None = None, **others: Any) -> Path:
    """Write a day of snapshots; `changes` are values of one contract in one snapshot."""
    contracts: ContractList = others.get("contracts") or _contracts()
    with CatalogStore(root).ingest(SourceDescription(kind="test", path="", sha256="0")) as ingest:
        writer = ChainWriter(ingest, option_class("SPXW"), is_daily=False)
        for minute in range(MINUTES):
            listed, market, spot = contracts, _market(contracts, minute), SPOT
            if minute == SNAPSHOT:
                for name, value in (changes or {}).items():
                    market[name][ROW] = value
                spot = others.get("underlying_price", SPOT)
                if keep := others.get("keep"):
                    listed = ContractList(
                        contracts.root,
                        contracts.underlying,
                        {name: values[:keep] for name, values in contracts.columns.items()},
                    )
                    market = {name: values[:keep] for name, values in market.items()}
            elif SNAPSHOT < minute < SNAPSHOT + others.get("frozen", 0):
                market = _market(contracts, SNAPSHOT)
            writer.write(listed, market, ts_ns=START_NS + minute * NS_PER_MINUTE, underlying_price=spot)
    return root


def _found(root: Path, check: str) -> Finding:
    found = [one for one in check_catalog(root).findings if one.check == check]
    assert len(found) == 1, check_catalog(root).findings
    return found[0]


def test_a_clean_day_of_snapshots_has_no_finding(tmp_path: Path) -> None:
    report = check_catalog(_write(tmp_path / "catalog"))
    assert report.findings == ()
    assert report.records == MINUTES
    assert report.streams[0].first_ns == START_NS


@pytest.mark.parametrize(
    ("check", "changes", "count"),
    [
        ("crossed_quote", {"bid": 90.0, "ask": 80.0}, 1),
        ("not_a_price", {"bid": -1.0}, 1),
        ("not_a_size", {"open_interest": -5.0}, 1),
        ("iv_out_of_bounds", {"iv": 0.0}, 1),
        ("iv_out_of_bounds", {"iv": 5.01}, 1),
        ("greeks_out_of_bounds", {"delta": 1.01}, 1),
        ("greeks_out_of_bounds", {"gamma": -0.01}, 1),
        ("greeks_out_of_bounds", {"vega": -0.01}, 1),
    ],
)
def test_a_value_that_cannot_be_is_found(
    tmp_path: Path, check: str, changes: dict[str, float], count: int
) -> None:
    finding = _found(_write(tmp_path / "catalog", changes), check)
    assert finding.count == count
    assert finding.first_ns == finding.last_ns == START_NS + SNAPSHOT * NS_PER_MINUTE
    assert _contracts().columns["contract"][ROW] in finding.examples[0]


def test_a_strike_that_is_cheaper_than_one_of_less_worth_is_found(tmp_path: Path) -> None:
    contracts = _contracts()
    market = _market(contracts, SNAPSHOT)
    is_call = bool(contracts.columns["is_call"][ROW])
    rank = contracts.columns["strike"] * (1 if is_call else -1)
    worse = (contracts.columns["is_call"] == is_call) & (rank > rank[ROW])
    best = float(market["bid"][worse].max())
    at_limit = _write(tmp_path / "limit", {"bid": best - 1, "ask": best})
    assert check_catalog(at_limit).findings == ()
    finding = _found(_write(tmp_path / "beyond", {"bid": best - 1, "ask": best - 0.01}), "arbitrage_quote")
    assert finding.count == 1
    assert contracts.columns["contract"][ROW] in finding.examples[0]


def test_a_snapshot_of_few_contracts_or_without_a_price_is_found(tmp_path: Path) -> None:
    few = _found(_write(tmp_path / "few", keep=8), "missing_contracts")
    assert (few.count, few.first_ns) == (1, START_NS + SNAPSHOT * NS_PER_MINUTE)
    assert check_catalog(_write(tmp_path / "half", keep=9)).findings == ()
    assert _found(_write(tmp_path / "none", underlying_price=float("nan")), "no_underlying_price").count == 1
    assert _found(_write(tmp_path / "zero", underlying_price=0.0), "not_a_price").count == 1


def test_equal_snapshots_in_a_row_are_stale(tmp_path: Path) -> None:
    assert _found(_write(tmp_path / "catalog", frozen=12), "stale").count == 1
    assert check_catalog(_write(tmp_path / "short", frozen=6)).findings == ()


def _changed(**columns: Any) -> ContractList:
    contracts = _contracts()
    values = {name: array.copy() for name, array in contracts.columns.items()}
    for name, value in columns.items():
        values[name][ROW] = value
    return replace(contracts, columns=values)


@pytest.mark.parametrize(
    ("check", "column", "value"),
    [
        ("contract_mismatch", "strike", 4_976.0),
        ("contract_mismatch", "contract", "not an option"),
        ("contract_mismatch", "expiry_ns", to_ns("2026-02-13T16:00:00-05:00")),
        ("duplicate_contract", "contract", _contracts().columns["contract"][0]),
    ],
)
def test_contracts_that_are_not_what_they_say_are_found(
    tmp_path: Path, check: str, column: str, value: Any
) -> None:
    finding = _found(_write(tmp_path / "catalog", contracts=_changed(**{column: value})), check)
    assert finding.count == MINUTES  # every snapshot has them
    assert finding.severity is Severity.ERROR


def test_contracts_that_settled_before_are_found(tmp_path: Path) -> None:
    contracts = _contracts()
    columns = {name: values.copy() for name, values in contracts.columns.items()}
    columns["expiry_ns"][:] = START_NS + 300 * NS_PER_MINUTE
    columns["contract"] = np.array(
        [name.replace("260220", "260105") for name in columns["contract"]], dtype=object
    )
    finding = _found(
        _write(tmp_path / "catalog", contracts=replace(contracts, columns=columns)), "expired_contract"
    )
    assert finding.count == (MINUTES - 301) * len(contracts)


def test_a_silence_within_the_session_is_found(tmp_path: Path) -> None:
    root = _write(tmp_path / "catalog")
    path = next((root / "data/custom_option_chain_snapshot").rglob("*.parquet"))
    table = pq.read_table(path, partitioning=None)
    keep = np.arange(table.num_rows)
    pq.write_table(table.filter(pa.array((keep < 100) | (keep > 140))), path)
    finding = _found(root, "gap")
    assert (finding.count, finding.first_ns) == (1, START_NS + 99 * NS_PER_MINUTE)


def test_a_snapshot_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    root = _write(tmp_path / "catalog")
    path = next((root / "data/custom_option_chain_snapshot").rglob("*.parquet"))
    table = pq.read_table(path, partitioning=None)
    blobs = table["market"].to_pylist()
    blobs[SNAPSHOT] = b"\xff\xff\xff\xffrubbish"
    place = table.schema.get_field_index("market")
    pq.write_table(table.set_column(place, "market", pa.array(blobs, pa.binary())), path)
    finding = _found(root, "contract_mismatch")
    assert (finding.count, "cannot be decoded" in finding.examples[0]) == (1, True)


def _series(root: Path, kind: str, name: str, columns: dict[str, list[Any]]) -> Path:
    """Write a series as it is stored, whatever is in it, beside a manifest."""
    folder = root / "series" / kind / name
    folder.mkdir(parents=True)
    (root / "manifest.json").write_text('{"format_version": 1}', encoding="utf-8")
    times = np.array(columns.pop("ts_event"), dtype=np.uint64)
    arrays = {**columns, "ts_event": times, "ts_init": np.maximum.accumulate(times)}
    pq.write_table(pa.table(arrays), folder / "part.parquet")
    return root


def _days(count: int = 30) -> list[int]:
    sessions = TradingCalendar(date(2024, 1, 2), date(2024, 12, 31)).sessions(
        date(2024, 1, 2), date(2024, 12, 31)
    )
    return [session.close_ns for session in sessions[:count]]


def test_clean_series_have_no_finding_and_are_listed(tmp_path: Path) -> None:
    root = _series(tmp_path, "volatility", "VIX", _levels())
    report = check_catalog(root)
    assert (report.findings, report.records) == ((), 30)
    assert [stream.data_type for stream in describe_catalog(root).streams] == ["volatility"]
    assert check_catalog(root, symbols=["VIX"]).records == 30


def _levels(**changes: float) -> dict[str, list[Any]]:
    close = [15.0 + day % 3 for day in range(30)]
    columns: dict[str, list[Any]] = {
        "ts_event": _days(),
        "open": list(close),
        "high": [value + 1 for value in close],
        "low": [value - 1 for value in close],
        "close": close,
    }
    for name, value in changes.items():
        columns[name][12] = value
    return columns


@pytest.mark.parametrize(
    ("check", "changes", "count"),
    [
        ("not_a_price", {"close": 0.0}, 1),
        ("not_a_price", {"low": -1.0}, 1),
        ("impossible_bar", {"high": 14.0}, 1),
        ("series_jump", {"open": 60.0, "high": 61.0, "low": 59.0, "close": 60.0}, 2),
    ],
)
def test_levels_that_cannot_be_are_found(
    tmp_path: Path, check: str, changes: dict[str, float], count: int
) -> None:
    finding = _found(_series(tmp_path, "volatility", "VIX", _levels(**changes)), check)
    assert (finding.count, finding.first_ns) == (count, _days()[12])


def test_a_series_that_falls_silent_is_found(tmp_path: Path) -> None:
    columns = _levels()
    kept = {name: values[:10] + values[16:] for name, values in columns.items()}
    finding = _found(_series(tmp_path, "volatility", "VIX", kept), "series_gap")
    assert (finding.count, finding.first_ns) == (1, _days()[9])


@pytest.mark.parametrize(
    ("check", "day", "tenors", "rates"),
    [
        ("rate_out_of_bounds", 12, [0.25, 10.0], [4.25, 4.0]),
        ("rate_out_of_bounds", 12, [10.0, 0.25], [0.05, 0.05]),
        ("series_jump", 29, [0.25, 10.0], [0.05, 0.0701]),
    ],
)
def test_rates_that_cannot_be_are_found(
    tmp_path: Path, check: str, day: int, tenors: list[float], rates: list[float]
) -> None:
    curves = [([0.25, 10.0], [0.05, 0.05])] * 30
    curves[day] = (tenors, rates)
    columns: dict[str, list[Any]] = {"ts_event": _days()}
    columns |= {"tenors": [one for one, _ in curves], "rates": [one for _, one in curves]}
    finding = _found(_series(tmp_path, "rates", "USD", columns), check)
    assert (finding.count, finding.first_ns) == (1, _days()[day])


@pytest.mark.parametrize(
    ("check", "known", "ex", "amount"),
    [
        ("not_a_dividend", "2024-05-03", "2024-06-14T09:30:00-04:00", 0.0),
        ("not_a_dividend", "2024-05-03", "2024-06-15T09:30:00-04:00", 0.5),
        ("not_a_dividend", "2024-05-03", "2024-06-14T09:31:00-04:00", 0.5),
        ("late_declaration", "2024-06-15", "2024-06-14T09:30:00-04:00", 0.5),
        ("restated_dividend", "2024-03-01", "2024-03-14T09:30:00-04:00", 0.6),
    ],
)
def test_dividends_that_cannot_be_are_found(
    tmp_path: Path, check: str, known: str, ex: str, amount: float
) -> None:
    columns: dict[str, list[Any]] = {
        "ts_event": [new_york_midnight_ns(date(2024, 2, 16)), new_york_midnight_ns(parse_date(known))],
        "ex_ns": np.array([to_ns("2024-03-14T09:30:00-04:00"), to_ns(ex)], dtype=np.uint64),  # type: ignore[dict-item]
        "amount": [0.485, amount],
    }
    assert _found(_series(tmp_path, "dividends", "KO", columns), check).count == 1


def test_two_dividends_of_one_declaration_are_no_repetition(tmp_path: Path) -> None:
    known = new_york_midnight_ns(date(2024, 2, 16))
    ex = [to_ns("2024-03-14T09:30:00-04:00"), to_ns("2024-06-14T09:30:00-04:00")]
    columns: dict[str, list[Any]] = {
        "ts_event": [known, known + 1],
        "ex_ns": np.array(ex, dtype=np.uint64),  # type: ignore[dict-item]
        "amount": [0.485, 0.485],
    }
    assert check_catalog(_series(tmp_path, "dividends", "KO", columns)).findings == ()


def test_what_ingest_writes_of_an_index_passes(tmp_path: Path) -> None:
    path = tmp_path / "vix.csv"
    rows = [f"{date(2024, 1, 1) + timedelta(days=day)},{15 + day % 3}" for day in range(60)]
    path.write_text("DATE,CLOSE\n" + "\n".join(rows) + "\n", encoding="utf-8")
    store = CatalogStore(tmp_path / "catalog")
    ingest_volatility(path, store=store)
    report = check_catalog(store.root)
    assert (report.findings, report.records) == ((), 60)
    contents = describe_catalog(store.root)
    assert (contents.problems, contents.rows) == ((), 60)


def test_every_check_of_options_and_series_is_planted_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [check.name for check in (*OPTION_CHECKS, *SERIES_CHECKS) if f'"{check.name}"' not in text] == []
