"""Positions and profit from fills: exact, against a plain recount of the cash."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from audit.events import FillRecord, PositionRecord
from audit.projection import Book
from tests.audit.projection.builders import D, fill

CENT = Decimal("0.01")
trades = st.lists(
    st.tuples(
        st.integers(-200, 200).filter(bool),
        st.decimals("0.0001", 1000, places=4),
        st.decimals(0, 5, places=2),
        st.sampled_from(("A", "B")),
    ),
    max_size=40,
)


def records(rows: list[tuple[int, Decimal, Decimal, str]], multiplier: int = 1) -> list[FillRecord]:
    return [
        fill(
            quantity, str(price), trade_id=str(number), commission_usd=fee, strategy_id=owner,
            multiplier=multiplier,
        )
        for number, (quantity, price, fee, owner) in enumerate(rows)
    ]  # fmt: skip


@given(trades, st.sampled_from((1, 100)))
def test_profit_is_the_cash_of_the_fills_and_the_cost_of_what_is_held_less_fees(
    rows: list[tuple[int, Decimal, Decimal, str]], multiplier: int
) -> None:
    book = Book()
    cash = fees = Decimal(0)
    for record in records(rows, multiplier):
        book.fill(record)
        signed = record.quantity if record.side == "BUY" else -record.quantity
        cash -= signed * record.price * multiplier
        fees += record.commission_usd
    held = sum((position.cost_usd for position in book.open_positions), Decimal(0))
    assert abs(book.realized_usd - (cash + held - fees)) <= Decimal("0.0001")
    assert book.fees_usd == fees
    quantity = sum(row[0] for row in rows)
    assert sum(position.quantity for position in book.positions.values()) == quantity


@given(trades)
def test_a_book_that_is_flat_has_earned_exactly_its_cash(
    rows: list[tuple[int, Decimal, Decimal, str]],
) -> None:
    book = Book()
    cash = Decimal(0)
    closing = [(-sum(row[0] for row in rows if row[3] == owner), owner) for owner in ("A", "B")]
    flat = rows + [(quantity, Decimal(7), Decimal(1), owner) for quantity, owner in closing if quantity]
    for record in records(flat):
        book.fill(record)
        cash -= (record.quantity if record.side == "BUY" else -record.quantity) * record.price
        cash -= record.commission_usd
    assert book.open_positions == []
    assert book.realized_usd == cash
    assert book.unrealized_usd({}) == 0


def test_a_fill_through_zero_closes_and_opens_and_splits_its_fee_by_shares() -> None:
    book = Book()
    book.fill(fill(10, "5.00"))
    book.fill(fill(-30, "5.10", commission_usd=D("0.60")))
    (position,) = book.open_positions
    assert (position.quantity, position.average_open, position.fees_usd) == (-20, D("5.1"), D("0.40"))
    assert book.realized_usd == D("1.00") - D("0.35") - D("0.60")
    assert position.realized_usd == D("-0.40")


def test_adding_averages_and_reducing_keeps_the_average() -> None:
    book = Book()
    book.fill(fill(10, "5.00"))
    book.fill(fill(30, "5.40"))
    book.fill(fill(-15, "5.50"))
    (position,) = book.open_positions
    assert (position.quantity, position.average_open) == (25, D("5.3"))
    assert position.unrealized_usd(D("5.28")) == D("-0.5")
    assert book.unrealized_usd({"F.SMART": D("5.28")}) == D("-0.5")


def test_options_count_their_multiplier() -> None:
    book = Book()
    book.fill(fill(-2, "1.50", multiplier=100, commission_usd=D(2)))
    book.fill(fill(2, "1.10", multiplier=100, commission_usd=D(2)))
    assert book.realized_usd == D(76)
    (position,) = book.positions.values()
    assert position.average_open is None


def test_positions_of_one_name_that_begin_again_begin_from_nothing() -> None:
    book = Book()
    for quantity, price in ((10, "5"), (-10, "6"), (-10, "6")):
        book.fill(fill(quantity, price, position_id="P-1", commission_usd=D(1)))
    (position,) = book.positions.values()
    assert (position.position_id, position.realized_usd) == ("P-1", D(-1))
    assert book.realized_usd == D(7)


def test_what_was_there_before_has_a_cost_and_no_profit() -> None:
    book = Book()
    found = PositionRecord(
        event="found", position_id="F.SMART-S", strategy_id="S", instrument_id="F.SMART", quantity=-10,
        average_open=D(5), realized_usd=D("-3.21"), multiplier=1,
    )  # fmt: skip
    book.found(found)
    assert book.realized_usd == 0
    book.fill(fill(10, "4.90", commission_usd=D(0)))
    assert book.realized_usd == D(1)
    book.set_aside()
    assert (book.positions, book.realized_usd) == ({}, D(1))


def test_a_charge_moves_no_position_and_counts_once() -> None:
    book = Book()
    book.charge(fill(10))
    book.charge(fill(10), is_counted=False)
    assert (book.fees_usd, book.realized_usd, book.positions) == (D("0.35"), D("-0.35"), {})
