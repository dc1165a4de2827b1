"""The volatility surface equals plain loops over the contracts of a chain."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.ingest_chain_csv import ingest_chain_csv
from catalog.option_chains import chain_at
from catalog.pricing_inputs import inputs_at
from catalog.store import CatalogStore
from market.option_chain import OptionChain
from market.option_chain_pricing import priced
from market.time import new_york_date, to_ns
from scanner.surface import MONEYNESS, volatility_surface
from tests.market.chains import NOW_NS, SPOT, priced_at


def _by_loops(chain: OptionChain, moneyness: tuple[float, ...]) -> list[tuple[date, int, list[float]]]:
    """Return expiry, days and volatilities of each row, contract by contract, as the docs describe them."""
    today = new_york_date(chain.ts_ns)
    rows = []
    for expiry_ns in sorted(set(chain.expiry_ns.tolist())):
        smile, listed = {}, set()
        for row in range(len(chain)):
            strike, iv = float(chain.strike[row]), float(chain.iv[row])
            is_side = bool(chain.is_call[row]) == (strike >= chain.underlying_price)
            if chain.expiry_ns[row] == expiry_ns:
                listed.add(strike)
                years = (expiry_ns - chain.ts_ns) / (365 * 86_400 * 10**9)
            if chain.expiry_ns[row] == expiry_ns and is_side and not math.isnan(iv):
                smile[strike] = iv
        cells = [_cell(smile, listed, share * chain.underlying_price, years) for share in moneyness]
        if not all(math.isnan(cell) for cell in cells):
            day = new_york_date(expiry_ns)
            rows.append((day, (day - today).days, cells))
    return rows


def _cell(smile: dict[float, float], listed: set[float], level: float, years: float) -> float:
    below = [strike for strike in smile if strike <= level * (1 + 1e-12)]
    above = [strike for strike in smile if strike >= level * (1 - 1e-12)]
    if not below or not above:
        return math.nan
    left, right = max(below), min(above)
    if right <= left:
        return smile[left]
    deviation = min(smile[left], smile[right]) * math.sqrt(years)
    is_wide = math.log(right / left) > min(0.25 * deviation, 0.10)
    if is_wide and sum(left < strike < right for strike in listed) > 2:
        return math.nan
    share = math.log(level / left) / math.log(right / left)
    return smile[left] + share * (smile[right] - smile[left])


def _require_equal(chain: OptionChain, moneyness: tuple[float, ...]) -> None:
    found, expected = volatility_surface(chain, moneyness), _by_loops(chain, moneyness)
    assert found.expiries == tuple(row[0] for row in expected)
    assert found.dte == tuple(row[1] for row in expected)
    table = np.array([row[2] for row in expected]).reshape(len(expected), len(moneyness))
    np.testing.assert_allclose(found.iv, table, rtol=1e-12, equal_nan=True)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1.5))
def test_any_surface_equals_plain_loops(seed: int, share: float) -> None:
    chance = np.random.default_rng(seed)
    chain = priced_at(days=(7, 35))
    iv = np.where(chance.random(len(chain)) < 0.3, np.nan, chance.uniform(0.05, 2.0, len(chain)))
    _require_equal(chain.with_columns({"iv": iv}), (share, *MONEYNESS))


def test_a_flat_smile_is_flat_and_nothing_lies_beyond_the_strikes() -> None:
    chain = priced_at(days=(35,)).with_columns({"iv": np.full(42, 0.25)})
    found = volatility_surface(chain, (0.79, 0.80, 0.9, 1.0, 1.19, 1.21))
    assert np.isnan(found.iv[0][[0, 5]]).all()
    assert found.iv[0][1:5] == pytest.approx(0.25)
    assert (found.underlying_price, found.dte) == (SPOT, (35,))
    assert chain.ts_ns == NOW_NS


def test_without_a_volatility_there_is_no_row() -> None:
    found = volatility_surface(priced_at())
    assert (found.expiries, found.iv.shape) == ((), (0, len(MONEYNESS)))


@pytest.mark.real_data
def test_the_surface_of_apple_equals_plain_loops(real_data: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "catalog")
    ingest_chain_csv(real_data / "end_of_day_chains/AAPL_2014-08-07_ivolatility.csv", store=store)
    close = to_ns("2014-08-07T16:00:00-04:00")
    chain = chain_at(store.root, "AAPL", close)
    if chain.is_two_sided.any():
        chain = priced(chain.with_dte(0, 60), inputs_at(store.root, close, symbol="AAPL").inputs)
    assert np.isfinite(chain.iv).sum() > 300
    _require_equal(chain, MONEYNESS)
