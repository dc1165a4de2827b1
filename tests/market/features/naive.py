"""The definitions of docs/concepts/features.md, written down as plainly as they read."""

from __future__ import annotations

import math
from itertools import pairwise

from market.features import FeatureSettings
from market.time import NS_PER_MS
from tests.market.features.recordings import Quote


def order_flow_event(before: Quote, now: Quote) -> float:
    """Return e_n of Cont, Kukanov and Stoikov: demand added less supply added."""
    demand = (now.bid >= before.bid) * now.bid_size - (now.bid <= before.bid) * before.bid_size
    supply = (now.ask <= before.ask) * now.ask_size - (now.ask >= before.ask) * before.ask_size
    return demand - supply


def decayed_flow(quotes: list[Quote], now_ns: int, half_life_ms: int) -> tuple[float, float]:
    """Return the net and the gross order flow at `now_ns`, each event halved per half-life."""
    terms = [
        order_flow_event(before, now) * 0.5 ** ((now_ns - now.ts_ns) / (half_life_ms * NS_PER_MS))
        for before, now in pairwise(quotes)
    ]
    return math.fsum(terms), math.fsum(map(abs, terms))


def mid_before(quotes: list[Quote], instant_ns: int) -> float | None:
    """Return the mid of the last quote stamped before `instant_ns`."""
    earlier = [quote for quote in quotes if quote.ts_ns < instant_ns]
    return (earlier[-1].bid + earlier[-1].ask) / 2 if earlier else None


def momentum_bps(quotes: list[Quote], now_ns: int, settings: FeatureSettings) -> float | None:
    """Return the return of the current mid over the sample one horizon before the last grid instant."""
    grid_ns = settings.grid_ms * NS_PER_MS
    instant_ns = now_ns // grid_ns * grid_ns - settings.momentum_horizon_ms * NS_PER_MS
    reference = mid_before(quotes, instant_ns)
    if reference is None:
        return None
    return ((quotes[-1].bid + quotes[-1].ask) / 2 / reference - 1) * 1e4


def volatility_bps(quotes: list[Quote], now_ns: int, settings: FeatureSettings) -> float | None:
    """Return the root of the summed squared log returns of the last window's grid samples."""
    grid_ns = settings.grid_ms * NS_PER_MS
    last_ns = now_ns // grid_ns * grid_ns
    cells = settings.volatility_window_ms // settings.grid_ms
    samples = [mid_before(quotes, last_ns - cell * grid_ns) for cell in range(cells, -1, -1)]
    known = [sample for sample in samples if sample is not None]
    if len(known) <= cells:
        return None
    return 1e4 * math.sqrt(math.fsum(math.log(now / before) ** 2 for before, now in pairwise(known)))
