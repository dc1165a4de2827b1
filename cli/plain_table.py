"""A table as plain text whose cells are never cut: a terminal may wrap it, `less -S` scrolls it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP = "  "


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, texts: Collection[str]) -> str:
    """Return headings and rows in aligned columns, `texts` to the left and all others to the right."""
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
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
