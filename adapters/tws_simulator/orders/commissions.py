"""The commission of each order and leg, whatever it trades."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.orders.option_commissions import OptionOrderCommission
from adapters.tws_simulator.orders.settings import OrdersSettings
from market.commissions import OrderCommission, ib_fixed, ib_tiered
from market.regulatory_fees import EARLIEST_DATE


class OrderCommissions:
    """Accumulators by listing and side for one order; the minimum holds per listing."""

    def __init__(self, settings: OrdersSettings, day: date) -> None:
        self._settings, self._day = settings, max(day, EARLIEST_DATE)
        self._stocks: dict[tuple[int, str], OrderCommission] = {}
        self._options: dict[tuple[int, str], OptionOrderCommission] = {}
        self.total = Decimal(0)

    def on_fill(self, listing: Listing, side: str, quantity: Decimal, price: Decimal) -> Decimal:
        """Return what a fill of whole shares or contracts adds, in cents."""
        key = (listing.con_id, side)
        if listing.is_option:
            added = self._option(key).on_fill(int(quantity), price)
        else:
            added = self._stock(key).on_fill_in_cents(int(quantity), price, adds_liquidity=False)
        self.total += added
        return added

    def _stock(self, key: tuple[int, str]) -> OrderCommission:
        if key not in self._stocks:
            schedule = ib_fixed if self._settings.commission_schedule == "ib_fixed" else ib_tiered
            self._stocks[key] = OrderCommission(schedule(self._day), "buy" if key[1] == "BOT" else "sell")
        return self._stocks[key]

    def _option(self, key: tuple[int, str]) -> OptionOrderCommission:
        if key not in self._options:
            self._options[key] = OptionOrderCommission(
                self._settings.option_contracts_this_month, self._settings.option_fees_usd_per_contract
            )
        return self._options[key]
