"""Settings of orders and accounts that make no sense are refused with what is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.orders.settings import OrdersSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"acknowledge_delay_ms": -1},
        {"leg_delay_ms": -1},
        {"fill_quantity_max": -1},
        {"option_contracts_this_month": -1},
        {"option_fees_usd_per_contract": Decimal(-1)},
        {"on_close_cutoff_minutes": -1},
        {"executions_kept_days": 0},
        {"frame_order": ("execution",)},
        {"frame_order": ("commission", "status")},
    ],
)
def test_order_settings_are_checked(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    hint = "delays" if name.endswith("delay_ms") else name
    with pytest.raises(ValueError, match=hint):
        OrdersSettings(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"starting_cash_usd": Decimal("NaN")},
        {"position_delay_ms": -1},
        {"expiry_minutes_after_close": -1},
        {"settlement_days": -1},
        {"update_seconds": 0},
        {"pnl_seconds": 0},
    ],
)
def test_account_settings_are_checked(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        AccountSettings(**wrong)
