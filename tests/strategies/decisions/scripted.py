"""A decision that does what its parameters say at the times they say; found by the fixture `scripted`."""

from __future__ import annotations

from market.features import FeatureSnapshot
from market.money import to_decimal
from strategies.intents import Decision, Enter, EntryStyle, Exit, ExitStyle, Hold, Replace, Side
from strategies.intraday.holding import Holding
from strategies.intraday.parameters import IntradayParameters


class Parameters(IntradayParameters, frozen=True, kw_only=True):
    """Times in ns UTC; 0 is never."""

    side: Side = "buy"
    entry_style: EntryStyle = "marketable"
    exit_style: ExitStyle = "marketable"
    enter_at_ns: int = 0
    enter_until_ns: int = 0
    exit_at_ns: int = 0
    raise_at_ns: int = 0
    forget_at_ns: int = 0
    """From here on nothing is returned."""
    mistype_at_ns: int = 0
    """From here on a word is returned instead of an intent."""
    follows: bool = False


def decide(features: FeatureSnapshot, holding: Holding, parameters: Parameters) -> Decision:
    now_ns = features.ts_ns
    if 0 < parameters.raise_at_ns <= now_ns:
        raise RuntimeError("scripted failure")
    if 0 < parameters.forget_at_ns <= now_ns:
        return None  # type: ignore[return-value]  # what an author forgets
    if 0 < parameters.mistype_at_ns <= now_ns:
        return Decision("buy", "mistyped")  # type: ignore[arg-type]  # what an author mistakes
    if holding.shares:
        leaves = 0 < parameters.exit_at_ns <= now_ns
        return Decision(Exit(parameters.exit_style), "told_to") if leaves else Decision(Hold(), "holding")
    if holding.entry_side is not None:
        return Decision(Replace(to_decimal(features.bid, 4)) if parameters.follows else Hold(), "following")
    if parameters.enter_at_ns <= now_ns < parameters.enter_until_ns:
        enter = Enter(
            side=parameters.side, quantity=parameters.shares_per_entry, style=parameters.entry_style
        )
        return Decision(enter, "told_to")
    return Decision(Hold(), "waiting")
