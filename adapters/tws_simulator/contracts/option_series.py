"""The option chain of an underlying: which expiries and strikes are listed on a given day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, islice

from adapters.tws_simulator.contracts.listings import ContractIds, OptionSeries, option_listing
from adapters.tws_simulator.contracts.names import INDEX_OPTION_CLASSES
from adapters.tws_simulator.contracts.settings import ChainSettings
from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.interfaces import Listing

FRIDAY = 4

STRIKE_STEPS = (
    (Decimal(5), Decimal("0.5")),
    (Decimal(25), Decimal(1)),
    (Decimal(100), Decimal("2.5")),
    (Decimal(1000), Decimal(5)),
)
"""Below which price (USD) which step between strikes is used; 25 from 1,000 USD on (an index)."""


def option_chain(
    underlying: Listing,
    price: Decimal,
    ids: ContractIds,
    *,
    settings: ChainSettings,
    days: Iterable[date],
) -> list[Listing]:
    """Return calls and puts around `price` that expire on `days`, ordered by expiry, strike and right."""
    step = settings.strike_step or strike_step(price)
    middle = (price / step).to_integral_value() * step
    each = settings.strikes_each_side
    strikes = [middle + step * offset for offset in range(-each, each + 1)]
    classes = INDEX_OPTION_CLASSES.get(underlying.symbol, (underlying.symbol,) * 2)
    is_index = underlying.security_type == "IND"
    chain = []
    for expiry in days:
        is_monthly = _is_third_friday_week(expiry)
        settlement = ("AM" if is_monthly else "PM") if is_index else "PHYSICAL"
        series = OptionSeries(classes[0] if is_monthly else classes[1], f"{expiry:%Y%m%d}", settlement)
        chain += [
            option_listing(underlying, ids, series=series, strike=strike, right=right)
            for strike in strikes
            if strike > 0
            for right in ("C", "P")
        ]
    return chain


def strike_step(price: Decimal) -> Decimal:
    """Return the distance between strikes that suits an underlying at `price`."""
    return next((step for below, step in STRIKE_STEPS if price < below), Decimal(25))


def expiries(day: date, *, settings: ChainSettings, hours: TradingHours) -> list[date]:
    """Return the expiries after `day` in order; a Friday without a session moves to Thursday."""
    weekly = list(islice(_fridays(day), settings.weekly_expiries))
    after = weekly[-1] if weekly else day
    thirds = (friday for friday in _fridays(after) if 15 <= friday.day <= 21)
    chosen = weekly + list(islice(thirds, settings.monthly_expiries))
    return [friday if hours.is_session(friday) else friday - timedelta(days=1) for friday in chosen]


def _fridays(day: date) -> Iterator[date]:
    first = day + timedelta(days=(FRIDAY - day.weekday() - 1) % 7 + 1)
    return (first + timedelta(weeks=week) for week in count())


def _is_third_friday_week(expiry: date) -> bool:
    friday = expiry + timedelta(days=FRIDAY - expiry.weekday())
    return 15 <= friday.day <= 21
