"""PATCH of NautilusTrader 1.231: remembering a closed position without pickling it three times.

As shipped, a netting account that trades a symbol again first copies the closed position by pickling,
unpickling and pickling it, and the portfolio unpickles it once more: 150 to 300 us a round trip, the
largest part of what a backtest pays for an order. Nothing changes such a position any more, so here the
object itself is kept, under a new id, and pickled by reference: `pickle.loads` finds it in this process.

`tests/backtests/test_nautilus_cache.py` compares both caches and measures the defect as shipped; it
fails once upstream has cured it: then delete this file. Not for a cache with a database.
"""

from __future__ import annotations

import itertools
import pickle
import weakref
from typing import TYPE_CHECKING, Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.identifiers import PositionId
from nautilus_trader.model.position import Position

if TYPE_CHECKING:
    from nautilus_trader.model.identifiers import AccountId, InstrumentId

_numbers = itertools.count(1)
_kept: weakref.WeakValueDictionary[int, KeptPosition] = weakref.WeakValueDictionary()


class KeptPosition(Position):
    """A closed position that outlives its id; equal to what a pickled copy would be."""

    number: int

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by reference: it is found again as long as its cache lives."""
        return _position_kept_as, (self.number,)


class KeepingCache(Cache):
    """A `Cache` that keeps closed positions as they are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[PositionId, list[KeptPosition]] = {}
        self._pickled: dict[PositionId, list[bytes]] = {}  # the portfolio asks for all of them at every close

    def snapshot_position(self, position: Position) -> None:
        """Keep `position`, which has closed and is about to be replaced under its id."""
        kept = self._kept.setdefault(position.id, [])
        kept.append(_keep(position, PositionId(f"{position.id}-{len(kept) + 1}")))
        self._pickled.setdefault(position.id, []).append(pickle.dumps(kept[-1]))

    def position_snapshots(
        self, position_id: PositionId | None = None, account_id: AccountId | None = None
    ) -> list[Position]:
        """Return the kept positions, of all ids or of one, of all accounts or of one."""
        chosen = self._kept.values() if position_id is None else [self._kept.get(position_id, [])]
        return [
            position
            for positions in chosen
            for position in positions
            if account_id is None or position.account_id == account_id
        ]

    def position_snapshot_ids(
        self, instrument_id: InstrumentId | None = None, account_id: AccountId | None = None
    ) -> set[PositionId]:
        """Return the ids under which positions were kept."""
        return {
            position_id
            for position_id, positions in self._kept.items()
            if instrument_id is None or positions[0].instrument_id == instrument_id
            if account_id is None or any(position.account_id == account_id for position in positions)
        }

    def position_snapshot_bytes(self, position_id: PositionId) -> list[bytes]:
        """Return what `pickle.loads` turns into the kept positions of one id."""
        return self._pickled.get(position_id, [])

    def purge_position(self, position_id: PositionId, purge_from_database: bool = False) -> None:
        """Forget a closed position and what was kept under its id."""
        position = self.position(position_id)
        super().purge_position(position_id, purge_from_database)
        if position is None or position.is_closed:
            self._kept.pop(position_id, None)
            self._pickled.pop(position_id, None)

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._kept.clear()
        self._pickled.clear()


def _keep(position: Position, position_id: PositionId) -> KeptPosition:
    """Return `position` under another id; its lists are shared, because nothing changes them any more."""
    restore, (_, checksum, *rest), state = Position.__reduce__(position)
    values = tuple(position_id if value is position.id else value for value in state)
    kept: KeptPosition = restore(KeptPosition, checksum, *rest)
    kept.__setstate__(values)
    kept.number = next(_numbers)
    _kept[kept.number] = kept
    return kept


def _position_kept_as(number: int) -> KeptPosition:
    return _kept[number]
