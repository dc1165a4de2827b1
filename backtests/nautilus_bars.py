"""PATCH of NautilusTrader 1.231: caching and publishing a bar without formatting its type as text.

As shipped, each bar is cached and published under its `BarType`, whose hash formats the type as text,
five times a bar. Here a bar of the same type as the one before goes straight to the same place in the
cache and to the same topic: a fifth of the whole cost of a bar.

`tests/backtests/test_nautilus_bars.py` compares cache and deliveries with the shipped engine's, and
measures the cost as shipped; it fails once upstream has cured it: then delete this file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nautilus_trader.data.engine import DataEngine
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import PriceType

from backtests.nautilus_internals import dictionary_of

if TYPE_CHECKING:
    from nautilus_trader.cache.cache import Cache
    from nautilus_trader.common.component import MessageBus
    from nautilus_trader.model.data import Data

_CACHED_BY_TYPE_ONLY = (PriceType.LAST, PriceType.MID)  # bid and ask bars set prices in the cache as well


class BarDataEngine(DataEngine):
    """A `DataEngine` that remembers where bars of the last type went; for runs on bars.

    Does not count bars in `data_count` and does not check their order, which the shipped engine does
    only with `validate_data_sequence`.
    """

    def __init__(self, msgbus: MessageBus, cache: Cache, **settings: Any) -> None:
        super().__init__(msgbus=msgbus, cache=cache, **settings)
        self._bars_of = cache
        self._publish = msgbus.publish
        self._last_type: BarType | None = None
        self._topic = ""
        self._keep: Callable[[Bar], None] = cache.add_bar

    def process(self, data: Data, historical: bool = False) -> None:
        """Cache and publish `data`."""
        if type(data) is not Bar or historical:
            super().process(data, historical)
        elif self._last_type is not None and data.bar_type == self._last_type and not data.is_revision:
            self._keep(data)
            self._publish(self._topic, data)
        else:
            super().process(data)
            if not data.is_revision:  # which alone the cache has certainly kept
                self._remember(data.bar_type)

    def _reset(self) -> None:
        super()._reset()
        self._last_type = None  # the cache is emptied too

    def _remember(self, bar_type: BarType) -> None:
        if bar_type.spec.price_type in _CACHED_BY_TYPE_ONLY:
            self._keep = dictionary_of(self._bars_of, deque, keys=BarType)[bar_type].appendleft
            self._topic = f"data.bars.{bar_type}"
            self._last_type = bar_type
