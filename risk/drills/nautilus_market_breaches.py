"""Breaches of the limits on quotes, prices and times, each at its edge and one beyond."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

from market.calendar import TradingCalendar
from market.session_windows import SessionWindow
from market.time import NS_PER_MS, NS_PER_SECOND, format_new_york, new_york_date
from risk.counted import counted
from risk.drills.breach import CENT, Breach, Rulings
from risk.drills.drill import Check, equal
from risk.drills.nautilus_rig import START_NS
from risk.drills.nautilus_stepped_rig import STOCK_DECIMALS, SteppedRig

TICK = Decimal(1).scaleb(-STOCK_DECIMALS)
HUNDRED = Decimal(100)
"""A price of which one basis point is one cent, the tick of an order."""
_IN_BPS = 10_000


def _quote_age(rulings: Rulings) -> Iterator[Check]:
    rig, oldest = SteppedRig(rulings.limits), rulings.limits.max_quote_age_ms
    rig.quote("F", 5)
    rig.wait(oldest * NS_PER_MS)
    aged = rig.send(1)
    rig.wait(1)
    older = rig.send(2)
    yield rig.passes(f"an order on a quote {oldest} ms old", aged)
    yield rig.refuses("quote_age", "an order a nanosecond later", older)


def _quote_spread(rulings: Rulings) -> Iterator[Check]:
    rig, widest = SteppedRig(rulings.limits), rulings.limits.max_spread_bps
    factor = Decimal(2 * _IN_BPS + widest) / (2 * _IN_BPS - widest)
    ask = (HUNDRED * factor).quantize(TICK, ROUND_FLOOR)
    rig.quote("F", HUNDRED, ask)
    yield rig.passes(f"an order on {HUNDRED} / {ask}", rig.send(1))
    rig.quote("F", HUNDRED, ask + TICK)
    yield rig.refuses("quote_spread", f"an order on {HUNDRED} / {ask + TICK}", rig.send(2))


def _displayed_liquidity(rulings: Rulings) -> Iterator[Check]:
    rig, least = SteppedRig(rulings.limits), rulings.limits.min_displayed_shares
    rig.quote("F", 5, size=least)
    yield rig.passes(f"an order with {counted(least, 'share')} shown", rig.send(1))
    rig.quote("F", 5, size=least - 1)
    order = rig.send(2)
    yield rig.refuses(refusing_too_little(least), f"an order with {counted(least - 1, 'share')} shown", order)


def refusing_too_little(least: int) -> str:
    """Return the rule that refuses one less than `least` shown: a quote that shows nothing is unsound."""
    return "displayed_liquidity" if least > 1 else "quote_spread"


def _price_band(rulings: Rulings) -> Iterator[Check]:
    rig, limits = SteppedRig(rulings.limits), rulings.limits
    for price, beyond in ((limits.min_price_usd, -TICK), (limits.max_price_usd, TICK)):
        rig.quote("F", price)
        yield rig.passes(f"an order at {price} USD", rig.send(1))
        if price + beyond > 0:
            rig.quote("F", price + beyond)
            yield rig.refuses("price_band", f"an order at {price + beyond} USD", rig.send(1))


def _price_from_mid(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_price_from_mid_bps
    rig.quote("F", HUNDRED)
    yield from _collared(rig, most, "the mid")


def _price_from_last(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), rulings.limits.max_price_from_last_bps
    rig.quote("F", HUNDRED)
    rig.trade("F", HUNDRED)
    yield from _collared(rig, most, "the last trade")


def _collared(rig: SteppedRig, most_bps: int, reference: str) -> Iterator[Check]:
    furthest = most_bps * CENT
    above, below = HUNDRED + furthest, HUNDRED - furthest
    yield rig.refuses(
        "price_collar", f"a buy {most_bps + 1} bps above {reference}", rig.send(1, above + CENT)
    )
    yield rig.passes(f"a buy {most_bps} bps above {reference}", rig.send(1, above))
    if below - CENT > 0:
        far = rig.send(-2, below - CENT)
        yield rig.refuses("price_collar", f"a sell {most_bps + 1} bps below {reference}", far)
        yield rig.passes(f"a sell {most_bps} bps below {reference}", rig.send(-2, below))


def _session_window(rulings: Rulings) -> Iterator[Check]:
    day = new_york_date(START_NS)
    session = TradingCalendar(day, day).session_on(day)
    assert session is not None
    window = SessionWindow.of(session, rulings.session_rules)
    start_ns = session.open_ns - 3_600 * NS_PER_SECOND
    rig = SteppedRig(rulings.limits, start_ns=start_ns, session_rules=rulings.session_rules)
    starts, ends = [start for start, _ in window.no_trade_ns], [end for _, end in window.no_trade_ns]
    edges = {window.ramp_end_ns - 1, window.ramp_end_ns, window.cutoff_ns - 1, window.cutoff_ns}
    orders = {}
    for number, moment_ns in enumerate(sorted(edges.union(starts, ends))):
        rig.wait_until(moment_ns)
        rig.quote("F", 5, after_ns=0)
        orders[moment_ns] = rig.send(number + 1)
    for moment_ns, order in orders.items():
        when = f"an order at {format_new_york(moment_ns, places=9)}"
        is_inside = any(start <= moment_ns < end for start, end in window.no_trade_ns)
        if window.ramp_end_ns <= moment_ns < window.cutoff_ns and not is_inside:
            yield rig.passes(when, order)
        else:
            yield rig.refuses("session_window", when, order)


def _stale_data(rulings: Rulings) -> Iterator[Check]:
    rig, longest = SteppedRig(rulings.limits, has_timer=True), rulings.limits.max_data_silence_seconds
    rig.hold(1)
    rig.quote("F", 5)
    rig.wait(longest * NS_PER_SECOND)
    yield equal(f"after {longest} s without a quote the breaker stays", rig.state, "RUNNING")
    rig.wait(NS_PER_SECOND)
    yield equal("a second later it is in SAFE_MODE", rig.state, "SAFE_MODE")
    yield rig.refuses("breaker_state", "an order then", rig.send(1))


MARKET_BREACHES = (
    Breach(name="session_window", scene=_session_window),
    Breach(name="quote_age", keys=("max_quote_age_ms",), scene=_quote_age),
    Breach(name="quote_spread", keys=("max_spread_bps",), scene=_quote_spread),
    Breach(name="displayed_liquidity", keys=("min_displayed_shares",), scene=_displayed_liquidity),
    Breach(name="price_band", keys=("min_price_usd", "max_price_usd"), scene=_price_band),
    Breach(name="price_collar", keys=("max_price_from_mid_bps",), scene=_price_from_mid),
    Breach(name="price_collar", keys=("max_price_from_last_bps",), scene=_price_from_last),
    Breach(name="stale_data", keys=("max_data_silence_seconds",), scene=_stale_data),
)
