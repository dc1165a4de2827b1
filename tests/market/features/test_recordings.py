"""On a recorded day too, incremental features equal their array versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from market.features import FeatureSettings, QuoteFeatures
from market.features.arrays import is_usable, quote_features

pytestmark = pytest.mark.real_data

NAMES = (
    "microprice",
    "imbalance",
    "order_flow_imbalance",
    "order_flow_ratio",
    "momentum_bps",
    "volatility_bps",
)


def test_amazon_on_2012_06_21(real_data: Path) -> None:
    name = "AMZN_2012-06-21_34200000_57600000_{}_1.csv.gz"
    folder = real_data / "nasdaq_level1_amzn_2012"
    seconds = np.loadtxt(folder / name.format("message"), delimiter=",", usecols=0)
    book = np.loadtxt(folder / name.format("orderbook"), delimiter=",")
    ask, ask_size, bid, bid_size = book.T
    usable = is_usable(bid, ask, bid_size, ask_size)
    ts_ns = np.rint(seconds[usable] * 1e9).astype(np.int64)
    bid, ask, bid_size, ask_size = bid[usable] / 1e4, ask[usable] / 1e4, bid_size[usable], ask_size[usable]

    settings = FeatureSettings()
    arrays = quote_features(ts_ns, (bid, ask), (bid_size, ask_size), settings)
    features, seen = QuoteFeatures(settings), []
    for row in zip(
        bid.tolist(), ask.tolist(), bid_size.tolist(), ask_size.tolist(), ts_ns.tolist(), strict=True
    ):
        features.on_quote(*row)
        snapshot = features.snapshot(row[4])
        assert snapshot is not None
        seen.append([getattr(snapshot, name) for name in NAMES])

    assert len(seen) == 57_515
    for name, column in zip(NAMES, np.array(seen, dtype=float).T, strict=True):
        np.testing.assert_allclose(column, arrays[name], rtol=1e-12, atol=1e-9, err_msg=name)
    assert np.count_nonzero(~np.isnan(arrays["volatility_bps"])) > 55_000
