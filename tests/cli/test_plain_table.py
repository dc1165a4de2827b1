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
