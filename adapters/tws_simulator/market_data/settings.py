"""Limits and habits of TWS's market data, and how lively the synthetic market is."""

from __future__ import annotations

from typing import Literal

import msgspec

SecurityType = Literal["STK", "OPT", "IND"]


class HistorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Interactive Brokers' rules for historical data.

    `open_requests_max`: 50 at once, streaming ones included. `requests_per_ten_minutes_max`,
    `identical_seconds` and `same_contract_max` (within `same_contract_seconds`) are the pacing of bars of 30
    seconds and less, and of ticks; a BID_ASK request counts twice. `answer_ms`: how long an answer takes.
    `update_seconds`: how often a bar that is kept up to date is sent. `years`: how far data goes back.
    """

    open_requests_max: int = 50
    requests_per_ten_minutes_max: int = 60
    identical_seconds: int = 15
    same_contract_max: int = 6
    same_contract_seconds: int = 2
    answer_ms: int = 20
    update_seconds: int = 5
    years: int = 5

    def __post_init__(self) -> None:
        for name in ("open_requests_max", "requests_per_ten_minutes_max", "same_contract_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)}: at least 1")
        if self.update_seconds < 1 or self.years < 1:
            raise ValueError(f"update_seconds {self.update_seconds}, years {self.years}: at least 1")
        if self.answer_ms < 0 or self.identical_seconds < 0 or self.same_contract_seconds < 0:
            raise ValueError("answer_ms, identical_seconds and same_contract_seconds must not be negative")


class SyntheticSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The synthetic market: quote changes a second of each name, trades per quote, depth levels a side."""

    ticks_per_second: float = 4.0
    trade_fraction: float = 0.25
    depth_levels: int = 10

    def __post_init__(self) -> None:
        if not 0.01 <= self.ticks_per_second <= 100_000:
            raise ValueError(f"ticks_per_second {self.ticks_per_second} must be 0.01 to 100000")
        if not 0 <= self.trade_fraction <= 1:
            raise ValueError(f"trade_fraction {self.trade_fraction} must be 0 to 1")
        if not 1 <= self.depth_levels <= 60:
            raise ValueError(f"depth_levels {self.depth_levels} must be 1 to 60")


class MarketDataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user of TWS has subscribed to, and Interactive Brokers' limits.

    `lines_max`: market data lines of the user over all clients (IB: 100 at least). `depth_requests_max` and
    `tick_by_tick_max`: IB documents one formula for both, 3 below 400 lines. `live`: the security types with
    a live subscription; the others answer 354 or 10089, or with delayed data when the client asked for it
    and `has_delayed_data`. `has_api_acknowledgement` False turns every live stock line into 10089.
    `has_option_tick_by_tick`: IB documents that options have none. `top_of_book_ms`: how often a line is
    sampled (IB: 250 ms, options 100 ms); 0 sends every change at once. `depth_ms`: the same for
    depth, 0 as no number is documented. `delay_seconds`: the age of delayed data.
    """

    lines_max: int = 100
    depth_requests_max: int = 3
    tick_by_tick_max: int = 3
    live: tuple[SecurityType, ...] = ("STK", "OPT", "IND")
    has_delayed_data: bool = True
    has_api_acknowledgement: bool = True
    has_option_tick_by_tick: bool = False
    top_of_book_ms: int = 250
    option_top_of_book_ms: int = 100
    depth_ms: int = 0
    delay_seconds: int = 900
    history: HistorySettings = HistorySettings()
    synthetic: SyntheticSettings = SyntheticSettings()

    def __post_init__(self) -> None:
        for name in ("lines_max", "depth_requests_max", "tick_by_tick_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)}: at least 1")
        for name in ("top_of_book_ms", "option_top_of_book_ms", "depth_ms", "delay_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name)} must not be negative")
