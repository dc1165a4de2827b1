"""TWS's market rules: the tick size from a price on.

Rule 26 is what US stocks carry in every capture; its increments are those of `market.money.tick_size`. Rules
32, 109 and 110 (options on SPY, on other stocks, on indexes) are modelled on Interactive Brokers' contract
pages; they are in no capture.
"""

from __future__ import annotations

from decimal import Decimal

RULES: dict[int, tuple[tuple[Decimal, Decimal], ...]] = {
    26: ((Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))),
    32: ((Decimal(0), Decimal("0.01")),),
    109: ((Decimal(0), Decimal("0.01")), (Decimal(3), Decimal("0.05"))),
    110: ((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.10"))),
}
"""By rule id: the lowest price (USD) and the increment from there on, in order of price."""


def increment(rule_id: int, price: Decimal) -> Decimal:
    """Return the tick size (USD) at `price`, by its size: a spread's negative price has one too.

    Raises `KeyError` for a rule that does not exist.
    """
    size = abs(price)
    found = RULES[rule_id][0][1]
    for low_edge, step in RULES[rule_id]:
        if size >= low_edge:
            found = step
    return found
