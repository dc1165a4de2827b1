"""Cells are aligned, and never cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.plain_table import plain_table


def test_texts_stand_left_and_numbers_right() -> None:
    table = plain_table(["day", "net"], [["monday", "1.00"], ["all", "-21.22"]], texts=["day"])
    assert table == "day        net\n------  ------\nmonday    1.00\nall     -21.22\n"


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1), min_size=1))
def test_no_cell_is_cut(cells: list[str]) -> None:
    lines = plain_table(["name", "n"], [[cell, "1"] for cell in cells], texts=["name"]).splitlines()
    assert [line.split() for line in lines[2:]] == [[cell, "1"] for cell in cells]


def test_columns_that_do_not_fit_follow_below() -> None:
    table = plain_table(["day", "net", "fees"], [["mon", "1.00", "0.35"]], texts=["day"], width=10)
    assert table == "day   net\n---  ----\nmon  1.00\n\nday  fees\n---  ----\nmon  0.35\n"
    assert plain_table(["day"], [["a long name"]], texts=[], width=3).splitlines()[2] == "a long name"


@given(st.integers(1, 60), st.lists(st.integers(0, 10**12), min_size=2, max_size=8))
def test_no_table_is_wider_than_the_terminal_if_two_columns_fit(width: int, numbers: list[int]) -> None:
    cells = ["a", *map(str, numbers)]
    headings = [f"c{index}" for index in range(len(cells))]
    lines = plain_table(headings, [cells], texts=[], width=width).splitlines()
    widest = max(len(cell) for cell in cells)
    assert max(map(len, lines)) <= max(width, 2 + 2 + max(2, widest))
    shown = [cell for line in lines[2::4] for cell in line.split()[1:]]
    assert shown == cells[1:]
