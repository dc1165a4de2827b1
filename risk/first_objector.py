"""Asks checks in turn, as one function that is written and compiled when it is asked for.

An order passes some thirty checks, each a few comparisons; a loop over them would spend as long on
itself as they need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def first_objector[**P, T](
    objectors: Sequence[T], checks: Sequence[Callable[P, object | None]], parameters: str
) -> Callable[P, T | None]:
    """Return a function that gives the first of `objectors` whose check finds something, else None.

    `checks` stand at the places of their `objectors`, take `parameters` (names, as in a signature) and
    return None when they find nothing. An exception of a check comes through.
    """
    names: dict[str, Any] = {}
    lines = [f"def first({parameters}):"]
    for number, (objector, check) in enumerate(zip(objectors, checks, strict=True)):
        names |= {f"check_{number}": check, f"objector_{number}": objector}
        lines.append(f"    if check_{number}({parameters}) is not None: return objector_{number}")
    exec("\n".join([*lines, "    return None"]), names)  # noqa: S102 - names that we numbered ourselves
    function: Callable[P, T | None] = names["first"]
    return function
