"""Numbers of things read as a person would write them, in every refusal."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from risk.counted import counted
from risk.decision import Refused
from tests.risk.limit_cases import limits
from tests.risk.table_market import NOW_NS, TableMarket, gatekeeper, order, stock


def test_one_thing_is_singular_and_every_other_count_plural() -> None:
    assert [counted(count, "share") for count in (0, 1, 2, 101)] == [
        "0 shares",
        "1 share",
        "2 shares",
        "101 shares",
    ]
    assert [counted(count, "loss", "losses") for count in (0, 1, 2)] == ["0 losses", "1 loss", "2 losses"]


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("max_shares_per_order", ("2 shares", "1 share")),
        (
            "max_position_shares_per_symbol",
            ("2 shares held and working, this order counted", "1 share"),
        ),
        (
            "max_positions",
            ("2 symbols held or working, this order's counted", "1 symbol (risk.max_positions)"),
        ),
        ("max_open_orders", ("2 orders open, this one counted", "1 order")),
        ("max_orders_per_second", ("2 orders in a second", "1 a second")),
    ],
)
def test_a_refusal_beyond_a_limit_of_one_says_it_in_the_singular(key: str, texts: tuple[str, str]) -> None:
    smaller = {"max_shares_per_order": 1} if key == "max_position_shares_per_symbol" else {}
    keeper = gatekeeper(limits(**{key: 1}, **smaller), TableMarket())
    (first,) = keeper.submit([order(stock("F"), 1)], NOW_NS)
    assert not isinstance(first, Refused)
    symbol, count = "GE" if key == "max_positions" else "F", 2 if key == "max_shares_per_order" else 1
    second = order(stock(symbol), count, limit_price=Decimal("4.99"))
    (refused,) = keeper.submit([second], NOW_NS)
    assert isinstance(refused, Refused)
    assert (refused.value, refused.limit) == texts
    assert re.search(r"\b1 \w+s\b", refused.reason) is None
