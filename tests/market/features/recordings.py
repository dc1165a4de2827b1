"""Made-up recordings of quotes, as hypothesis draws them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from market.features import FeatureSettings
from market.time import NS_PER_MS, NS_PER_SECOND

START_NS = 1_381_152_600_123_456_789


class Quote(NamedTuple):
    """One quote in the order of `QuoteFeatures.on_quote`."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    ts_ns: int


@st.composite
def recordings(draw: st.DrawFn, *, min_size: int = 1, max_size: int = 120) -> list[Quote]:
    """Return usable quotes in order of time: bursts, equal stamps, exact grid instants, long silences."""
    on_grid = st.sampled_from([0, 50 * NS_PER_MS, 100 * NS_PER_MS, 1_000 * NS_PER_MS])
    anywhere = st.one_of(on_grid, st.integers(0, 300 * NS_PER_MS), st.integers(0, 600_000 * NS_PER_MS))
    start_ns, waits_ns = draw(
        st.sampled_from([(START_NS, anywhere), (START_NS // NS_PER_SECOND * NS_PER_SECOND, on_grid)])
    )
    steps = draw(
        st.lists(
            st.tuples(
                waits_ns,
                st.integers(-3, 3),  # the bid moves by so many cents
                st.integers(0, 4),  # the spread in cents; 0 is a locked market
                st.integers(1, 50),
                st.integers(1, 50),
            ),
            min_size=min_size,
            max_size=max_size,
        )
    )
    quotes, ts_ns, bid = [], start_ns, 500
    for wait_ns, move, spread, bid_lots, ask_lots in steps:
        ts_ns += wait_ns
        bid = max(bid + move, 1)
        quotes.append(Quote(bid / 100, (bid + spread) / 100, bid_lots * 100.0, ask_lots * 100.0, ts_ns))
    return quotes


settings_drawn = st.builds(
    lambda grid_ms, momentum, volatility, half_life_ms: FeatureSettings(
        grid_ms=grid_ms,
        momentum_horizon_ms=grid_ms * momentum,
        volatility_window_ms=grid_ms * volatility,
        order_flow_half_life_ms=half_life_ms,
    ),
    st.sampled_from([1, 50, 100, 1_000]),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([10, 700, 5_000]),
)


def as_arrays(quotes: list[Quote]) -> tuple[np.ndarray, ...]:
    """Return bid, ask, bid size, ask size and time of `quotes` as arrays."""
    columns = np.array([quote[:4] for quote in quotes]).reshape(-1, 4).T
    return (*columns, np.array([quote.ts_ns for quote in quotes], dtype=np.int64))
