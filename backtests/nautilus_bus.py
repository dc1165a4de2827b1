"""PATCH of NautilusTrader 1.231: a message bus that does not examine each record for external streams.

As shipped, the bus asks of every message, every tick among them, whether its type is one of about 70
that are published outside the process, even where nothing is: more than 1 us a record, a quarter of an
idle engine's work. `types_filter` takes types out of the question; here it takes all of them.

`tests/backtests/test_nautilus_bus.py` measures the cost as shipped and fails once it is gone: then
delete this file. A bus configured so feeds no external stream and no `msgbus.add_listener`.
"""

from __future__ import annotations

import importlib
from typing import Any

from nautilus_trader.config import MessageBusConfig

_MODULES = (
    "nautilus_trader.common.messages",
    "nautilus_trader.execution.messages",
    "nautilus_trader.execution.reports",
    "nautilus_trader.model.data",
    "nautilus_trader.model.events",
    "nautilus_trader.model.instruments",
)


class _KeptTypes(list[type]):
    """A list that survives its reader: Nautilus copies the filter, then clears the configuration's.

    An emptied list gives the run configuration another id, and `BacktestNode.run` would not find the
    engine that `build` made.
    """

    def __copy__(self) -> list[type]:
        return list(self)

    def clear(self) -> None:
        """Keep everything."""


def local_message_bus() -> MessageBusConfig:
    """Return the configuration of a bus that serves this process alone."""
    return MessageBusConfig(types_filter=_KeptTypes(_publishable_types()))


def _publishable_types() -> list[type]:
    """Return every class that Nautilus might publish; those it never does are harmless in the list."""
    types: list[Any] = [str, int, float, bytes]
    for name in _MODULES:
        types += [value for value in vars(importlib.import_module(name)).values() if isinstance(value, type)]
    return types
