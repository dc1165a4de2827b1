"""The cycle collector rests while the engine runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting_garbage_collector() -> Iterator[None]:
    """Keep Python's cycle collector from scanning orders and events again and again during a run.

    What a backtest allocates lives until its end anyway, and reference counts free the rest.
    """
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
