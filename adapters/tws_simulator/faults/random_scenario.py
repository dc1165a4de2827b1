"""A seeded generator of scenarios: the same seed is the same timeline, on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from adapters.tws_simulator.faults.scenario import Scenario, Step

Draw = Callable[[random.Random], dict[str, Any]]

ORDER_FRAMES = ("OPEN_ORDER", "ORDER_STATUS", "EXECUTION_DATA", "COMMISSION_AND_FEES_REPORT")


def _seconds(chance: random.Random, low: float, high: float) -> float:
    return round(chance.uniform(low, high), 3)


FAULTS: Mapping[str, tuple[int, str, Draw]] = {
    "flap": (4, "farm_flaps", lambda chance: {"times": chance.randint(1, 4), "broken_seconds": 0.1}),
    "disconnect": (3, "disconnect", lambda chance: {"how": chance.choice(["fin", "rst"])}),
    "refusal": (2, "refuse_connections", lambda chance: {"seconds": _seconds(chance, 0.2, 2.0)}),
    "freeze": (
        2,
        "freeze",
        lambda chance: {"seconds": _seconds(chance, 0.2, 2.0), "is_lost": chance.random() < 0.5},
    ),
    "segments": (2, "segments", lambda chance: {"bytes_each": chance.randint(1, 40)}),
    "glue": (1, "segments", lambda chance: {"glue_seconds": _seconds(chance, 0.01, 0.2)}),
    "late frames": (
        3,
        "frame_fault",
        lambda chance: {
            "action": "delay",
            "messages": [chance.choice(ORDER_FRAMES)],
            "delay_seconds": _seconds(chance, 0.05, 1.0),
            "count": chance.randint(1, 3),
        },
    ),
    "lost frames": (
        2,
        "frame_fault",
        lambda chance: {"action": "drop", "messages": [chance.choice(ORDER_FRAMES)], "count": 1},
    ),
    "doubled frames": (
        2,
        "frame_fault",
        lambda chance: {"action": "duplicate", "messages": [chance.choice(ORDER_FRAMES)], "count": 2},
    ),
    "permuted frames": (
        2,
        "frame_fault",
        lambda chance: {
            "action": "hold",
            "messages": list(ORDER_FRAMES),
            "hold": chance.randint(2, 5),
            "permutation": "shuffle",
            "delay_seconds": 0.5,
            "count": 5,
        },
    ),
    "no commission": (
        1,
        "frame_fault",
        lambda _: {"action": "drop", "messages": ["COMMISSION_AND_FEES_REPORT"], "count": 1},
    ),
    "NaN": (1, "frame_fault", lambda _: {"action": "nan", "messages": ["TICK_PRICE"], "count": 3}),
    "skew": (1, "clock_skew", lambda chance: {"seconds": _seconds(chance, -30.0, 30.0)}),
    "data lost": (1, "connection_restored", lambda chance: {"is_data_lost": chance.random() < 0.5}),
    "notice 2110": (1, "notice", lambda _: {"code": 2110}),
    "connectivity": (2, "connection_lost", lambda _: {}),
    "restart": (
        1,
        "restart",
        lambda chance: {"down_seconds": _seconds(chance, 0.2, 2.0), "two_factor_seconds": 0.2},
    ),
}
"""Name -> weight, command, and how its parameters are drawn."""

ENDINGS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "connectivity": ("connection_restored", {"is_data_lost": False}),
    "segments": ("segments", {}),
    "glue": ("segments", {}),
    "skew": ("clock_skew", {"seconds": 0.0}),
}
"""What ends a fault that does not end by itself."""


def random_scenario(
    seed: int, *, seconds: float = 60.0, faults: int = 12, only: tuple[str, ...] = ()
) -> Scenario:
    """Return a scenario of `faults` faults over `seconds`, drawn with `seed`.

    `only` limits the kinds (keys of `FAULTS`). Everything that does not end by itself is ended, and
    nothing is wrong any more in the last tenth of the time.
    """
    unknown = [name for name in only if name not in FAULTS]
    if unknown or seconds <= 0 or faults < 0:
        raise ValueError(f"unknown faults {unknown}, or seconds {seconds} or faults {faults} below 0")
    chance = random.Random(seed)  # noqa: S311 - reproducible chance, not secrecy
    names = list(only or FAULTS)
    weights = [FAULTS[name][0] for name in names]
    steps: list[Step] = []
    for _ in range(faults):
        name = chance.choices(names, weights)[0]
        _, command, draw = FAULTS[name]
        at_seconds = _seconds(chance, 0.0, seconds * 0.8)
        steps.append(Step(at_seconds=at_seconds, do=command, parameters=draw(chance)))
        if name in ENDINGS:
            ending, parameters = ENDINGS[name]
            after = at_seconds + _seconds(chance, 0.1, seconds * 0.1)
            steps.append(Step(at_seconds=round(after, 3), do=ending, parameters=dict(parameters)))
    steps += [
        Step(at_seconds=seconds * 0.9, do=command)
        for command in ("end_frame_faults", "accept_connections", "thaw")
    ]
    steps.sort(key=lambda step: step.at_seconds or 0.0)
    return Scenario(name=f"random {seed}", description=f"seed {seed}, {seconds} s", step=tuple(steps))
