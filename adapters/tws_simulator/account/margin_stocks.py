"""Reg-T margin of stocks in USD, by Interactive Brokers' published table for US margin accounts.

Long: 50 % initial, 25 % maintenance. Short: maintenance of 30 % of the value, but at least 5.00 a share
(from 5 to 16.67 USD), the whole value (2.50 to 5 USD) or 2.50 a share (below 2.50 USD); initial 50 %,
or the maintenance where that is more. House rules for single symbols and concentration: not modelled.
"""

from __future__ import annotations

from decimal import Decimal

INITIAL_FRACTION = Decimal("0.50")
LONG_MAINTENANCE_FRACTION = Decimal("0.25")
SHORT_MAINTENANCE_FRACTION = Decimal("0.30")
SHORT_USD_PER_SHARE = Decimal("5.00")
SHORT_WHOLE_VALUE_BELOW = Decimal("5.00")
SHORT_USD_PER_SHARE_MIN = Decimal("2.50")


def stock_margin(quantity: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
    """Return the initial and the maintenance requirement of `quantity` shares (negative when short)."""
    value = abs(quantity) * price
    if quantity >= 0:
        return INITIAL_FRACTION * value, LONG_MAINTENANCE_FRACTION * value
    maintenance = abs(quantity) * _short_maintenance_per_share(price)
    return max(INITIAL_FRACTION * value, maintenance), maintenance


def _short_maintenance_per_share(price: Decimal) -> Decimal:
    if price < SHORT_WHOLE_VALUE_BELOW:
        return max(price, SHORT_USD_PER_SHARE_MIN)
    return max(SHORT_MAINTENANCE_FRACTION * price, SHORT_USD_PER_SHARE)
