"""Records of what a node decided; the same types in backtest, simulator and live."""

from __future__ import annotations

from typing import Literal

import msgspec

DECISIONS_TOPIC = "harvester.decisions"
"""Message-bus topic on which every strategy shell publishes its `DecisionRecord`s."""

Outcome = Literal["sent", "suppressed", "refused"]


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision: what was seen, what it was compared with, what was decided, and why.

    `features` and `thresholds` share their names where they were compared. `limit_price` is a
    decimal as text, in USD a share. `ts_ns` is UTC. Orders carry `correlation_id` as the tag
    `decision:<correlation_id>`.
    """

    correlation_id: str
    ts_ns: int
    strategy_id: str
    instrument_id: str
    action: str  # enter | replace | cancel | exit | hold
    reason: str  # stable snake_case word; reports group by it
    outcome: Outcome
    side: Literal["buy", "sell"] | None = None
    quantity: int | None = None
    limit_price: str | None = None
    features: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    refused_by: str | None = None
