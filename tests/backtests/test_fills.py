"""Round trips from fills: exact, whatever the order of buying and selling."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backtests.fills import Fill, round_trips


def _fill(side: str, quantity: int, price: str, *, fee: str = "0.00", at: int = 0, owner: str = "S") -> Fill:
    return Fill(
        trade_id=f"T{at}",
        client_order_id=f"O{at}",
        strategy_id=owner,
        instrument_id="ZVZZT.SMART",
        side=side,  # type: ignore[arg-type]
        quantity=quantity,
        price=Decimal(price),
        commission_usd=Decimal(fee),
        liquidity="TAKER",
        ts_ns=at,
        correlation_id=f"c{at}",
    )


def test_a_purchase_and_a_sale_are_one_round_trip() -> None:
    fills = [_fill("BUY", 10, "9.00", fee="0.35", at=1), _fill("SELL", 10, "9.05", fee="0.36", at=2)]
    (trip,), still_open = round_trips(fills)
    assert still_open == []
    assert (trip.side, trip.quantity) == ("LONG", 10)
    assert (trip.entry_price, trip.exit_price) == (Decimal("9.00"), Decimal("9.05"))
    assert (trip.gross_pnl_usd, trip.fees_usd, trip.net_pnl_usd) == (
        Decimal("0.50"),
        Decimal("0.71"),
        Decimal("-0.21"),
    )
    assert (trip.entry_correlation_id, trip.exit_correlation_id) == ("c1", "c2")


def test_a_short_sale_earns_when_the_price_falls() -> None:
    (trip,), _ = round_trips([_fill("SELL", 10, "9.05"), _fill("BUY", 10, "9.00")])
    assert (trip.side, trip.gross_pnl_usd) == ("SHORT", Decimal("0.50"))


def test_partial_fills_average_their_prices() -> None:
    fills = [
        _fill("BUY", 4, "9.00"),
        _fill("BUY", 6, "9.01"),
        _fill("SELL", 5, "9.02"),
        _fill("SELL", 5, "9.03"),
    ]
    (trip,), _ = round_trips(fills)
    assert (trip.entry_price, trip.exit_price) == (Decimal("9.006"), Decimal("9.025"))
    assert trip.gross_pnl_usd == Decimal("0.19")


def test_a_fill_beyond_flat_closes_one_position_and_opens_the_next() -> None:
    fills = [_fill("BUY", 10, "9.00", at=1), _fill("SELL", 15, "9.10", fee="0.30", at=2)]
    (trip,), (position,) = round_trips(fills)
    assert (trip.quantity, trip.gross_pnl_usd, trip.fees_usd) == (10, Decimal("1.00"), Decimal("0.20"))
    assert (position.quantity, position.average_price) == (-5, Decimal("9.10"))


def test_strategies_do_not_net_against_each_other() -> None:
    fills = [_fill("BUY", 10, "9.00", owner="A"), _fill("SELL", 10, "9.00", owner="B")]
    trips, still_open = round_trips(fills)
    assert trips == []
    assert [(position.strategy_id, position.quantity) for position in still_open] == [("A", 10), ("B", -10)]


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 50),
        st.integers(1, 2_000_000),
        st.integers(-50, 500),
        st.sampled_from(["A", "B"]),
    ),
    max_size=40,
)


@given(FILLS)
def test_round_trips_and_what_is_open_account_for_every_cent(
    rows: list[tuple[str, int, int, int, str]],
) -> None:
    fills = [
        _fill(side, quantity, str(Decimal(price) / 10_000), fee=str(Decimal(fee) / 100), at=at, owner=owner)
        for at, (side, quantity, price, fee, owner) in enumerate(rows)
    ]
    trips, still_open = round_trips(fills)
    shares = sum(fill.signed_quantity for fill in fills)
    assert sum(position.quantity for position in still_open) == shares
    cash = sum((fill.cash_usd for fill in fills), Decimal(0))
    if not still_open:
        assert sum((trip.gross_pnl_usd for trip in trips), Decimal(0)) == cash
        fees = sum((fill.commission_usd for fill in fills), Decimal(0))
        assert abs(sum((trip.fees_usd for trip in trips), Decimal(0)) - fees) < Decimal("1e-20")
    assert all(trip.entry_ts_ns <= trip.exit_ts_ns for trip in trips)
    assert [trip.exit_ts_ns for trip in trips] == sorted(trip.exit_ts_ns for trip in trips)
