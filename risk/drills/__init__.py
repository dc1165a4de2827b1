"""Rehearsals of incidents, run by `harvester drill` and by tests/drills; one incident per file.

`all_drills` imports Nautilus, so it is a function.
"""

from __future__ import annotations

from risk.drills.drill import Drill


def all_drills() -> tuple[Drill, ...]:
    """Return every drill, in the order in which they are run."""
    from risk.drills import (
        nautilus_breached_limits,
        nautilus_daily_loss,
        nautilus_killed_in_mid_order,
        nautilus_runaway_strategy,
        nautilus_spread_flatten,
        nautilus_stale_feed,
        nautilus_unreadable_breaker,
    )

    return (
        nautilus_breached_limits.DRILL,
        nautilus_daily_loss.DRILL,
        nautilus_stale_feed.DRILL,
        nautilus_runaway_strategy.DRILL,
        nautilus_spread_flatten.DRILL,
        nautilus_killed_in_mid_order.DRILL,
        nautilus_unreadable_breaker.DRILL,
    )
