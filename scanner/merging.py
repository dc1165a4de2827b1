"""Joins blocks of positions of one structure and one chain, so that NumPy works on one long block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from market.pricing.scaled_erfc import Array
from scanner.positions import Block, Condors, Index, Verticals, Window
from scanner.singles import Singles


def merged(blocks: Sequence[Block], values: Sequence[Array]) -> list[tuple[Block, Array]]:
    """Return blocks of equal structure and chain joined, each with its `values` (one a position).

    The order within a structure is kept.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for number, block in enumerate(blocks):
        groups.setdefault((block.structure, id(block.chain)), []).append(number)
    return [
        (
            _joined([blocks[number] for number in numbers]),
            np.concatenate([values[number] for number in numbers]),
        )
        for numbers in groups.values()
    ]


def _joined(blocks: Sequence[Block]) -> Block:
    first = blocks[0]
    if len(blocks) == 1:
        return first
    if isinstance(first, Condors):
        condors = [block for block in blocks if isinstance(block, Condors)]
        return Condors(
            first.structure,
            _verticals([block.puts for block in condors]),
            _verticals([block.calls for block in condors]),
        )
    if isinstance(first, Verticals):
        return _verticals([block for block in blocks if isinstance(block, Verticals)])
    assert isinstance(first, Singles), f"unknown block {type(first).__name__}"
    singles = [block for block in blocks if isinstance(block, Singles)]
    return Singles(first.structure, first.table, _rows([block.index for block in singles]))


def _verticals(blocks: Sequence[Verticals]) -> Verticals:
    first, second = _rows([block.first for block in blocks]), _rows([block.second for block in blocks])
    return Verticals(blocks[0].structure, blocks[0].table, first, second)


def _rows(parts: Sequence[Index]) -> NDArray[np.intp]:
    arrays = [part for part in parts if not isinstance(part, Window)]
    assert len(arrays) == len(parts), "only blocks that were taken from others are joined"
    return np.concatenate(arrays)
