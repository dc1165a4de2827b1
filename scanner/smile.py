"""The distribution at expiry that the strikes of one right imply: a normal deviate at each, linear between.

At a listed strike the deviate is that of N(d2) at the strike's own volatility; between two listed strikes it
is interpolated in the logarithm of the price. Where all volatilities are equal this is the lognormal
distribution of Black and Scholes. Bounds that need no search tell what is worth computing.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.pricing.european import cumulative
from market.pricing.scaled_erfc import Array

_RESET = 1e6  # larger than any slope: separates the expiries in one running maximum
_ROUNDING = 1e-6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


class Smile:
    """Nodes of shape `(n,)`: `strike`, ordered by expiry (`segment`, 0 upwards), then away from the money.

    `deviate` is that of the probability of ending short of the strike; it rises along an expiry, save for
    noise in the quotes.
    """

    def __init__(self, strike: Array, deviate: Array, segment: NDArray[np.intp], *, is_call: bool) -> None:
        self.strike, self.deviate, self.segment = strike, deviate, segment
        self.is_call = is_call
        self.depth = np.log(strike) if is_call else -np.log(strike)
        """Rises along an expiry."""

    def at(self, depth: Array, segment: NDArray[np.intp]) -> Array:
        """Return the deviates at `depth` (signed logarithm of a price) of each `segment`, shape of both.

        Beyond the outer strikes the line through the two nearest goes on.
        """
        left = np.searchsorted(self._keys, segment * self._span + depth, side="right") - 1
        first, last = self._first[segment], self._first[segment + 1] - 1
        left = np.clip(left, first, np.maximum(last - 1, first))
        right = np.minimum(left + 1, last)
        base = self.deviate[left]
        run = np.where(right > left, self.depth[right] - self.depth[left], 1.0)
        result: Array = base + (depth - self.depth[left]) / run * (self.deviate[right] - base)
        return result

    @cached_property
    def steepest(self) -> Array:
        """Largest slope of the deviate in depth from each node to the end of its expiry, at least 0."""
        return np.maximum(self._running(self._slopes), 0.0) + _ROUNDING

    @cached_property
    def flattest(self) -> Array:
        """Smallest slope of the deviate in depth from each node to the end of its expiry."""
        return -self._running(-self._slopes) - _ROUNDING

    def paid(self, nodes: NDArray[np.intp] | None = None) -> Array:
        """Minus the mean payoff at expiry beyond each node, up to the expiry's last, USD a share, `(n,)`.

        Of two nodes the difference is what is paid between them: the chance of ending beyond a price,
        integrated over prices by Gauss-Legendre between neighbours. Worked out once, and for `nodes` only as
        far as they need it; what nobody asked for is NaN.
        """
        known_from, paid = self._paid
        wanted_from = self._first[1:].copy()
        if nodes is None:
            wanted_from[:] = self._first[:-1]
        else:
            np.minimum.at(wanted_from, self.segment[nodes], nodes)
        unknown = np.flatnonzero(wanted_from < known_from)
        if unknown.size:
            start, end = wanted_from[unknown], known_from[unknown]
            row = np.repeat(np.arange(unknown.size), end - start)  # one a segment, summed from its end
            place = np.arange(row.size) - np.repeat(np.cumsum(end - start) - end, end - start)
            inwards = end[row] - place
            sums = np.zeros((unknown.size, int(inwards.max()) + 1))
            is_partly_known = np.flatnonzero(end < self._first[unknown + 1])
            sums[is_partly_known, 0] = paid[end[is_partly_known]]
            sums[row, inwards] = -self._pieces(place)
            paid[place] = np.cumsum(sums, axis=1)[row, inwards]
            known_from[unknown] = start
        return paid

    @cached_property
    def _paid(self) -> tuple[NDArray[np.intp], Array]:
        """From which node on the values of each segment are known, and the values."""
        return self._first[1:].copy(), np.full(len(self.strike), np.nan)

    def _pieces(self, nodes: NDArray[np.intp]) -> Array:
        """Return the mean payoff between each of the nodes and the next one, 0 after an expiry's last."""
        level = self.strike[nodes] if self.is_call else -self.strike[nodes]
        following = np.where(self._has_next[nodes], nodes + 1, nodes)
        half = 0.5 * np.abs(self.strike[following] - self.strike[nodes])
        prices = np.abs(level + np.multiply.outer(1.0 + _NODES, half))
        depth = np.log(prices) if self.is_call else -np.log(prices)
        run = self.depth[following] - self.depth[nodes]
        rise = self.deviate[following] - self.deviate[nodes]
        slopes = np.divide(rise, run, out=np.zeros_like(rise), where=following > nodes)
        chances = cumulative(-(self.deviate[nodes] + (depth - self.depth[nodes]) * slopes))
        chances *= _WEIGHTS[:, np.newaxis]
        pieces: Array = (chances[0] + chances[1] + chances[2] + chances[3]) * half
        return pieces

    @cached_property
    def _has_next(self) -> NDArray[np.bool_]:
        return np.append(self.segment[1:] == self.segment[:-1], False)

    @cached_property
    def _slopes(self) -> Array:
        """Slope from each node to the next of its expiry; of the last node that of the one before."""
        slopes: Array = np.zeros_like(self.depth)
        np.divide(np.diff(self.deviate), np.diff(self.depth), out=slopes[:-1], where=self._has_next[:-1])
        slopes[1:] = np.where(
            self._has_next[1:], slopes[1:], slopes[:-1] * (self.segment[1:] == self.segment[:-1])
        )
        return slopes

    def _running(self, values: Array) -> Array:
        """Return the maximum from each node to the end of its expiry."""
        offset = (self.segment[-1] + 1 - self.segment) * _RESET if len(values) else values
        running: Array = np.maximum.accumulate((values + offset)[::-1])[::-1] - offset
        return running

    @cached_property
    def _span(self) -> float:
        """Distance of the expiries in the keys; no price of interest is a factor of a million away."""
        return float(np.ptp(self.depth)) + 30.0 if len(self.depth) else 30.0

    @cached_property
    def _keys(self) -> Array:
        return self.depth + self.segment * self._span

    @cached_property
    def _first(self) -> NDArray[np.intp]:
        """First node of each expiry, and the number of nodes."""
        return np.searchsorted(self.segment, np.arange(int(self.segment[-1]) + 2 if len(self.segment) else 1))
