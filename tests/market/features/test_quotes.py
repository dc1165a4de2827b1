"""Incremental features equal their definitions and their array versions on any recording."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.features import FeatureSettings, FeatureSnapshot, QuoteFeatures
from market.features.arrays import quote_features
from market.time import NS_PER_MS, NS_PER_SECOND
from tests.market.features import naive
from tests.market.features.recordings import START_NS, Quote, as_arrays, recordings, settings_drawn

TOLERANCE = 1e-12


def _snapshots(quotes: list[Quote], settings: FeatureSettings) -> list[FeatureSnapshot]:
    features, seen = QuoteFeatures(settings), []
    for quote in quotes:
        features.on_quote(*quote)
        snapshot = features.snapshot(quote.ts_ns)
        assert snapshot is not None
        seen.append(snapshot)
    return seen


def _column(snapshots: list[FeatureSnapshot], name: str) -> np.ndarray:
    return np.array([getattr(snapshot, name) for snapshot in snapshots], dtype=float)  # None becomes NaN


@given(recordings(), settings_drawn)
def test_incremental_features_equal_the_arrays(quotes: list[Quote], settings: FeatureSettings) -> None:
    bid, ask, bid_size, ask_size, ts_ns = as_arrays(quotes)
    arrays = quote_features(ts_ns, (bid, ask), (bid_size, ask_size), settings)
    snapshots = _snapshots(quotes, settings)
    for name in ("mid", "spread", "spread_bps", "microprice", "imbalance", "momentum_bps"):
        np.testing.assert_array_equal(_column(snapshots, name), arrays[name], err_msg=name)
    np.testing.assert_allclose(_column(snapshots, "volatility_bps"), arrays["volatility_bps"], rtol=TOLERANCE)
    np.testing.assert_allclose(
        _column(snapshots, "order_flow_ratio"), arrays["order_flow_ratio"], rtol=0, atol=TOLERANCE
    )
    turnover = np.abs(arrays["order_flow_imbalance"]).max() + 10_000  # what was added and cancelled again
    np.testing.assert_allclose(
        _column(snapshots, "order_flow_imbalance"),
        arrays["order_flow_imbalance"],
        rtol=TOLERANCE,
        atol=turnover * TOLERANCE,
    )


def test_arrays_of_nothing_are_empty() -> None:
    nothing = np.empty(0)
    arrays = quote_features(
        np.empty(0, dtype=np.int64), (nothing, nothing), (nothing, nothing), FeatureSettings()
    )
    assert {len(column) for column in arrays.values()} == {0}


@given(recordings(max_size=40), settings_drawn, st.integers(0, 20_000 * NS_PER_MS))
def test_features_equal_their_definitions(
    quotes: list[Quote], settings: FeatureSettings, later_ns: int
) -> None:
    features = QuoteFeatures(settings)
    for quote in quotes:
        features.on_quote(*quote)
    now_ns = quotes[-1].ts_ns + later_ns
    snapshot = features.snapshot(now_ns)
    assert snapshot is not None

    net, gross = naive.decayed_flow(quotes, now_ns, settings.order_flow_half_life_ms)
    assert snapshot.order_flow_imbalance == pytest.approx(net, rel=1e-9, abs=1e-9 * gross + 1e-9)
    if gross > 1e-200:
        assert snapshot.order_flow_ratio == pytest.approx(net / gross, abs=1e-9)
    assert snapshot.momentum_bps == pytest.approx(naive.momentum_bps(quotes, now_ns, settings), abs=1e-9)
    volatility_bps = naive.volatility_bps(quotes, now_ns, settings)
    assert (snapshot.volatility_bps is None) is (volatility_bps is None)
    assert (snapshot.volatility_bps or 0.0) == pytest.approx(volatility_bps or 0.0, rel=TOLERANCE)


@given(recordings(), settings_drawn, st.data())
def test_looking_never_changes_what_is_seen_later(
    quotes: list[Quote], settings: FeatureSettings, data: st.DataObject
) -> None:
    quiet, watched = QuoteFeatures(settings), QuoteFeatures(settings)
    for quote, following in zip(quotes, [*quotes[1:], quotes[-1]], strict=True):
        quiet.on_quote(*quote)
        watched.on_quote(*quote)
        watched.snapshot(data.draw(st.integers(quote.ts_ns, following.ts_ns)))
    assert watched.snapshot(quotes[-1].ts_ns) == quiet.snapshot(quotes[-1].ts_ns)


def test_a_look_far_ahead_does_no_harm_to_the_quotes_before_it() -> None:
    """A clock that runs ahead of the quotes, as after a silence, must not make the weights overflow."""
    seen, unseen = QuoteFeatures(), QuoteFeatures()
    hour_ns = 3_600 * NS_PER_SECOND
    for features in (seen, unseen):
        features.on_quote(9.99, 10.01, 500.0, 300.0, START_NS)
    seen.snapshot(START_NS + hour_ns)
    for second in range(1, 3_600, 7):
        for features in (seen, unseen):
            features.on_quote(9.99, 10.01, 500.0 + second, 300.0, START_NS + second * NS_PER_SECOND)
    later, expected = seen.snapshot(START_NS + hour_ns), unseen.snapshot(START_NS + hour_ns)
    assert later is not None
    assert expected is not None
    assert later.order_flow_ratio == pytest.approx(expected.order_flow_ratio)
    assert later.order_flow_imbalance == pytest.approx(expected.order_flow_imbalance)


@given(recordings(), recordings(), settings_drawn)
def test_a_reset_leaves_nothing_behind(
    before: list[Quote], after: list[Quote], settings: FeatureSettings
) -> None:
    fresh, used = QuoteFeatures(settings), QuoteFeatures(settings)
    for quote in before:
        used.on_quote(*quote)
    used.reset()
    for quote in after:
        fresh.on_quote(*quote)
        used.on_quote(*quote)
    assert used.snapshot(after[-1].ts_ns) == fresh.snapshot(after[-1].ts_ns)


@given(recordings(), settings_drawn)
def test_bounded_features_keep_their_bounds(quotes: list[Quote], settings: FeatureSettings) -> None:
    for snapshot in _snapshots(quotes, settings):
        assert -1 < snapshot.imbalance < 1
        assert -1 <= snapshot.order_flow_ratio <= 1
        assert snapshot.bid - TOLERANCE <= snapshot.microprice <= snapshot.ask + TOLERANCE
        assert snapshot.spread >= 0
        assert snapshot.volatility_bps is None or snapshot.volatility_bps >= 0


GOOD = Quote(5.00, 5.01, 300.0, 100.0, START_NS)


@pytest.mark.parametrize(
    "change",
    [
        {"bid": 0.0},
        {"bid": 5.02},  # crossed
        {"ask": 0.0},
        {"bid_size": 0.0},
        {"ask_size": 0.0},
        {"bid": math.nan},
        {"ask": math.nan},
        {"ask_size": math.nan},
    ],
)
def test_an_unusable_quote_hides_the_features_until_a_usable_one(change: dict[str, float]) -> None:
    features = QuoteFeatures()
    features.on_quote(*GOOD)
    before = features.snapshot(START_NS)
    features.on_quote(*GOOD._replace(**change))  # type: ignore[arg-type]
    assert features.snapshot(START_NS) is None
    assert features.refused == 1
    features.on_quote(*GOOD)
    assert features.snapshot(START_NS) == before


def test_a_quote_older_than_the_last_is_ignored() -> None:
    features = QuoteFeatures()
    features.on_quote(*GOOD)
    features.on_quote(4.00, 4.01, 100.0, 100.0, START_NS - 1)
    snapshot = features.snapshot(START_NS)
    assert snapshot is not None
    assert (snapshot.bid, features.refused, features.ts_ns) == (5.00, 1, START_NS)


def test_there_is_nothing_to_see_before_the_first_quote() -> None:
    features = QuoteFeatures()
    assert features.snapshot(START_NS) is None
    features.on_quote(0.0, 5.01, 0.0, 100.0, START_NS)
    assert features.snapshot(START_NS) is None


def test_the_microprice_leans_to_the_side_that_is_about_to_give_way() -> None:
    features = QuoteFeatures()
    features.on_quote(*GOOD)
    snapshot = features.snapshot(START_NS)
    assert snapshot is not None
    assert snapshot.microprice == pytest.approx(5.0075)
    assert snapshot.imbalance == 0.5
    assert snapshot.order_flow_imbalance == 0.0
    assert snapshot.momentum_bps is None
    assert snapshot.volatility_bps is None


def test_order_flow_halves_every_half_life() -> None:
    features = QuoteFeatures(FeatureSettings(order_flow_half_life_ms=1_000))
    features.on_quote(*GOOD)
    features.on_quote(*GOOD._replace(bid_size=700.0, ts_ns=START_NS + 5))
    flows = [features.snapshot(START_NS + 5 + second * NS_PER_SECOND) for second in range(3)]
    assert [flow.order_flow_imbalance for flow in flows if flow] == pytest.approx([400.0, 200.0, 100.0])
    assert [flow.order_flow_ratio for flow in flows if flow] == [1.0, 1.0, 1.0]


def test_a_quote_stamped_at_a_grid_instant_is_not_in_its_sample() -> None:
    settings = FeatureSettings(grid_ms=100, momentum_horizon_ms=100, volatility_window_ms=100)
    quotes = [Quote(4.0 + cell, 5.0 + cell, 100.0, 100.0, cell * 100 * NS_PER_MS) for cell in range(1, 5)]
    last = _snapshots(quotes, settings)[-1]
    assert last.momentum_bps == pytest.approx(
        (8.5 / 6.5 - 1) * 1e4
    )  # the sample at 0.3 s is the quote of 0.2 s
    assert last.volatility_bps == pytest.approx(math.log(7.5 / 6.5) * 1e4)


def test_a_decision_records_only_what_is_known() -> None:
    features = QuoteFeatures()
    features.on_quote(*GOOD)
    snapshot = features.snapshot(START_NS, vwap=5.02)
    assert snapshot is not None
    known = snapshot.known()
    assert known["vwap"] == 5.02
    assert known["microprice"] == snapshot.microprice
    assert {"momentum_bps", "volatility_bps", "book_imbalance", "ts_ns"}.isdisjoint(known)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grid_ms", 0),
        ("grid_ms", 60_001),
        ("momentum_horizon_ms", 400),
        ("momentum_horizon_ms", 750),
        ("volatility_window_ms", 0),
        ("volatility_window_ms", 500 * 100_001),
        ("order_flow_half_life_ms", 4),
        ("order_flow_half_life_ms", 0),
    ],
)
def test_settings_out_of_bounds_name_themselves(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}, allowed"):
        FeatureSettings(**{field: value})
