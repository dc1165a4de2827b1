"""Which quotes make a price worth believing, and what the others still say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.marks import Mark, follow, mark_at
from risk.snapshot import Quote

D = Decimal
BEFORE = Mark(D("4.99"), D("5.00"), 1, 2)


def seen(
    bid: str,
    ask: str,
    *,
    sizes: tuple[int, int] = (100, 100),
    kind: str = "stock",
    mark: Mark | None = BEFORE,
) -> Mark | None:
    return follow(mark, Quote(D(bid), D(ask), *sizes, 7), kind, 9)  # type: ignore[arg-type]


@pytest.mark.parametrize("mark", [BEFORE, None])
@pytest.mark.parametrize(("bid", "ask"), [("4.10", "4.20"), ("5.00", "5.00"), ("5.00", "10.00")])
def test_a_quote_with_two_sides_is_followed(mark: Mark | None, bid: str, ask: str) -> None:
    assert seen(bid, ask, mark=mark) == Mark(D(bid), D(ask), 7, 9)


@pytest.mark.parametrize(("bid", "ask"), [("4.00", "3.99"), ("5.01", "5.00")])
def test_a_crossed_quote_says_nothing(bid: str, ask: str) -> None:
    assert seen(bid, ask) == BEFORE


@pytest.mark.parametrize(
    ("bid", "ask", "sizes", "marked"),
    [
        ("0", "5.01", (0, 100), ("4.99", "5.00")),
        ("0", "4.00", (0, 100), ("4.00", "4.00")),
        ("4.50", "4.60", (0, 100), ("4.60", "4.60")),
        ("4.50", "4.60", (100, 0), ("4.99", "5.00")),
        ("6.00", "0", (100, 0), ("6.00", "6.00")),
        ("6.00", "0", (100, 100), ("6.00", "6.00")),
        ("-1", "-1", (100, 100), ("4.99", "5.00")),
        ("2.00", "9.00", (100, 100), ("4.99", "5.00")),
        ("0.01", "199999", (100, 100), ("4.99", "5.00")),
        ("2.00", "4.01", (100, 100), ("4.01", "4.01")),
    ],
)
def test_a_side_that_is_missing_or_a_stub_is_bounded_by_the_other(
    bid: str, ask: str, sizes: tuple[int, int], marked: tuple[str, str]
) -> None:
    """What is offered at 4.00 is worth no more, whoever bids; what is bid for at 6.00 costs no less."""
    assert seen(bid, ask, sizes=sizes) == Mark(D(marked[0]), D(marked[1]), 7, 2)


def test_without_an_earlier_price_one_side_of_a_stock_is_none() -> None:
    assert seen("0", "5.00", sizes=(0, 100), mark=None) is None
    assert seen("5.00", "0", sizes=(100, 0), kind="option", mark=None) is None


def test_an_option_without_a_bid_is_seen_and_worth_its_ask_at_most() -> None:
    before = Mark(D("0.30"), D("0.40"), 1, 2)
    for shown in (0, 10):
        after = seen("0", "0.05", sizes=(shown, 10), kind="option", mark=before)
        assert after == Mark(D("0.05"), D("0.05"), 7, 9)
    assert seen("0", "5.00", sizes=(0, 10), kind="option", mark=before) == Mark(D("0.30"), D("0.40"), 7, 9)
    assert seen("0", "0.05", sizes=(0, 10), kind="option", mark=None) == Mark(D(0), D("0.05"), 7, 9)


def test_an_options_quote_may_be_wider_than_a_stocks() -> None:
    before = Mark(D("0.30"), D("0.40"), 1, 2)
    assert seen("0.05", "0.50", kind="option", mark=before) == Mark(D("0.05"), D("0.50"), 7, 9)
    assert seen("0.05", "0.51", kind="option", mark=before) == Mark(D("0.30"), D("0.40"), 7, 2)


def test_a_trade_makes_both_sides() -> None:
    assert mark_at(D("5.00"), 3) == Mark(D("5.00"), D("5.00"), 3, 3)
    assert mark_at(D("5.00")).seen_ns == 0


PRICES = st.integers(-1, 2_000).map(lambda cents: D(cents) / 100)


@given(PRICES, PRICES, st.integers(0, 1), st.integers(0, 1))
def test_a_mark_never_crosses_and_never_lies_beyond_what_is_shown(
    bid: Decimal, ask: Decimal, bid_size: int, ask_size: int
) -> None:
    mark = follow(BEFORE, Quote(bid, ask, bid_size, ask_size, 7), "stock", 9)
    assert mark is not None
    assert 0 < mark.bid <= mark.ask
    if bid > 0 < bid_size and ask > 0 < ask_size and bid <= ask:
        assert bid <= mark.bid <= mark.ask <= ask
