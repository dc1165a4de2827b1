"""A price-level book from LOBSTER messages, a block at a time, without a loop over messages.

Rules, the same as of a loop over single messages (which the tests compare with):

- an addition opens an order, known by id, side and price, and adds its size to its level;
- a reduction (partial cancellation, deletion, visible execution) is taken from its order where that order
  was added in this file and still holds enough; otherwise from the shares of its level that the seed put
  there, whose orders have no known ids, where those are enough; otherwise it is ignored and counted. What
  is not known to rest cannot be taken away: guessing would look ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.columns import Int64Array
from catalog.headerless_rows import BoolArray, Rows
from catalog.lobster.messages import MessageType


@dataclass(frozen=True, slots=True)
class LevelChanges:
    """Changes of price levels, in order: `row` is the index of the message within its block.

    `side` is 1 (bid) or -1 (ask), `price` in 1/10,000 USD, `before` and `after` the level's shares.
    """

    row: Int64Array
    side: Int64Array
    price: Int64Array
    before: Int64Array
    after: Int64Array

    def __len__(self) -> int:
        return len(self.row)

    def moved_by(self, rows: int) -> LevelChanges:
        """Return the same changes, with `rows` added to the message indices."""
        return LevelChanges(self.row + rows, self.side, self.price, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Levels:
    """Price levels as they stand: side 1 or -1, price in 1/10,000 USD, shares (more than 0)."""

    side: Int64Array
    price: Int64Array
    size: Int64Array


class MessageBook:
    """The book of one instrument and day; `ignored` counts reductions of shares that it never held."""

    def __init__(self, seed: Levels | None = None) -> None:
        none = np.empty(0, dtype=np.int64)
        keys = _level_keys(seed.side, seed.price) if seed else none
        order = np.argsort(keys)
        self._keys = keys[order]  # sorted; one per level with shares
        self._sizes = seed.size[order] if seed else none
        self._unattributed = self._sizes.copy()  # what is left of the seed's shares
        self._order_ids, self._order_keys, self._order_sizes = none, none, none  # live orders of this file
        self.ignored = 0

    def levels(self) -> Levels:
        """Return the levels as they stand."""
        return Levels(_side_of(self._keys), _price_of(self._keys), self._sizes)

    def apply(self, rows: Rows) -> LevelChanges:
        """Apply the messages of `rows` in order; return one change for each message that changed the book."""
        row = np.flatnonzero(rows["type"] <= MessageType.EXECUTE_VISIBLE)
        keys = _level_keys(rows["direction"][row], rows["price"][row])
        is_add = rows["type"][row] == MessageType.ADD
        signed = np.where(is_add, rows["size"][row], -rows["size"][row])
        all_keys = np.union1d(self._keys, keys)
        level = np.searchsorted(all_keys, keys)
        from_orders = self._take_from_orders(rows["order_id"][row], keys, signed)
        from_seed = self._take_from_seed(all_keys, level, signed, ~from_orders)
        taken = from_orders | from_seed
        self.ignored += int((~taken).sum())
        before, after = self._apply_to_levels(all_keys, level[taken], signed[taken])
        row = row[taken]
        return LevelChanges(row, rows["direction"][row], rows["price"][row], before, after)

    def _take_from_orders(self, ids: Int64Array, keys: Int64Array, signed: Int64Array) -> BoolArray:
        """Say which events open or reduce an order of this file; keep the orders that stay open."""
        carried = len(self._order_ids)
        all_ids, all_keys = np.concatenate((self._order_ids, ids)), np.concatenate((self._order_keys, keys))
        changes = np.concatenate((self._order_sizes, signed))
        group = _groups(all_ids, all_keys)
        accepted = accept_in_order(group, changes)
        left = np.zeros(group.max(initial=-1) + 1, dtype=np.int64)
        np.add.at(left, group[accepted], changes[accepted])
        first = np.zeros(len(left), dtype=np.int64)
        first[group[::-1]] = np.arange(len(group) - 1, -1, -1)
        live = first[left > 0]
        self._order_ids, self._order_keys, self._order_sizes = all_ids[live], all_keys[live], left[left > 0]
        return accepted[carried:]

    def _take_from_seed(
        self, all_keys: Int64Array, level: Int64Array, signed: Int64Array, candidate: BoolArray
    ) -> BoolArray:
        pool = np.zeros(len(all_keys), dtype=np.int64)
        pool[np.searchsorted(all_keys, self._keys)] = self._unattributed
        taken = candidate & (-signed <= pool[level])
        index = np.flatnonzero(taken)
        if len(index):
            holders = np.unique(level[index])
            group = np.concatenate((holders, level[index]))
            fits = accept_in_order(group, np.concatenate((pool[holders], signed[index])))[len(holders) :]
            taken[index[~fits]] = False
            np.add.at(pool, level[taken], signed[taken])
        self._unattributed = pool
        return taken

    def _apply_to_levels(
        self, all_keys: Int64Array, level: Int64Array, signed: Int64Array
    ) -> tuple[Int64Array, Int64Array]:
        base = np.zeros(len(all_keys), dtype=np.int64)
        base[np.searchsorted(all_keys, self._keys)] = self._sizes
        order = stable_order(level)
        after = np.empty(len(level), dtype=np.int64)
        after[order] = running_sums(level[order], signed[order]) + base[level[order]]
        np.add.at(base, level, signed)
        held = base > 0
        self._keys, self._sizes, self._unattributed = all_keys[held], base[held], self._unattributed[held]
        return after - signed, after


def accept_in_order(group: Int64Array, changes: Int64Array) -> BoolArray:
    """Say which changes keep the balance of their group at 0 or more, taken one after the other.

    A change that would not is left out and the next one is tried against the balance without it. Balances
    start at 0. Only groups in which something is left out, and that hold anything at all, need a loop.
    """
    order = stable_order(group)
    groups, sizes = group[order], changes[order]
    balance = running_sums(groups, sizes)
    overdrawn = np.unique(groups[balance < 0])
    accepted = np.ones(len(group), dtype=bool)
    if not len(overdrawn):
        return accepted
    filled = np.zeros(groups[-1] + 1, dtype=bool)
    filled[groups[sizes > 0]] = True
    suspect = np.isin(groups, overdrawn)
    accepted[order[suspect & ~filled[groups] & (sizes < 0)]] = False
    loop = np.flatnonzero(suspect & filled[groups])
    balances: dict[int, int] = {}
    events = zip(order[loop].tolist(), groups[loop].tolist(), sizes[loop].tolist(), strict=True)
    for position, key, change in events:
        held = balances.get(key, 0) + change
        if held < 0:
            accepted[position] = False
        else:
            balances[key] = held
    return accepted


def running_sums(groups: Int64Array, values: Int64Array) -> Int64Array:
    """Return cumulative sums that start anew with each group; `groups` is sorted."""
    if not len(groups):
        return np.empty(0, dtype=np.int64)
    total = np.cumsum(values)
    starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    offsets = total[starts] - values[starts]
    return total - np.repeat(offsets, np.diff(starts, append=len(groups)))


def stable_order(codes: Int64Array) -> Int64Array:
    """Return the indices that sort `codes` (0 or more), equal ones in order of appearance.

    Sorting the code and the index packed into one number is several times faster than a stable argsort.
    """
    bits = max(len(codes) - 1, 1).bit_length()
    if codes.max(initial=0) >= 1 << (63 - bits):
        return np.argsort(codes, kind="stable")
    packed = (codes << bits) | np.arange(len(codes), dtype=np.int64)
    packed.sort()
    return packed & ((1 << bits) - 1)


def _groups(ids: Int64Array, keys: Int64Array) -> Int64Array:
    """Return a number for each distinct pair of id and key, from 0."""
    order = np.lexsort((keys, ids))
    new = np.empty(len(order), dtype=bool)
    if len(order):
        new[0] = False
        new[1:] = (np.diff(ids[order]) != 0) | (np.diff(keys[order]) != 0)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(new)
    return group


def _level_keys(side: Int64Array, price: Int64Array) -> Int64Array:
    """Return one number for side and price: bids even, asks odd."""
    return price * 2 + (side == -1)


def _side_of(keys: Int64Array) -> npt.NDArray[np.int64]:
    return 1 - 2 * (keys & 1)


def _price_of(keys: Int64Array) -> npt.NDArray[np.int64]:
    return keys >> 1
