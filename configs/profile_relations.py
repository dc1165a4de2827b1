"""Values of different sections that contradict each other, though each is right by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import TYPE_CHECKING

from configs.profile_environments import broker_contradictions
from market.session_windows import REGULAR_SESSION_MINUTES, SessionRules, parse_window
from risk.limits import UNIVERSE

if TYPE_CHECKING:
    from configs.profile import Profile

REGULAR_OPEN_MINUTE = 9 * 60 + 30
"""09:30 New York, in minutes after midnight."""


def contradictions(profile: Profile) -> Iterator[str]:
    """Yield every contradiction as a message that begins with the key to change."""
    yield from broker_contradictions(profile.environment, profile.broker)
    if profile.environment != "dev" and profile.fees.schedule == "none":
        yield f"fees.schedule is 'none', allowed in {profile.environment}: 'ib_fixed' or 'ib_tiered'"
    yield from _strategy_contradictions(profile)
    yield from _symbol_contradictions(profile)
    yield from _limit_contradictions(profile)
    yield from session_contradictions(profile.session)


def session_contradictions(rules: SessionRules) -> Iterator[str]:
    """Yield no-trade windows that miss the session, and windows that together leave no entry."""
    first = REGULAR_OPEN_MINUTE + rules.open_ramp_minutes
    cutoff = REGULAR_OPEN_MINUTE + REGULAR_SESSION_MINUTES - rules.entry_cutoff_minutes_before_close
    free = set(range(first, cutoff))
    for index, text in enumerate(rules.no_trade_windows):
        start, end = map(_minute, parse_window(text))
        if end <= REGULAR_OPEN_MINUTE or start >= REGULAR_OPEN_MINUTE + REGULAR_SESSION_MINUTES:
            yield (
                f"session.no_trade_windows[{index}] is {text!r}, allowed: a time within 09:30-16:00 New York"
            )
        free -= set(range(start, end))
    if not free:
        yield (
            "session.no_trade_windows leave no minute for entries between the open ramp and the entry "
            "cut-off. Shorten a window, the ramp or the cut-off."
        )


def _strategy_contradictions(profile: Profile) -> Iterator[str]:
    if not profile.strategies:
        yield "strategies is empty, allowed: at least one [[strategies]]"
    names = [section.name for section in profile.strategies]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"strategies[{index}].name is {name!r}, which an earlier strategy has. Give it its own."
    universe = profile.universe.symbols
    for index, section in enumerate(profile.strategies):
        for symbol in section.symbols:
            if universe and symbol not in universe:
                yield (
                    f"strategies[{index}].symbols has {symbol!r}, allowed: symbols of universe.symbols, "
                    f"{', '.join(universe)}"
                )


def _symbol_contradictions(profile: Profile) -> Iterator[str]:
    limits = profile.risk
    for symbol in profile.universe.symbols:
        if symbol in limits.prohibited_symbols:
            yield f"universe.symbols has {symbol!r}, which risk.prohibited_symbols forbids. Remove one."
        if limits.allowed_symbols != UNIVERSE and symbol not in limits.allowed_symbols:
            yield f"universe.symbols has {symbol!r}, which risk.allowed_symbols lacks. Add it there."


def _limit_contradictions(profile: Profile) -> Iterator[str]:
    limits = profile.risk
    cheapest = limits.max_shares_per_order * limits.min_price_usd
    if limits.max_notional_usd_per_order < cheapest:
        yield (
            f"risk.max_notional_usd_per_order is {limits.max_notional_usd_per_order}, which "
            f"max_shares_per_order ({limits.max_shares_per_order}) at min_price_usd "
            f"({limits.min_price_usd}) always exceeds. Raise it to at least {cheapest}, or lower the shares."
        )
    backtest = profile.backtest
    if backtest is not None and limits.max_daily_loss_usd > backtest.starting_balance_usd:
        yield (
            f"risk.max_daily_loss_usd is {limits.max_daily_loss_usd}, more than "
            f"backtest.starting_balance_usd ({backtest.starting_balance_usd}), so it never acts. Lower it."
        )


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute
