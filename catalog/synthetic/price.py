"""The efficient price of a synthetic stock: what quotes follow and nobody sees.

A continuous martingale in log price with a U-shaped, slowly wandering volatility, a part in common
with the market, and jumps. No drift and no momentum is planted: whatever can be predicted about
quotes comes from how they follow this price (`synthetic_quotes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from catalog.synthetic.chance import FloatArray, generator, slow_noise
from catalog.synthetic.spec import SyntheticMarketSpec, SyntheticSymbol
from market.calendar import Session
from market.time import NS_PER_SECOND

VOLATILITY_MEMORY_SECONDS = 1_800.0
VOLATILITY_LOG_DEVIATION = 0.30
JUMP_MEMORY_SECONDS = 90.0
"""How long spread and activity stay raised after a jump (decay to 1/e)."""
_QUIET_EDGE_SECONDS = 60.0  # no jump in the first and last minute: they would move no quote that exists


def intraday_curve(seconds: int, *, at_open: float, at_close: float) -> FloatArray:
    """Return a U-shaped curve of mean 1 over a session, one value a second, `(seconds,)`.

    `at_open` and `at_close` are the extra height of the two ends relative to the middle; each end
    decays with a fifteenth of the session.
    """
    elapsed = (np.arange(seconds) + 0.5) / seconds
    curve = 1.0 + at_open * np.exp(-elapsed * 15) + at_close * np.exp(-(1 - elapsed) * 15)
    return np.asarray(curve / curve.mean(), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A trading halt, in seconds after the open: nothing happens from `start` to before `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePath:
    """How the efficient price of one symbol moves through one session, before it is sampled.

    Arrays over seconds have shape `(seconds,)`, over marks (second boundaries) `(seconds + 1,)`.
    """

    opening_price: float
    volatility: FloatArray
    """Relative to the day's mean, over seconds."""
    own_variance: FloatArray
    """Cumulative variance of the symbol's own log return, over marks."""
    market_variance: FloatArray
    """Cumulative variance of the market's part of the log return, over marks."""
    market_return: FloatArray
    """The market's part of the log return, over marks."""
    jump_seconds: FloatArray
    jump_returns: FloatArray
    excitement: FloatArray
    """0 in quiet, 1 at a jump, decaying; over seconds."""


def draw_halts(spec: SyntheticMarketSpec, *, symbol: str, day: date, seconds: int) -> tuple[Halt, ...]:
    """Return the halts of one symbol's day: none or one, never in the first or last tenth of the session."""
    rng = generator(spec.seed, day, symbol, "halts")
    is_halted, position = rng.random(2)
    if is_halted >= spec.halt_probability:
        return ()
    length = spec.halt_minutes * 60
    start = int(seconds * 0.1 + position * (seconds * 0.8 - length))
    return (Halt(start=start, end=start + length),)


def price_path(
    spec: SyntheticMarketSpec,
    stock: SyntheticSymbol,
    *,
    session: Session,
    opening_price: float,
    halts: tuple[Halt, ...],
) -> PricePath:
    """Draw the path of `stock` through `session`; a halt ends with a jump to the reopening price."""
    seconds = (session.close_ns - session.open_ns) // NS_PER_SECOND
    rng = generator(spec.seed, session.date, stock.symbol, "volatility")
    volatility = _volatility(rng, seconds)
    market_return, market_share = _market(spec, day=session.date, seconds=seconds)
    shared = stock.market_beta * spec.market_volatility_fraction_day
    own = stock.volatility_fraction_day**2 - shared**2
    jump_seconds, jump_returns = _jumps(rng, spec, stock=stock, seconds=seconds, halts=halts)
    return PricePath(
        opening_price=opening_price,
        volatility=volatility,
        own_variance=_cumulative(volatility**2) * (own / seconds),
        market_variance=market_share * shared**2,
        market_return=market_return * stock.market_beta,
        jump_seconds=jump_seconds,
        jump_returns=jump_returns,
        excitement=_excitement(jump_seconds, seconds),
    )


def sample_price(path: PricePath, rng: np.random.Generator, at_seconds: FloatArray) -> FloatArray:
    """Return the efficient price in USD at increasing times in seconds after the open, `(n,)`.

    Between second marks the market's part is a Brownian bridge: symbols correlate from one second
    up, and no symbol's price can be foretold from the mark ahead.
    """
    marks = np.arange(len(path.own_variance), dtype=np.float64)
    times = np.concatenate([marks, at_seconds])
    order = np.argsort(times, kind="stable")
    sorted_times = times[order]
    is_mark = order < len(marks)

    def brownian(variance: FloatArray) -> FloatArray:
        steps = np.diff(np.interp(sorted_times, marks, variance), prepend=0.0)
        return np.cumsum(rng.standard_normal(len(steps)) * np.sqrt(np.maximum(steps, 0.0)))

    bridge = brownian(path.market_variance)
    bridge += np.interp(sorted_times, marks, path.market_return - bridge[is_mark])
    log_return = (brownian(path.own_variance) + bridge)[~is_mark]
    jumped = np.concatenate([[0.0], np.cumsum(path.jump_returns)])
    log_return += jumped[np.searchsorted(path.jump_seconds, at_seconds, side="right")]
    return np.asarray(path.opening_price * np.exp(log_return), dtype=np.float64)


def _volatility(rng: np.random.Generator, seconds: int) -> FloatArray:
    noise = slow_noise(rng, seconds, memory=VOLATILITY_MEMORY_SECONDS) * VOLATILITY_LOG_DEVIATION
    # exp(noise - variance) has a mean square of 1: the day's volatility stays what the spec says.
    level = np.exp(noise - VOLATILITY_LOG_DEVIATION**2)
    curve = np.sqrt(intraday_curve(seconds, at_open=5.0, at_close=1.5))
    return np.asarray(curve * level, dtype=np.float64)


def _market(spec: SyntheticMarketSpec, *, day: date, seconds: int) -> tuple[FloatArray, FloatArray]:
    """Return the market's cumulative return, and its share of the day's variance so far, over marks."""
    rng = generator(spec.seed, day, "", "market")
    volatility = _volatility(rng, seconds)
    steps = (
        rng.standard_normal(seconds) * volatility * (spec.market_volatility_fraction_day / np.sqrt(seconds))
    )
    return np.concatenate([[0.0], np.cumsum(steps)]), _cumulative(volatility**2) / seconds


def _jumps(
    rng: np.random.Generator,
    spec: SyntheticMarketSpec,
    *,
    stock: SyntheticSymbol,
    seconds: int,
    halts: tuple[Halt, ...],
) -> tuple[FloatArray, FloatArray]:
    count = rng.poisson(spec.jumps_per_day * seconds / 23_400)
    drawn = rng.uniform(_QUIET_EDGE_SECONDS, seconds - _QUIET_EDGE_SECONDS, count)
    times = np.concatenate([drawn, [halt.end for halt in halts]])
    sizes = rng.standard_normal(len(times)) * (spec.jump_fraction * stock.volatility_fraction_day)
    order = np.argsort(times, kind="stable")
    return times[order], sizes[order]


def _excitement(jump_seconds: FloatArray, seconds: int) -> FloatArray:
    since = np.arange(seconds)[None, :] - np.floor(jump_seconds)[:, None]
    each = np.where(since >= 0, np.exp(-np.maximum(since, 0) / JUMP_MEMORY_SECONDS), 0.0)
    return np.asarray(each.max(axis=0, initial=0.0), dtype=np.float64)


def _cumulative(values: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(values)])
