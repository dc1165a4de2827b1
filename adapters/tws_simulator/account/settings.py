"""What is chosen about the accounts when the simulator starts."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money and reporting of every account.

    `starting_cash_usd` is each account's. `position_delay_ms`: real time from a fill to the position message;
    `update_seconds`: between repetitions of account values and summaries (IB documents 3 minutes);
    `pnl_seconds`: between P&L messages (IB documents about one second). `expiry_minutes_after_close`:
    from the close of the expiry day to exercise, assignment and cash settlement. `settlement_days`:
    trading days until cash from a trade is settled (1 since 2024-05-28).
    """

    starting_cash_usd: Decimal = Decimal(1_000_000)
    account_type: str = "INDIVIDUAL"
    position_delay_ms: int = 100
    update_seconds: int = 180
    pnl_seconds: int = 1
    expiry_minutes_after_close: int = 90
    settlement_days: int = 1

    def __post_init__(self) -> None:
        if not self.starting_cash_usd.is_finite():
            raise ValueError(f"starting_cash_usd {self.starting_cash_usd}: a finite number of USD")
        if min(self.position_delay_ms, self.expiry_minutes_after_close, self.settlement_days) < 0:
            raise ValueError(
                f"position_delay_ms {self.position_delay_ms}, expiry_minutes_after_close "
                f"{self.expiry_minutes_after_close}, settlement_days {self.settlement_days}: at least 0"
            )
        if min(self.update_seconds, self.pnl_seconds) < 1:
            raise ValueError(
                f"update_seconds {self.update_seconds}, pnl_seconds {self.pnl_seconds}: at least 1"
            )
