"""Commissions of US stock orders at Interactive Brokers: the fixed and the tiered price list.

IB charges per order, not per fill: a minimum, and a maximum as a fraction of the order's trade value; where
the two contradict, the maximum counts (10 shares at 0.20 USD cost 0.02). Fills are therefore charged what
they add to their order's commission, and the fills of an order sum to exactly that.

Source: interactivebrokers.com, "Commissions - Stocks, ETFs", United States (fixed: 0.005 a share, minimum
1.00, maximum 1 %; tiered: from 0.0035 a share, minimum 0.35, maximum 1 %, clearing 0.00020, pass-through
0.000175 and 0.000563 of the commission), its fixed-versus-tiered examples, which the tests reproduce, and its
exchange tables. docs/reference/commissions.md has worked examples and what is approximate.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from market.errors import ConfigError, DataError
from market.regulatory_fees import RegulatoryRates, regulatory_rates

Side = Literal["buy", "sell"]

ZERO = Decimal(0)
CENT = Decimal("0.01")

TIERS = (
    (0, Decimal("0.0035")),
    (300_000, Decimal("0.0020")),
    (3_000_000, Decimal("0.0015")),
    (20_000_000, Decimal("0.0010")),
    (100_000_000, Decimal("0.0005")),
)
"""Tiered USD per share for shares beyond so many in the calendar month."""


class ExchangeFees(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue charges for taking liquidity and pays (negative) for adding it.

    USD per share from 1 USD on, a fraction of trade value below.
    """

    remove_usd_per_share: Decimal
    add_usd_per_share: Decimal
    remove_fraction_below_one_usd: Decimal
    add_fraction_below_one_usd: Decimal

    def fee(self, quantity: int, price: Decimal, *, adds_liquidity: bool) -> Decimal:
        """Return the fee in USD of one fill; negative for a rebate."""
        if price >= 1:
            return quantity * (self.add_usd_per_share if adds_liquidity else self.remove_usd_per_share)
        value = quantity * price
        return value * (
            self.add_fraction_below_one_usd if adds_liquidity else self.remove_fraction_below_one_usd
        )


MAKER_TAKER = ExchangeFees(
    remove_usd_per_share=Decimal("0.0030"),  # the maximum of Rule 610 of Regulation NMS; NASDAQ, EDGX, NYSE
    add_usd_per_share=Decimal("-0.0016"),  # Cboe EDGX; NASDAQ pays 0.0021: the lower of the two is assumed
    remove_fraction_below_one_usd=Decimal("0.0030"),
    add_fraction_below_one_usd=ZERO,
)
"""What IB's tables pass on for a displayed order; SMART chooses the venue, so this is an assumption."""


class CommissionSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A price list. USD per share and per order, fractions of the order's trade value.

    `exchange` is None where exchange fees are included, as in the fixed list.
    """

    name: str
    usd_per_share: Decimal
    usd_min: Decimal
    fraction_max: Decimal
    clearing_usd_per_share: Decimal
    clearing_fraction_max: Decimal
    pass_through_fraction: Decimal
    exchange: ExchangeFees | None
    regulatory: RegulatoryRates


class Commission(msgspec.Struct, frozen=True):
    """USD charged, exact: `ib`; `exchange` with clearing and pass-through, less rebates; `regulatory`."""

    ib: Decimal
    exchange: Decimal
    regulatory: Decimal

    @property
    def total(self) -> Decimal:
        """The sum in USD; negative if a rebate exceeds the rest."""
        return self.ib + self.exchange + self.regulatory

    def __add__(self, other: Commission) -> Commission:
        return Commission(
            self.ib + other.ib, self.exchange + other.exchange, self.regulatory + other.regulatory
        )

    def __sub__(self, other: Commission) -> Commission:
        return Commission(
            self.ib - other.ib, self.exchange - other.exchange, self.regulatory - other.regulatory
        )


FREE = Commission(ZERO, ZERO, ZERO)


def ib_fixed(on: date | None = None) -> CommissionSchedule:
    """Return the fixed list with the regulatory rates of day `on` (see `regulatory_rates`)."""
    return CommissionSchedule(
        name="ib_fixed",
        usd_per_share=Decimal("0.005"),
        usd_min=Decimal("1.00"),
        fraction_max=Decimal("0.01"),
        clearing_usd_per_share=ZERO,
        clearing_fraction_max=ZERO,
        pass_through_fraction=ZERO,
        exchange=None,
        regulatory=regulatory_rates(on),
    )


def ib_tiered(on: date | None = None, *, shares_this_month: int = 0) -> CommissionSchedule:
    """Return the tiered list of an account that has traded `shares_this_month` in the calendar month."""
    tier = bisect_right(TIERS, shares_this_month, key=lambda row: row[0]) - 1
    if tier < 0:
        raise ConfigError(f"shares_this_month is {shares_this_month}, allowed: 0 or more")
    return CommissionSchedule(
        name="ib_tiered",
        usd_per_share=TIERS[tier][1],
        usd_min=Decimal("0.35"),
        fraction_max=Decimal("0.01"),
        clearing_usd_per_share=Decimal("0.00020"),
        clearing_fraction_max=Decimal("0.005"),
        pass_through_fraction=Decimal("0.000175") + Decimal("0.000563"),  # NYSE and FINRA
        exchange=MAKER_TAKER,
        regulatory=regulatory_rates(on),
    )


def commission_for_order(
    schedule: CommissionSchedule,
    *,
    side: Side,
    filled_before: int,
    quantity: int,
    price: Decimal,
    adds_liquidity: bool,
    value_before: Decimal | None = None,
) -> Commission:
    """Return what a fill of `quantity` shares at `price` USD adds to its order's commission.

    `filled_before` shares were filled before, for `value_before` USD; None takes them at `price` too. Only
    with the true `value_before` do the fills of an order sum to its commission; `OrderCommission` keeps it.
    """
    if quantity < 1 or filled_before < 0:
        raise DataError(
            f"A fill of {quantity} shares after {filled_before} is impossible: 1 or more, after 0 or more."
        )
    if not (price.is_finite() and price > 0):
        raise DataError(f"A fill at {price} USD cannot be: a stock's price is above 0.")
    if value_before is None:
        value_before = filled_before * price
    before = _order_charges(schedule, side, filled_before, value_before)
    after = _order_charges(schedule, side, filled_before + quantity, value_before + quantity * price)
    added = after - before
    if schedule.exchange is None:
        return added
    venue = schedule.exchange.fee(quantity, price, adds_liquidity=adds_liquidity)
    return added + Commission(ZERO, venue, ZERO)


def _order_charges(schedule: CommissionSchedule, side: Side, shares: int, value: Decimal) -> Commission:
    """Return all that depends on the order as a whole, after `shares` were filled for `value` USD."""
    if shares == 0:
        return FREE
    ib = min(max(schedule.usd_per_share * shares, schedule.usd_min), schedule.fraction_max * value)
    clearing = min(schedule.clearing_usd_per_share * shares, schedule.clearing_fraction_max * value)
    rates = schedule.regulatory
    regulatory = rates.cat_usd_per_share * shares
    if side == "sell":
        regulatory += rates.sec_fraction_of_sales * value
        regulatory += min(rates.taf_usd_per_share_sold * shares, rates.taf_usd_max)
    return Commission(ib, clearing + schedule.pass_through_fraction * ib, regulatory)


class OrderCommission:
    """The commission of one order as its fills come in."""

    __slots__ = ("_schedule", "_side", "shares", "total", "value")

    def __init__(self, schedule: CommissionSchedule, side: Side) -> None:
        self._schedule = schedule
        self._side: Side = side
        self.shares = 0
        self.value = ZERO
        """USD traded so far."""
        self.total = FREE
        """What the order has cost so far, exact."""

    def on_fill(self, quantity: int, price: Decimal, *, adds_liquidity: bool) -> Commission:
        """Return what this fill adds, exact."""
        added = commission_for_order(
            self._schedule,
            side=self._side,
            filled_before=self.shares,
            quantity=quantity,
            price=price,
            adds_liquidity=adds_liquidity,
            value_before=self.value,
        )
        self.shares += quantity
        self.value += quantity * price
        self.total += added
        return added

    def on_fill_in_cents(self, quantity: int, price: Decimal, *, adds_liquidity: bool) -> Decimal:
        """Return what this fill adds in whole cents; an order's fills sum to its commission, rounded once.

        Rounding each fill by itself would lose or invent up to half a cent per fill.
        """
        charged = self.total.total.quantize(CENT)
        self.on_fill(quantity, price, adds_liquidity=adds_liquidity)
        return self.total.total.quantize(CENT) - charged
