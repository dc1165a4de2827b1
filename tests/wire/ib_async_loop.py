"""The one event loop of ib_async: it remembers the first loop it meets for the life of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import cache
from typing import Any


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def run[Result](coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` on the shared loop, which is the thread's loop meanwhile."""
    asyncio.set_event_loop(_loop())
    try:
        return _loop().run_until_complete(coroutine)
    finally:
        asyncio.set_event_loop(None)
