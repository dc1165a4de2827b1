from __future__ import annotations

from decimal import Decimal

import msgspec

from backtests.replay.what_if import Both, BothUsd, what_if
from tests.backtests.replay.entries import BAC, decision, fill, numbered, order, refusal

FORD = "F.SMART"


def test_refused_done_and_earned_stand_side_by_side() -> None:
    base = numbered(
        decision(1), order("O-1"), fill(10, "13.90"), order("O-2"), fill(10, "14.00", side="SELL", of="O-2"),
        order("O-3"), fill(5, "7.00", symbol=FORD),
    )  # fmt: skip
    changed = numbered(decision(1), order("O-1"), refusal("max_positions"), refusal("max_positions", FORD))
    found = what_if(base, changed)
    assert found.refused == {"max_positions": Both(0, 2)}
    assert found.refused_by_symbol == {BAC: Both(0, 1), FORD: Both(0, 1)}
    assert found.done["total"] == {
        "shares": Both(25, 0),
        "fills": Both(3, 0),
        "orders": Both(3, 1),
        "round_trips": Both(1, 0),
    }
    assert found.earned[BAC]["gross_usd"] == BothUsd(Decimal("1.00"), Decimal(0))
    assert found.earned[BAC]["net_usd"] == BothUsd(Decimal("0.30"), Decimal(0))
    assert found.earned[FORD]["gross_usd"].base == 0  # still held: at its cost
    assert found.earned["total"]["net_usd"].base == Decimal("-0.05")
    assert list(found.earned)[-1] == "total"


def test_the_same_day_twice_has_equal_sides() -> None:
    day = numbered(order(), fill(10, "13.90"), refusal("order_rate"))
    found = what_if(day, day)
    rows = [*found.refused.values(), *(both for counts in found.done.values() for both in counts.values())]
    assert all(both.base == both.changed for both in rows)


def test_a_days_fills_of_a_combination_count_by_their_legs() -> None:
    leg = msgspec.structs.replace(fill(1, "2.00", symbol="LEG"), multiplier=100)
    out = msgspec.structs.replace(fill(1, "2.50", side="SELL", symbol="LEG"), multiplier=100)
    spread = msgspec.structs.replace(fill(1, "1.00", symbol="SPREAD"), is_combination=True)
    found = what_if(numbered(spread, leg, out), ())
    assert found.earned["total"]["gross_usd"].base == Decimal("50.00")
    assert "SPREAD" not in found.earned
