"""The harvester's decision: a pure function of the market, the holding and the parameters.

Flat, it looks for a side on which the queue at the best prices (and the deeper book, where there is
depth), the recent order flow and the momentum agree; then it asks whether the spread and the volatility
allow the trade. Working, it follows the best price and gives up when the queue turns. Holding, it leaves
at the stop, at the target, when the signal reverses, or when time is up. Session windows, cooldown,
rates and the way orders are worked are the lifecycle's.
"""

from __future__ import annotations

from market.features import FeatureSnapshot
from market.instruments import EQUITY_PRICE_PRECISION
from market.money import to_decimal
from strategies.harvester.config import Parameters
from strategies.intents import Cancel, Decision, Enter, Exit, Hold, Replace, Side
from strategies.intraday.holding import Holding

__all__ = ["Parameters", "decide"]

_NO_SIGNAL = Decision(Hold(), "no_signal")
_WARMING_UP = Decision(Hold(), "features_not_ready")
_KEEP_WORKING = Decision(Hold(), "entry_working")
_KEEP_POSITION = Decision(Hold(), "position_held")


def decide(features: FeatureSnapshot, holding: Holding, parameters: Parameters) -> Decision:
    """Return what to do now, why, and the thresholds that the market was compared with."""
    if holding.shares:
        return _leave_or_keep(features, holding, parameters)
    if holding.entry_side is not None:
        return _follow_or_give_up(features, holding, parameters)
    if holding.is_exiting:
        return _KEEP_POSITION
    return _enter_or_wait(features, parameters)


def _enter_or_wait(features: FeatureSnapshot, parameters: Parameters) -> Decision:
    imbalance = features.imbalance
    if imbalance >= parameters.imbalance_min:
        side: Side = "buy"
    elif imbalance <= -parameters.imbalance_min and parameters.allow_short:
        side = "sell"
    else:
        return _NO_SIGNAL
    if features.momentum_bps is None or features.volatility_bps is None:
        return _WARMING_UP
    if not _agrees(features, side, parameters):
        return _NO_SIGNAL
    blocked_by = _filter_reason(features, parameters)
    if blocked_by is not None:
        return _explain(Hold(signal=side), blocked_by, parameters)
    enter = Enter(side=side, quantity=parameters.shares_per_entry, style=parameters.entry_style)
    return _explain(enter, "pressure_agrees", parameters)


def _agrees(features: FeatureSnapshot, side: Side, parameters: Parameters) -> bool:
    """Whether flow, momentum and, where there is depth, the book lean to `side` too."""
    sign = 1.0 if side == "buy" else -1.0
    if features.order_flow_ratio * sign < parameters.order_flow_ratio_min:
        return False
    if features.momentum_bps is None or features.momentum_bps * sign < parameters.momentum_bps_min:
        return False
    book = features.book_imbalance
    return book is None or book * sign >= parameters.book_imbalance_min


def _filter_reason(features: FeatureSnapshot, parameters: Parameters) -> str | None:
    if features.spread_bps > parameters.spread_bps_max:
        return "spread_too_wide"
    volatility = features.volatility_bps
    if volatility is None or volatility < parameters.volatility_bps_min:
        return "too_quiet"
    return "too_volatile" if volatility > parameters.volatility_bps_max else None


def _follow_or_give_up(features: FeatureSnapshot, holding: Holding, parameters: Parameters) -> Decision:
    is_buy = holding.entry_side == "buy"
    if (features.imbalance if is_buy else -features.imbalance) < 0.0:
        return Decision(Cancel(), "queue_turned", {"imbalance": 0.0})
    if parameters.entry_style == "marketable" or holding.entry_price is None:
        return _KEEP_WORKING
    best = to_decimal(features.bid if is_buy else features.ask, EQUITY_PRICE_PRECISION)
    if best == holding.entry_price or (best < holding.entry_price) == is_buy:
        return _KEEP_WORKING  # still the best price of its side
    return Decision(Replace(best), "best_price_moved")


def _leave_or_keep(features: FeatureSnapshot, holding: Holding, parameters: Parameters) -> Decision:
    pnl_bps = holding.pnl_bps(features)
    held_ms = holding.held_ms(features.ts_ns)
    if pnl_bps <= -parameters.stop_loss_bps:
        reason, thresholds = "stop_loss", {"pnl_bps": -parameters.stop_loss_bps}
    elif pnl_bps >= parameters.profit_target_bps:
        reason, thresholds = "profit_target", {"pnl_bps": parameters.profit_target_bps}
    elif held_ms >= parameters.time_stop_ms:
        reason, thresholds = "time_stop", {"held_ms": float(parameters.time_stop_ms)}
    elif _has_reversed(features, holding, parameters):
        reason, thresholds = "signal_reversed", _signal_thresholds(parameters)
    else:
        return _KEEP_POSITION
    return Decision(Exit("marketable"), reason, thresholds, {"pnl_bps": pnl_bps, "held_ms": held_ms})


def _has_reversed(features: FeatureSnapshot, holding: Holding, parameters: Parameters) -> bool:
    against: Side = "sell" if holding.shares > 0 else "buy"
    lean = -features.imbalance if against == "sell" else features.imbalance
    return lean >= parameters.imbalance_min and _agrees(features, against, parameters)


def _explain(intent: Enter | Hold, reason: str, parameters: Parameters) -> Decision:
    thresholds = _signal_thresholds(parameters) | {
        "spread_bps": parameters.spread_bps_max,
        "volatility_bps": parameters.volatility_bps_max
        if reason != "too_quiet"
        else parameters.volatility_bps_min,
    }
    return Decision(intent, reason, thresholds)


def _signal_thresholds(parameters: Parameters) -> dict[str, float]:
    return {
        "imbalance": parameters.imbalance_min,
        "book_imbalance": parameters.book_imbalance_min,
        "order_flow_ratio": parameters.order_flow_ratio_min,
        "momentum_bps": parameters.momentum_bps_min,
    }
