"""Features of the level-1 quote, updated tick by tick."""

from __future__ import annotations

from math import exp, log

from market.features.mid_grid import BPS, MidGrid
from market.features.settings import FeatureSettings
from market.features.snapshot import FeatureSnapshot
from market.time import NS_PER_MS


class QuoteFeatures:
    """Spread, mid, microprice, imbalance, order flow imbalance, momentum and volatility of one instrument.

    `on_quote` stores the quote and updates what depends on history; `snapshot` computes the rest when
    somebody looks. Both are O(1) amortised. Deterministic: the same quotes give the same floats.

    Order flow is summed with weights that grow as exp((t - origin) / tau) and is divided by the weight of
    now when it is read (forward decay, Cormode et al. 2009): an event then costs one addition instead of a
    decay of every sum. `_pass_grid` moves the origin on before the weights become large.
    """

    __slots__ = (
        "_buy_flow",
        "_elapsed_ns",
        "_grid",
        "_grid_ns",
        "_growth_per_ns",
        "_origin_ns",
        "_room_ns",
        "_sell_flow",
        "ask",
        "ask_size",
        "bid",
        "bid_size",
        "is_valid",
        "refused",
    )

    def __init__(self, settings: FeatureSettings | None = None) -> None:
        settings = settings or FeatureSettings()
        self._growth_per_ns = log(2.0) / (settings.order_flow_half_life_ms * NS_PER_MS)
        self._grid = MidGrid(settings)
        self._grid_ns = settings.grid_ms * NS_PER_MS
        self.refused = 0
        """Quotes that were not used: one-sided, crossed, or stamped before the one before."""
        self.reset()

    def reset(self) -> None:
        """Forget all history, as at the start of a session; the next quote is the first."""
        self.bid = self.ask = self.bid_size = self.ask_size = 0.0
        self.is_valid = False
        self._buy_flow = self._sell_flow = 0.0
        self._origin_ns = self._elapsed_ns = self._room_ns = 0
        self._grid.clear()

    @property
    def ts_ns(self) -> int:
        """When the last used quote was stamped, in ns UTC; 0 before the first."""
        return self._origin_ns + self._elapsed_ns

    def on_quote(self, bid: float, ask: float, bid_size: float, ask_size: float, ts_ns: int) -> None:
        """Take the quote of `ts_ns` (ns UTC): prices in USD, sizes in shares.

        A quote with a missing side, a crossed quote and one older than the last are counted in `refused`
        and otherwise ignored; after the first two `snapshot` returns None until a usable quote comes.
        """
        elapsed_ns = ts_ns - self._origin_ns
        if not (0.0 < bid <= ask and bid_size > 0.0 and ask_size > 0.0 and elapsed_ns >= self._elapsed_ns):
            self._refuse(elapsed_ns)
            return
        if elapsed_ns >= self._room_ns:
            elapsed_ns = self._pass_grid(bid, ask, bid_size, ask_size, ts_ns)
        last = self.bid
        if bid == last:
            flow = bid_size - self.bid_size
        elif bid > last:
            flow = bid_size
        else:
            flow = -self.bid_size
        last = self.ask
        if ask == last:
            flow += self.ask_size - ask_size
        elif ask > last:
            flow += self.ask_size
        else:
            flow -= ask_size
        if flow > 0.0:
            self._buy_flow += flow * exp(elapsed_ns * self._growth_per_ns)
        else:
            self._sell_flow -= flow * exp(elapsed_ns * self._growth_per_ns)
        self.bid = bid
        self.ask = ask
        self.bid_size = bid_size
        self.ask_size = ask_size
        self._elapsed_ns = elapsed_ns

    def snapshot(
        self,
        now_ns: int,
        *,
        vwap: float | None = None,
        book_imbalance: float | None = None,
        book_microprice: float | None = None,
    ) -> FeatureSnapshot | None:
        """Return all features at `now_ns` (ns UTC, not before the last quote), or None without a quote.

        What this object cannot know, the day's VWAP and the book, is passed in. Calling it or not never
        changes later features.
        """
        if not self.is_valid:
            return None
        bid, ask, bid_size, ask_size = self.bid, self.ask, self.bid_size, self.ask_size
        mid = (bid + ask) * 0.5
        grid = self._grid
        if now_ns >= grid.next_ns:
            grid.advance(now_ns, mid)
        depth = bid_size + ask_size
        net, gross = self._buy_flow - self._sell_flow, self._buy_flow + self._sell_flow
        return FeatureSnapshot(
            now_ns,
            bid,
            ask,
            bid_size,
            ask_size,
            mid,
            ask - bid,
            (ask - bid) / mid * BPS,
            (bid * ask_size + ask * bid_size) / depth,
            (bid_size - ask_size) / depth,
            net * exp((self._origin_ns - now_ns) * self._growth_per_ns),
            net / gross if gross else 0.0,
            (mid / grid.reference_mid - 1.0) * BPS if grid.reference_mid else None,
            grid.volatility_bps,
            vwap,
            book_imbalance,
            book_microprice,
        )

    def _pass_grid(self, bid: float, ask: float, bid_size: float, ask_size: float, ts_ns: int) -> int:
        """Do what is due only now and then; returns the ns since the new origin: 0."""
        if self._origin_ns:
            self._grid.advance(ts_ns, (self.bid + self.ask) * 0.5)
            decay = exp((self._origin_ns - ts_ns) * self._growth_per_ns)
            self._buy_flow *= decay
            self._sell_flow *= decay
        else:  # the first quote: nothing has flowed yet
            self._grid.start(ts_ns)
            self.bid, self.ask, self.bid_size, self.ask_size = bid, ask, bid_size, ask_size
        self._origin_ns = ts_ns
        # A look ahead may have moved the grid far on; the weights would grow without bound until then.
        self._room_ns = min(self._grid.next_ns - ts_ns, self._grid_ns)
        self.is_valid = True
        return 0

    def _refuse(self, elapsed_ns: int) -> None:
        self.refused += 1
        if elapsed_ns >= self._elapsed_ns:
            self.is_valid = False
            self._room_ns = 0  # so that the next usable quote passes where is_valid is set
