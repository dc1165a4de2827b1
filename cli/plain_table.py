"""A table as plain text whose cells are never cut: what is too wide for a terminal follows below."""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP = "  "


def plain_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: Collection[str],
    width: int | None = None,
) -> str:
    """Return headings and rows in aligned columns, `texts` to the left and all others to the right.

    Columns that do not fit into `width` follow in further tables, each of which begins with the first column.
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    blocks = [range(len(columns))] if width is None else _blocks(widths, width)
    return "\n".join(_block([columns[index] for index in block], texts=texts) for block in blocks)


def _blocks(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return which columns stand in which table; one that is too wide alone gets a table all the same."""
    blocks = [[0]]
    used = widths[0]
    for index in range(1, len(widths)):
        needed = len(GAP) + widths[index]
        if used + needed > width and len(blocks[-1]) > 1:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(index)
        used += needed
    return blocks


def _block(columns: Sequence[Sequence[str]], *, texts: Collection[str]) -> str:
    widths = [max(len(cell) for cell in column) for column in columns]
    headings, *rows = zip(*columns, strict=True)
    rule = ["-" * width for width in widths]
    lines = [headings, rule, *rows]
    return "".join(_line(cells, headings, widths=widths, texts=texts) for cells in lines)


def _line(
    cells: Sequence[str], headings: Sequence[str], *, widths: Sequence[int], texts: Collection[str]
) -> str:
    placed = [
        cell.ljust(width) if heading in texts else cell.rjust(width)
        for cell, heading, width in zip(cells, headings, widths, strict=True)
    ]
    return GAP.join(placed).rstrip() + "\n"
