"""VWAP and book features equal their definitions and their array versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.features import QuoteFeatures, Vwap, arrays, book_imbalance, book_microprice

trades = st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 10_000)), min_size=1, max_size=80)
sizes = st.lists(st.integers(0, 5_000).map(float), min_size=0, max_size=8)


@given(trades)
def test_the_incremental_vwap_is_the_array_vwap(cents_and_sizes: list[tuple[int, int]]) -> None:
    price = np.array([cents / 100 for cents, _ in cents_and_sizes])
    size = np.array([float(shares) for _, shares in cents_and_sizes])
    vwap, seen = Vwap(), []
    for one_price, one_size in zip(price, size, strict=True):
        vwap.on_trade(float(one_price), float(one_size))
        seen.append(vwap.value)
    np.testing.assert_array_equal(np.array(seen, dtype=float), arrays.vwap(price, size))
    turnover_cents = sum(cents * shares for cents, shares in cents_and_sizes)
    assert seen[-1] == pytest.approx(turnover_cents / 100 / size.sum(), rel=1e-12)


def test_nothing_has_a_vwap_before_it_trades() -> None:
    vwap = Vwap()
    assert vwap.value is None
    vwap.on_trade(5.0, 100.0)
    vwap.reset()
    assert vwap.value is None
    assert np.isnan(arrays.vwap(np.array([5.0]), np.array([0.0]))).all()


@given(sizes, sizes, st.integers(1, 10))
def test_book_imbalance_weighs_the_best_levels_of_both_sides(
    bids: list[float], asks: list[float], n: int
) -> None:
    found = book_imbalance(bids, asks, n)
    bid_depth, ask_depth = sum(bids[:n]), sum(asks[:n])
    if bid_depth == 0 or ask_depth == 0:
        assert found is None
    else:
        assert found == pytest.approx((bid_depth - ask_depth) / (bid_depth + ask_depth), abs=1e-15)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 99), min_size=5, max_size=5), st.integers(0, 99)), min_size=1),
    st.integers(1, 6),
)
def test_book_imbalance_of_many_books_is_that_of_each(books: list[tuple[list[int], int]], n: int) -> None:
    bid_sizes = np.array([book for book, _ in books], dtype=float)
    ask_sizes = np.array([[shift, *book[:4]] for book, shift in books], dtype=float)
    together = arrays.book_imbalance(bid_sizes, ask_sizes, n)
    each = [
        book_imbalance(bids.tolist(), asks.tolist(), n)
        for bids, asks in zip(bid_sizes, ask_sizes, strict=True)
    ]
    np.testing.assert_array_equal(together, np.array(each, dtype=float))


def test_the_book_microprice_weighs_each_side_by_the_other() -> None:
    bids, asks = [(5.00, 100.0), (4.99, 300.0)], [(5.02, 400.0), (5.03, 0.0)]
    bid_price = (5.00 * 100 + 4.99 * 300) / 400
    assert book_microprice(bids, asks, 2) == pytest.approx((bid_price + 5.02) / 2)
    assert book_microprice(bids, [], 2) is None
    assert book_microprice([], asks, 2) is None


@given(st.integers(1, 500), st.integers(0, 5), st.integers(1, 900), st.integers(1, 900))
def test_one_level_of_the_book_is_the_quote(
    bid_cents: int, spread: int, bid_size: int, ask_size: int
) -> None:
    bid, ask = bid_cents / 100, (bid_cents + spread) / 100
    features = QuoteFeatures()
    features.on_quote(bid, ask, float(bid_size), float(ask_size), 1)
    snapshot = features.snapshot(1)
    assert snapshot is not None
    assert book_microprice([(bid, bid_size)], [(ask, ask_size)], 1) == pytest.approx(
        snapshot.microprice, rel=1e-12
    )
    assert book_imbalance([bid_size], [ask_size], 1) == snapshot.imbalance
