"""The world of the random streams: instruments, limits, and the venue as it truly is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from risk.intent import InstrumentTerms, OrderIntent
from risk.limits import RiskLimits
from tests.risk.limit_cases import OPTION_LIMITS, limits
from tests.risk.table_market import LATER_NS, option, spread, stock

GRACE_MS = 2_000
DELAY_MS_MAX = 1_500
STRATEGIES = ("S-1", "S-2", "S-3")
STOCKS = tuple(stock(symbol) for symbol in ("F", "GE", "BAC"))
P95, P100, P105 = (option(strike) for strike in (95, 100, 105))
C110, C115 = (option(strike, "call") for strike in (110, 115))
Q100, Q105 = (option(strike, symbol="QQQ") for strike in (100, 105))
LATE100 = option(100, expiration_ns=LATER_NS)
SPREADS = (
    spread((P100, -1), (P95, 1)),
    spread((P105, 1), (P100, -1)),
    spread((P100, -1), (P95, 1), (C110, -1), (C115, 1)),
    spread((Q105, -1), (Q100, 1)),
    spread((P105, 1), (P100, -2), (P95, 1)),
    spread((P100, -1), (LATE100, 1)),
)
OPTIONS = (P95, P100, P105, C110, C115, LATE100)
ALL_OPTIONS = (*OPTIONS, Q100, Q105)
LIMITS: RiskLimits = limits(
    max_shares_per_order=100,
    max_notional_usd_per_order=Decimal(600),
    max_position_shares_per_symbol=150,
    max_notional_usd_per_symbol=Decimal(800),
    max_notional_usd_total=Decimal(1_400),
    max_positions=3,
    max_open_orders=14,
    max_orders_per_second=20,
    max_replaces_per_minute=60,
    canceled_order_grace_ms=GRACE_MS,
    duplicate_window_ms=1,
    max_price_from_mid_bps=500,
    max_price_from_last_bps=10_000,
    max_quote_age_ms=3_600_000,
    max_daily_loss_usd=Decimal(1_000_000),
    max_daily_drawdown_usd=Decimal(1_000_000),
    max_loss_usd_per_trade=Decimal(1_000_000),
    max_consecutive_losses=1_000,
    options=msgspec.structs.replace(
        OPTION_LIMITS,
        max_contracts_per_order=4,
        max_contracts_per_leg=6,
        max_loss_usd_per_spread=Decimal(1_600),
        max_loss_usd_per_underlying=Decimal(2_500),
        max_loss_usd_total=Decimal(3_500),
        max_delta_shares_per_underlying=100_000,
        max_vega_usd_per_underlying=Decimal(100_000),
        max_price_from_mid_usd=Decimal(2),
    ),
)


@dataclass
class VenueOrder:
    """The truth of one order at the venue."""

    intent: OrderIntent
    is_reducing: bool
    quantity: int
    filled: int = 0
    is_live: bool = True
    price: Decimal | None = None

    @property
    def left(self) -> int:
        return self.quantity - self.filled if self.is_live else 0


@dataclass
class Truth:
    """Positions and cost by strategy and instrument, and all orders, as the venue has them.

    Of the entries in `free_whole` the venue lets every child work whole once they have filled at all, as
    simulated venues do; of others as far as they have filled, and whole once they are done.
    """

    orders: dict[str, VenueOrder] = field(default_factory=dict)
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    paid: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    free_whole: set[str] = field(default_factory=set)

    def live(self) -> list[VenueOrder]:
        return [each for each in self.orders.values() if each.left > 0]

    def net(self, instrument_id: str) -> int:
        return sum(count for (_, name), count in self.positions.items() if name == instrument_id)

    def is_active(self, each: VenueOrder) -> bool:
        parent = self.orders.get(each.intent.protects_id or "")
        return parent is None or parent.filled > 0

    def can_fill(self, each: VenueOrder) -> int:
        """Return how much the venue may fill: of a bracket's child what its parent's fills let work.

        A fill of one order takes as much from the others of its group, as IB's OCA groups and Nautilus'
        OUO do.
        """
        parent = self.orders.get(each.intent.protects_id or "")
        if parent is None:
            return each.left
        siblings = 0
        if each.intent.group_id is not None:
            siblings = sum(
                other.filled
                for other in self.orders.values()
                if other.intent.group_id == each.intent.group_id and other is not each
            )
        left = each.left - siblings
        is_whole = parent.intent.order_id in self.free_whole or parent.left == 0
        if not parent.filled or not is_whole:
            left = min(left, parent.filled - siblings - each.filled)
        return max(left, 0)


def leg_fills(each: VenueOrder, count: int) -> list[tuple[InstrumentTerms, int, Decimal]]:
    """Return the fills of `count` at the order's price: a spread's first leg carries the whole price."""
    assert each.price is not None
    first, *others = each.intent.terms.components
    sign = each.intent.sign
    fills = [(first.terms, sign * first.ratio * count, each.price / first.ratio)]
    return fills + [(leg.terms, sign * leg.ratio * count, Decimal(0)) for leg in others]
