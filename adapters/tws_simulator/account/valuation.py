"""What an account is worth and what it must keep: pure functions of positions and prices.

NetLiquidation      = cash + stocks + options
EquityWithLoanValue = cash + stocks                (US options have no loan value under Reg-T)
AvailableFunds      = EquityWithLoanValue - InitMarginReq
ExcessLiquidity     = EquityWithLoanValue - MaintMarginReq
BuyingPower         = 4 x AvailableFunds, 2 x below 25,000 USD of net liquidation, never negative
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.account.margin_options import OptionPosition, UnderlyingPrice, option_margin
from adapters.tws_simulator.account.margin_stocks import stock_margin
from adapters.tws_simulator.interfaces import Listing

ZERO = Decimal(0)
DAY_TRADER_EQUITY = Decimal(25_000)
DAY_TRADER_FACTOR = Decimal(4)
REG_T_FACTOR = Decimal(2)


@dataclass(frozen=True, slots=True)
class Position:
    """A signed quantity of a listing, its market value in USD, and its mark per share (None: unknown)."""

    listing: Listing
    quantity: Decimal
    value: Decimal
    mark: Decimal | None


@dataclass(frozen=True, slots=True)
class Valuation:
    """An account in USD at one moment."""

    cash: Decimal
    stock_value: Decimal
    option_value: Decimal
    gross_value: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal

    @property
    def net_liquidation(self) -> Decimal:
        """What would be left if everything were closed at its mark."""
        return self.cash + self.stock_value + self.option_value

    @property
    def equity_with_loan(self) -> Decimal:
        """What margin is measured against."""
        return self.cash + self.stock_value

    @property
    def available_funds(self) -> Decimal:
        """What is left for new positions."""
        return self.equity_with_loan - self.initial_margin

    @property
    def excess_liquidity(self) -> Decimal:
        """What is left before a margin call."""
        return self.equity_with_loan - self.maintenance_margin

    @property
    def buying_power(self) -> Decimal:
        """The most stock that may be bought."""
        is_day_trader = self.net_liquidation >= DAY_TRADER_EQUITY
        return max(ZERO, self.available_funds) * (DAY_TRADER_FACTOR if is_day_trader else REG_T_FACTOR)


def value_account(
    cash: Decimal, positions: list[Position], underlyings: Mapping[int, UnderlyingPrice]
) -> Valuation:
    """Return the account with `cash` and `positions`; `underlyings` has the price behind each option."""
    stocks = [one for one in positions if not one.listing.is_option]
    options = [one for one in positions if one.listing.is_option]
    initial = maintenance = ZERO
    for one in stocks:
        price = one.mark if one.mark is not None else abs(one.value / one.quantity)
        needed = stock_margin(one.quantity, price)
        initial, maintenance = initial + needed[0], maintenance + needed[1]
    for con_id, group in _by_underlying(options).items():
        held = sum((one.quantity for one in stocks if one.listing.con_id == con_id), ZERO)
        needed_here = option_margin(
            [_option(one) for one in group],
            underlyings.get(con_id, UnderlyingPrice(None)),
            stock=held,
        )
        initial, maintenance = initial + needed_here, maintenance + needed_here
    return Valuation(
        cash=cash,
        stock_value=sum((one.value for one in stocks), ZERO),
        option_value=sum((one.value for one in options), ZERO),
        gross_value=sum((abs(one.value) for one in positions), ZERO),
        initial_margin=initial,
        maintenance_margin=maintenance,
    )


def _by_underlying(options: list[Position]) -> dict[int, list[Position]]:
    groups: dict[int, list[Position]] = {}
    for one in options:
        groups.setdefault(one.listing.underlying_con_id or 0, []).append(one)
    return groups


def _option(position: Position) -> OptionPosition:
    listing = position.listing
    assert listing.strike is not None, f"option {listing.local_symbol} has no strike"
    return OptionPosition(
        right=listing.right,
        strike=listing.strike,
        expiry=listing.expiry,
        multiplier=listing.multiplier,
        quantity=position.quantity,
        mark=position.mark,
    )
