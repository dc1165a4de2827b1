"""What is chosen about orders, fills and their messages when the simulator starts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

FillRule = Literal["touch", "through", "queue"]
FrameStep = Literal["execution", "open_order", "status", "commission"]

CAPTURED_FRAME_ORDER: tuple[FrameStep, ...] = (
    "execution",
    "open_order",
    "status",
    "open_order",
    "commission",
)
"""How a real TWS reported a filled market order (capture of 2023-02-24, server version 165)."""


class OrdersSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders are acknowledged, filled and reported.

    `fill_rule` is when a resting limit order trades: when the market touches its price, only when it
    trades through it, or after the displayed queue before it has traded. `is_size_limited`: a quote
    fills no more than it displays, so larger orders fill in parts. `fill_quantity_max`: the largest
    single fill (0 for no limit). `frame_order`: the messages of a fill, in order; "open_order" carries
    the commission once it is the last one. `reports_combinations`: whether a BAG's own execution is
    reported beside its legs'. `refuses_uncovered`: whether an order that the account cannot carry is
    refused with 201. Delays are real milliseconds. `trigger_on_quotes`: stop orders of stocks
    trigger on bid and ask instead of trades where no trigger method is given.
    `commission_schedule` is the stock price list; `option_contracts_this_month` picks the option tier.
    `executions_kept_days`: reqExecutions reaches back to New York's midnight, or as many days more.
    """

    fill_rule: FillRule = "touch"
    is_size_limited: bool = True
    fill_quantity_max: int = 0
    acknowledge_delay_ms: int = 5
    fill_delay_ms: int = 5
    cancel_delay_ms: int = 20
    commission_delay_ms: int = 0
    leg_delay_ms: int = 250
    loses_commissions: bool = False
    reports_combinations: bool = True
    replays_open_orders: bool = True
    refuses_uncovered: bool = True
    trigger_on_quotes: bool = False
    frame_order: tuple[FrameStep, ...] = CAPTURED_FRAME_ORDER
    commission_schedule: Literal["ib_fixed", "ib_tiered"] = "ib_fixed"
    option_contracts_this_month: int = 0
    option_fees_usd_per_contract: Decimal = Decimal(0)
    on_close_cutoff_minutes: int = 10
    executions_kept_days: int = 1

    def __post_init__(self) -> None:
        check_frame_order(self.frame_order)
        delays = (
            self.acknowledge_delay_ms,
            self.fill_delay_ms,
            self.cancel_delay_ms,
            self.commission_delay_ms,
            self.leg_delay_ms,
        )
        if min(delays) < 0:
            raise ValueError(f"delays {delays} ms: each at least 0")
        if self.fill_quantity_max < 0 or self.option_contracts_this_month < 0:
            raise ValueError(
                f"fill_quantity_max {self.fill_quantity_max}, option_contracts_this_month "
                f"{self.option_contracts_this_month}: at least 0"
            )
        if self.option_fees_usd_per_contract < 0 or self.on_close_cutoff_minutes < 0:
            raise ValueError(
                f"option_fees_usd_per_contract {self.option_fees_usd_per_contract}, "
                f"on_close_cutoff_minutes {self.on_close_cutoff_minutes}: at least 0"
            )
        if self.executions_kept_days < 1:
            raise ValueError(f"executions_kept_days {self.executions_kept_days}: at least 1")


def check_frame_order(frame_order: Sequence[FrameStep]) -> None:
    """Raise `ValueError` unless a client can learn of a fill from these messages."""
    if "execution" not in frame_order or "commission" not in frame_order:
        raise ValueError(f'frame_order {list(frame_order)}: name "execution" and "commission"')
    if frame_order.count("execution") > 1 or frame_order.count("commission") > 1:
        raise ValueError(
            f'frame_order {list(frame_order)}: "execution" and "commission" once each; '
            "to repeat a message use the fault that duplicates frames"
        )
