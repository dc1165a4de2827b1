"""Limits of the drills: small round numbers, so that a reader sees at once what breaches them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from market.session_windows import SessionRules
from risk.limits import OptionLimits, RiskLimits

OPTION_LIMITS = OptionLimits(
    max_contracts_per_order=10,
    max_contracts_per_leg=20,
    max_loss_usd_per_spread=Decimal(2_000),
    max_loss_usd_per_underlying=Decimal(4_000),
    max_loss_usd_total=Decimal(6_000),
    max_delta_shares_per_underlying=500,
    max_vega_usd_per_underlying=Decimal(500),
    max_price_from_mid_usd=Decimal("0.50"),
    max_spread_usd=Decimal("0.60"),
    min_displayed_contracts=1,
)

LIMITS = RiskLimits(
    max_shares_per_order=100,
    max_notional_usd_per_order=Decimal(1_000),
    max_position_shares_per_symbol=200,
    max_notional_usd_per_symbol=Decimal(2_000),
    max_notional_usd_total=Decimal(5_000),
    max_positions=3,
    max_open_orders=5,
    max_orders_per_second=10,
    max_replaces_per_minute=30,
    max_rejects_per_minute=5,
    duplicate_window_ms=100,
    canceled_order_grace_ms=0,
    max_price_from_mid_bps=100,
    max_price_from_last_bps=200,
    max_spread_bps=200,
    min_displayed_shares=100,
    max_quote_age_ms=1_000,
    min_price_usd=Decimal(1),
    max_price_usd=Decimal(10),
    allowed_symbols="universe",
    prohibited_symbols=("GME",),
    max_funds_multiple=Decimal(1),
    max_daily_loss_usd=Decimal(50),
    max_daily_drawdown_usd=Decimal(60),
    max_loss_usd_per_trade=Decimal(20),
    max_consecutive_losses=3,
    consecutive_loss_pause_minutes=10,
    max_data_silence_seconds=30,
    halt_reading_interval_ms=100,
    options=OPTION_LIMITS,
)

SESSION_RULES = SessionRules(
    open_ramp_minutes=5, entry_cutoff_minutes_before_close=30, flat_minutes_before_close=10
)


def limits(**changes: Any) -> RiskLimits:
    """Return the shared limits with some changed."""
    return msgspec.structs.replace(LIMITS, **changes)
