"""The features over whole recordings, as NumPy arrays, equal to the incremental ones to 1e-12.

Every function takes arrays of equal length (n,), one entry per quote in order of time, and returns (n,)
float64. What is not known yet is NaN here (None in `FeatureSnapshot`). Quotes must be usable: filter with
`is_usable` first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from market.features.mid_grid import BPS
from market.features.settings import FeatureSettings
from market.time import NS_PER_MS

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]

_EXPONENT_MAX = 30.0
"""Weights within a block of the decayed sum grow to at most exp(30), so nothing is lost to rounding."""


def is_usable(bid: Floats, ask: Floats, bid_size: Floats, ask_size: Floats) -> npt.NDArray[np.bool_]:
    """Return which quotes `QuoteFeatures` uses: two-sided and not crossed (order of time aside)."""
    return (bid > 0) & (bid <= ask) & (bid_size > 0) & (ask_size > 0)


def mid_price(bid: Floats, ask: Floats) -> Floats:
    """Return the mid in USD."""
    return (bid + ask) * 0.5


def spread_bps(bid: Floats, ask: Floats) -> Floats:
    """Return the quoted spread in basis points of the mid."""
    return (ask - bid) / mid_price(bid, ask) * BPS


def microprice(bid: Floats, ask: Floats, bid_size: Floats, ask_size: Floats) -> Floats:
    """Return the size-weighted mid in USD: nearer to the side that is about to give way."""
    return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)


def imbalance(bid_size: Floats, ask_size: Floats) -> Floats:
    """Return (bid size - ask size) / (bid size + ask size), in [-1, 1]."""
    return (bid_size - ask_size) / (bid_size + ask_size)


def order_flow_events(bid: Floats, ask: Floats, bid_size: Floats, ask_size: Floats) -> Floats:
    """Return e_n of Cont, Kukanov and Stoikov (2014), in shares; 0 for the first quote."""
    events = np.zeros(len(bid))
    if len(bid) > 1:
        now, before = slice(1, None), slice(None, -1)
        events[1:] = (
            np.where(bid[now] >= bid[before], bid_size[now], 0.0)
            - np.where(bid[now] <= bid[before], bid_size[before], 0.0)
            - np.where(ask[now] <= ask[before], ask_size[now], 0.0)
            + np.where(ask[now] >= ask[before], ask_size[before], 0.0)
        )
    return events


def decayed_sum(values: Floats, ts_ns: Instants, half_life_ms: int) -> Floats:
    """Return the sum of `values` so far, each halved every `half_life_ms` since its `ts_ns`."""
    out = np.empty(len(values))
    rate_per_ns = np.log(2.0) / (half_life_ms * NS_PER_MS)
    start, carried = 0, 0.0
    while start < len(values):
        origin_ns = int(ts_ns[start])
        end = int(np.searchsorted(ts_ns, origin_ns + int(_EXPONENT_MAX / rate_per_ns), side="right"))
        growth = np.exp((ts_ns[start:end] - origin_ns) * rate_per_ns)
        out[start:end] = (carried + np.cumsum(values[start:end] * growth)) / growth
        if end < len(values):
            carried = float(out[end - 1] * np.exp(-(int(ts_ns[end]) - int(ts_ns[end - 1])) * rate_per_ns))
        start = end
    return out


def mid_samples(ts_ns: Instants, mid: Floats, grid_ms: int) -> tuple[int, Floats]:
    """Return the first grid instant's index and the mids sampled from there to the last quote.

    Instant k is k x `grid_ms` since the epoch; its sample is the mid of the last quote stamped before it.
    """
    grid_ns = grid_ms * NS_PER_MS
    first = int(ts_ns[0]) // grid_ns + 1
    instants_ns = np.arange(first, int(ts_ns[-1]) // grid_ns + 1, dtype=np.int64) * grid_ns
    return first, mid[np.searchsorted(ts_ns, instants_ns, side="left") - 1]


def momentum_bps(ts_ns: Instants, mid: Floats, settings: FeatureSettings) -> Floats:
    """Return the return of the mid since one horizon before the last grid instant, in bps."""
    if len(mid) == 0:
        return np.empty(0)
    first, samples = mid_samples(ts_ns, mid, settings.grid_ms)
    references = ts_ns // (settings.grid_ms * NS_PER_MS) - first - settings.momentum_cells
    known = references >= 0
    out = np.full(len(mid), np.nan)
    out[known] = (mid[known] / samples[references[known]] - 1.0) * BPS
    return out


def volatility_bps(ts_ns: Instants, mid: Floats, settings: FeatureSettings) -> Floats:
    """Return the realised volatility of the grid's mids over the window, in bps per window."""
    out = np.full(len(mid), np.nan)
    cells = settings.volatility_cells
    if len(mid) == 0:
        return out
    first, samples = mid_samples(ts_ns, mid, settings.grid_ms)
    if len(samples) <= cells:
        return out
    squares = np.log(samples[1:] / samples[:-1]) ** 2
    window_sums = np.lib.stride_tricks.sliding_window_view(squares, cells).sum(axis=1)
    ends = ts_ns // (settings.grid_ms * NS_PER_MS) - first - cells
    known = ends >= 0
    out[known] = np.sqrt(window_sums[ends[known]]) * BPS
    return out


def vwap(price: Floats, size: Floats) -> Floats:
    """Return the volume-weighted average price in USD after each trade; exactly as `Vwap` has it."""
    volume = np.cumsum(size)
    turnover = np.cumsum(price * size)
    return np.divide(turnover, volume, out=np.full(len(price), np.nan), where=volume > 0)


def book_imbalance(bid_sizes: Floats, ask_sizes: Floats, n: int) -> Floats:
    """Return the imbalance of the `n` best levels of books (n_books, n_levels); NaN if a side is empty."""
    bids, asks = bid_sizes[:, :n].sum(axis=1), ask_sizes[:, :n].sum(axis=1)
    whole = (bids > 0) & (asks > 0)
    return np.divide(bids - asks, bids + asks, out=np.full(len(bids), np.nan), where=whole)


def quote_features(
    ts_ns: Instants,
    prices: tuple[Floats, Floats],
    sizes: tuple[Floats, Floats],
    settings: FeatureSettings,
) -> dict[str, npt.NDArray[Any]]:
    """Return every quote feature of `FeatureSnapshot` by name; `prices` and `sizes` are (bid, ask).

    Give one session at a time: the grid has a cell for every `grid_ms` between first and last quote.
    """
    (bid, ask), (bid_size, ask_size) = prices, sizes
    mid = mid_price(bid, ask)
    events = order_flow_events(bid, ask, bid_size, ask_size)
    half_life_ms = settings.order_flow_half_life_ms
    net = decayed_sum(events, ts_ns, half_life_ms)
    gross = decayed_sum(np.abs(events), ts_ns, half_life_ms)
    return {
        "mid": mid,
        "spread": ask - bid,
        "spread_bps": spread_bps(bid, ask),
        "microprice": microprice(bid, ask, bid_size, ask_size),
        "imbalance": imbalance(bid_size, ask_size),
        "order_flow_imbalance": net,
        "order_flow_ratio": np.divide(net, gross, out=np.zeros(len(net)), where=gross > 0),
        "momentum_bps": momentum_bps(ts_ns, mid, settings),
        "volatility_bps": volatility_bps(ts_ns, mid, settings),
    }
