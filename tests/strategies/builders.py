"""Values for tests of strategies: one quiet trading day, one symbol, and shorthands."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from market.features import FeatureSnapshot
from market.session_windows import SessionPhase, SessionRules, SessionWindow
from market.time import NS_PER_MS, new_york_ns
from strategies.intraday.correlation import CorrelationIds
from strategies.intraday.lifecycle import Lifecycle
from strategies.intraday.moment import Moment
from strategies.intraday.orders import Command
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.session_clock import SessionClock

DAY = date(2013, 10, 7)
RULES = SessionRules(open_ramp_minutes=5, entry_cutoff_minutes_before_close=15, flat_minutes_before_close=5)
OPEN_NS = new_york_ns(DAY, time(9, 30))
TEN_NS = new_york_ns(DAY, time(10, 0))
"""Half an hour into the session: phase TRADING."""
SHARES_MAX = 10


def at_new_york(hour: int, minute: int = 0, second: int = 0, *, day: date = DAY) -> int:
    """Return that time of the test's day in ns UTC."""
    return new_york_ns(day, time(hour, minute, second))


def window(now_ns: int = TEN_NS, rules: SessionRules = RULES) -> SessionWindow:
    return SessionClock(rules).window_at(now_ns)


def moment(
    after_ms: int = 0,
    *,
    phase: SessionPhase = SessionPhase.TRADING,
    bid: float = 5.00,
    ask: float = 5.01,
    session_open_ns: int = OPEN_NS,
) -> Moment:
    """Return the instant `after_ms` after ten o'clock."""
    return Moment(TEN_NS + after_ms * NS_PER_MS, phase, session_open_ns, bid, ask)


def lifecycle(shares_max: int = SHARES_MAX, **parameters: Any) -> Lifecycle:
    ids = CorrelationIds("test", "BAC")
    return Lifecycle(IntradayParameters(**parameters), ids=ids, shares_max=shares_max)


def only(commands: object) -> Command:
    """Return the one command of a request."""
    assert isinstance(commands, tuple | list), commands
    (command,) = commands
    return command


def snapshot(**changes: Any) -> FeatureSnapshot:
    """Return a market that leans to the buyers in every feature, changed as told."""
    values: dict[str, Any] = {
        "ts_ns": TEN_NS,
        "bid": 5.00,
        "ask": 5.01,
        "bid_size": 900.0,
        "ask_size": 100.0,
        "mid": 5.005,
        "spread": 0.01,
        "spread_bps": 10.0,
        "microprice": 5.009,
        "imbalance": 0.8,
        "order_flow_imbalance": 500.0,
        "order_flow_ratio": 0.8,
        "momentum_bps": 5.0,
        "volatility_bps": 20.0,
    }
    return FeatureSnapshot(**(values | changes))
