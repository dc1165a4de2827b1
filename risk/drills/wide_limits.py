"""Limits so wide that one of them can stand alone, to be breached on its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from risk.limits import OptionLimits, RiskLimits

_COUNT = 1_000_000_000
_MONEY = Decimal(10**12)
_OPTION = "options."

WIDE = RiskLimits(
    max_shares_per_order=_COUNT,
    max_notional_usd_per_order=_MONEY,
    max_position_shares_per_symbol=_COUNT,
    max_notional_usd_per_symbol=_MONEY,
    max_notional_usd_total=_MONEY,
    max_positions=_COUNT,
    max_open_orders=_COUNT,
    max_orders_per_second=45,
    max_replaces_per_minute=2_700,
    max_rejects_per_minute=_COUNT,
    duplicate_window_ms=1,
    canceled_order_grace_ms=0,
    max_price_from_mid_bps=10_000,
    max_price_from_last_bps=10_000,
    max_spread_bps=10_000,
    min_displayed_shares=1,
    max_quote_age_ms=3_600_000,
    min_price_usd=Decimal("0.0001"),
    max_price_usd=_MONEY,
    allowed_symbols="universe",
    prohibited_symbols=(),
    max_funds_multiple=Decimal(4),
    max_daily_loss_usd=_MONEY,
    max_daily_drawdown_usd=_MONEY,
    max_loss_usd_per_trade=_MONEY,
    max_consecutive_losses=1_000,
    consecutive_loss_pause_minutes=1,
    max_data_silence_seconds=3_600,
    halt_reading_interval_ms=60_000,
    options=OptionLimits(
        max_contracts_per_order=_COUNT,
        max_contracts_per_leg=_COUNT,
        max_loss_usd_per_spread=_MONEY,
        max_loss_usd_per_underlying=_MONEY,
        max_loss_usd_total=_MONEY,
        max_delta_shares_per_underlying=_COUNT,
        max_vega_usd_per_underlying=_MONEY,
        max_price_from_mid_usd=_MONEY,
        max_spread_usd=_MONEY,
        min_displayed_contracts=1,
    ),
)

_NOT_ABOVE = (
    ("max_shares_per_order", "max_position_shares_per_symbol"),
    ("max_notional_usd_per_order", "max_notional_usd_per_symbol", "max_notional_usd_total"),
    ("max_loss_usd_per_trade", "max_daily_loss_usd"),
    ("min_price_usd", "max_price_usd"),
    ("options.max_loss_usd_per_spread", "options.max_loss_usd_per_underlying", "options.max_loss_usd_total"),
    ("options.max_contracts_per_order", "options.max_contracts_per_leg"),
)
"""Limits that `RiskLimits` wants in this order."""


def alone(limits: RiskLimits, keys: Iterable[str]) -> RiskLimits:
    """Return limits of which `keys` (fields; options' as `options.<field>`) are those of `limits`.

    All others are wide; those that may not lie above one of `keys` are as low as it.
    """
    values = _values(WIDE) | {key: value for key, value in _values(limits).items() if key in set(keys)}
    for names in _NOT_ABOVE:
        for lower, upper in reversed(list(itertools.pairwise(names))):
            values[lower] = min(values[lower], values[upper])
    options = {key.removeprefix(_OPTION): values.pop(key) for key in list(values) if key.startswith(_OPTION)}
    return RiskLimits(**values, options=OptionLimits(**options))


def limit_keys(limits: RiskLimits) -> frozenset[str]:
    """Return the keys of all limits that `limits` has."""
    return frozenset(_values(limits))


def _values(limits: RiskLimits) -> dict[str, Any]:
    values = {name: getattr(limits, name) for name in RiskLimits.__struct_fields__ if name != "options"}
    if limits.options is not None:
        options = msgspec.structs.asdict(limits.options)
        values |= {f"{_OPTION}{name}": value for name, value in options.items()}
    return values
