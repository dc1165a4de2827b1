"""A rolling sum that never subtracts."""

from __future__ import annotations


class RollingSum:
    """Sum of the last `size` values pushed, in O(1) amortised and without drift.

    Adding the new value and subtracting the old one leaves rounding errors behind for ever: after one
    large value passed through, a sum of squares may even turn negative. Here time is cut into blocks of
    `size` values: the window is the tail of the previous block (a suffix sum, computed once per block)
    plus the head of this one (a running sum), as in van Herk's sliding extremum. Values of one sign keep
    a relative error below `size` rounding units.
    """

    __slots__ = ("_block", "_head", "_position", "_tails", "is_full", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_full = False
        """Whether at least `size` values were pushed."""
        self._block = [0.0] * size
        self._tails = [0.0] * (size + 1)  # _tails[i]: sum of the previous block from position i on
        self._head = 0.0
        self._position = 0

    def push(self, value: float) -> None:
        """Add `value`; the value pushed `size` pushes ago leaves the sum."""
        position = self._position
        self._block[position] = value
        self._head += value
        position += 1
        if position < self.size:
            self._position = position
        else:
            self._start_block()

    @property
    def total(self) -> float:
        """The sum of the last `size` values, or of all when fewer were pushed."""
        return self._tails[self._position] + self._head

    def clear(self) -> None:
        """Forget everything."""
        self.is_full = False
        self._position = 0
        self._head = 0.0
        self._tails = [0.0] * (self.size + 1)

    def _start_block(self) -> None:
        tail = 0.0
        for position in range(self.size - 1, -1, -1):
            tail += self._block[position]
            self._tails[position] = tail
        self._head = 0.0
        self._position = 0
        self.is_full = True
