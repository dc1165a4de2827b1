"""The numbers of the shared option data: counts, crossed quotes, and the table of verticals."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from catalog.ingest_lean_options import ingest_lean_options
from catalog.ingest_summary import IngestSummary
from catalog.option_chain_rows import decode_chain
from catalog.option_chains import chain_at, chains_between
from catalog.store import CatalogStore
from market.pricing import european
from market.pricing.european import EuropeanOptions
from market.time import new_york_date, to_ns

pytestmark = pytest.mark.real_data

SETTLEMENTS = {"0104": 3700.65, "0106": 3748.14}


@pytest.fixture(scope="module")
def spx(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IngestSummary]:
    root = tmp_path_factory.mktemp("spx")
    return root, ingest_lean_options(real_data / "lean", store=CatalogStore(root), symbols=("SPX", "SPXW"))


@pytest.fixture(scope="module")
def goog(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IngestSummary]:
    root = tmp_path_factory.mktemp("goog")
    return root, ingest_lean_options(real_data / "lean", store=CatalogStore(root), symbols=("GOOG",))


def test_spxw_quotes_and_crossed_quotes(spx: tuple[Path, IngestSummary]) -> None:
    notes = [note for note in spx[1].notes if note.startswith("SPXW 2021")]
    assert [note.split(": ")[1].split(" quotes")[0] for note in notes] == ["4,565", "3,239", "6,305"]
    assert [note.split(" crossed")[0].rsplit(" ", 1)[1] for note in notes] == ["0", "0", "7"]


def test_goog_quotes_two_sided_crossed_expiries_contracts(goog: tuple[Path, IngestSummary]) -> None:
    assert (
        "GOOG 2015-12-24: 275,552 quotes of 2,192 contracts and 12 expiries, 163,230 two-sided, 0 crossed"
        in goog[1].notes
    )
    chain = chain_at(goog[0], "GOOG", to_ns("2015-12-24T12:00:00-05:00"))
    assert (len(chain), len(chain.expiries), bool(chain.is_crossed.any())) == (2192, 12, False)
    assert 747 < chain.underlying_price < 752


def test_the_last_minute_of_an_early_close_is_the_last(goog: tuple[Path, IngestSummary]) -> None:
    start, end = to_ns("2015-12-24T00:00:00-05:00"), to_ns("2015-12-25T00:00:00-05:00")
    times = [chain.ts_ns for chain in chains_between(goog[0], "GOOG", start, end)]
    assert times[0] == to_ns("2015-12-24T09:31:00-05:00")
    assert {b - a for a, b in pairwise(times)} == {60 * 10**9}
    assert times[-1] == to_ns("2015-12-24T13:01:00-05:00")  # one minute of quotes after the close


def test_universes_copied_forward_are_left_out(spx: tuple[Path, IngestSummary]) -> None:
    left_out = [note for note in spx[1].notes if "the vendor copied the day before" in note]
    assert [note.split(":")[0] for note in left_out] == [
        f"SPX 2021-01-{day}" for day in ("05", "06", "07", "08", "11", "12")
    ]


@pytest.mark.parametrize(
    ("entry", "expiry", "put_credit", "put_usd", "call_credit", "call_usd"),
    [
        ("0104", "0104", 49.00, -5_035, 49.30, 4_865),
        ("0104", "0106", 43.80, -806, 54.70, 656),
        ("0105", "0106", 61.90, 1_004, 35.95, -1_219),
        ("0106", "0106", 60.90, 904, 37.80, -1_034),
    ],
)
def test_the_table_of_spxw_verticals(spx, entry, expiry, put_credit, put_usd, call_credit, call_usd) -> None:  # type: ignore[no-untyped-def]
    at = to_ns(f"2021-{entry[:2]}-{entry[2:]}T10:01:00-05:00")  # the close of the 10:00 bar
    chain = chain_at(spx[0], "SPXW", at)
    assert chain.ts_ns == at
    legs = {
        (float(chain.strike[row]), bool(chain.is_call[row])): row
        for row in range(len(chain))
        if f"{new_york_date(int(chain.expiry_ns[row])):%m%d}" == expiry
    }
    settlement = SETTLEMENTS[expiry]
    for is_call, short, long, credit, usd in (
        (False, 3800.0, 3700.0, put_credit, put_usd),
        (True, 3700.0, 3800.0, call_credit, call_usd),
    ):
        received = chain.bid[legs[short, is_call]] - chain.ask[legs[long, is_call]]
        assert received == pytest.approx(credit, abs=1e-9)
        worth = [max((settlement - k) * (1 if is_call else -1), 0.0) for k in (short, long)]
        assert 100 * (received - worth[0] + worth[1]) == pytest.approx(usd, abs=0.5)


def test_the_vendors_greeks_agree_in_unit_with_ours(goog: tuple[Path, IngestSummary]) -> None:
    daily = next((goog[0] / "data/custom_option_chain_snapshot/GOOG-CHAIN-DAY.SMART").glob("2015-12-24*"))
    row = pq.ParquetFile(daily).read().to_pylist()[-1]
    chain = decode_chain(
        row["contracts"],
        row["market"],
        ts_ns=row["ts_event"],
        underlying_price=row["underlying_price"],
    )
    known = (np.abs(chain.delta) > 0.3) & (np.abs(chain.delta) < 0.7) & (chain.years > 0.02)
    model = european.greeks(
        EuropeanOptions.of(
            spot=chain.underlying_price,
            strike=chain.strike[known],
            years=chain.years[known],
            is_call=chain.is_call[known],
        ),
        chain.iv[known],
    )
    for name in ("vega", "theta"):
        ratio = getattr(chain, name)[known] / getattr(model, name)
        assert 0.5 < np.median(ratio) < 2.0
