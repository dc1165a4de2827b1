"""Correlation ids: one per order or recorded decision, the same in every replay of the same data."""

from __future__ import annotations

from market.time import new_york_date

TAG_PREFIX = "decision:"


class CorrelationIds:
    """Ids `<strategy>-<symbol>-<New York date>-<sequence>`, e.g. `harvester-BAC-20131007-12`.

    The date keeps ids apart when a node starts afresh on another day; `sequence` is saved and restored
    so that a restart within the day does not repeat one.
    """

    __slots__ = ("_prefix", "sequence")

    def __init__(self, strategy: str, symbol: str) -> None:
        self._prefix = f"{strategy}-{symbol}"
        self.sequence = 0

    def next(self, now_ns: int) -> str:
        """Return the next id, for a decision at `now_ns` (ns UTC)."""
        self.sequence += 1
        return f"{self._prefix}-{new_york_date(now_ns):%Y%m%d}-{self.sequence}"


def order_tag(correlation_id: str) -> str:
    """Return the tag that an order carries: `decision:<correlation_id>`."""
    return TAG_PREFIX + correlation_id


def correlation_id_of(tags: list[str] | None) -> str | None:
    """Return the correlation id among an order's tags, or None when no decision of ours made it."""
    for tag in tags or ():
        if tag.startswith(TAG_PREFIX):
            return tag.removeprefix(TAG_PREFIX)
    return None
