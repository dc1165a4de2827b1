"""Reaching what NautilusTrader 1.231 hides in C attributes, for the patches beside this file.

Nautilus offers no way to name another matching engine or to hand one to a venue; the garbage collector
sees what an object refers to, so the dictionaries that hold them are found there. Every use checks that
it found exactly one, and says which patch to look at otherwise.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nautilus_trader.system import kernel

from market.errors import HarvesterError


def dictionary_of(owner: object, kind: type, *, keys: type = object) -> dict[Any, Any]:
    """Return the dictionary inside `owner` that holds objects of `kind` (under keys of type `keys`).

    Raises `HarvesterError` unless there is exactly one; an empty dictionary is not found.
    """
    found = [
        value
        for value in gc.get_referents(owner)
        if isinstance(value, dict) and value and _holds(value, kind, keys)
    ]
    if len(found) != 1:
        raise HarvesterError(
            f"{type(owner).__name__} refers to {len(found)} dictionaries of {kind.__name__}, expected 1. "
            "NautilusTrader is not the version that backtests/nautilus_*.py was written for (1.231.0)."
        )
    return found[0]


@contextmanager
def kernel_parts(**classes: type) -> Iterator[None]:
    """Have kernels that are built inside the block use `classes`, by the names that the kernel gives them.

    Not for threads that build kernels side by side.
    """
    shipped = {name: getattr(kernel, name) for name in classes}
    try:
        for name, replacement in classes.items():
            setattr(kernel, name, replacement)
        yield
    finally:
        for name, original in shipped.items():
            setattr(kernel, name, original)


def _holds(dictionary: dict[Any, Any], kind: type, keys: type) -> bool:
    return all(isinstance(key, keys) and isinstance(item, kind) for key, item in dictionary.items())
