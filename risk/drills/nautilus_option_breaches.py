"""Breaches of the limits that only options have, each at its edge and one beyond."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from risk.counted import counted
from risk.drills.breach import CENT, Breach, Rulings, cents
from risk.drills.drill import Check
from risk.drills.nautilus_market_breaches import refusing_too_little
from risk.drills.nautilus_options import put
from risk.drills.nautilus_stepped_rig import SteppedRig
from risk.limits import OptionLimits
from risk.market_view import Greeks

HIGH, LOW, OTHER = put(500), put(495), put(400, "QQQ")
MARK = Decimal("50.00")
GREEK = 2.0**-10
"""Delta and vega of a share: a power of two, so that sums of them are exact."""
GREEK_PER_CONTRACT = GREEK * 100


def _rig(rulings: Rulings) -> SteppedRig:
    rig = SteppedRig(
        rulings.limits,
        others=(HIGH, LOW, OTHER),
        universe=("SPY", "QQQ"),
        greeks=lambda _: Greeks(-GREEK, GREEK),
    )
    for option in (HIGH, LOW, OTHER):
        rig.quote(option, MARK)
    return rig


def _options(rulings: Rulings) -> OptionLimits:
    assert rulings.limits.options is not None
    return rulings.limits.options


def _buy(rig: SteppedRig, count: int, price: Decimal | int = 1, option: Any = HIGH) -> Any:
    return rig.send(count, price, name=option)


def _options_allowed(rulings: Rulings) -> Iterator[Check]:
    rig = _rig(rulings)
    yield rig.passes("an option order under limits for options", _buy(rig, 1))
    without = msgspec.structs.replace(rulings.limits, options=None)
    rig = _rig(msgspec.structs.replace(rulings, limits=without))
    yield rig.refuses("options_allowed", "an option order without them", _buy(rig, 1))


def _contracts_per_order(rulings: Rulings) -> Iterator[Check]:
    rig, most = _rig(rulings), _options(rulings).max_contracts_per_order
    yield rig.passes(f"an order of {most} contracts", _buy(rig, most))
    yield rig.refuses("contracts_per_order", f"an order of {most + 1}", _buy(rig, most + 1))


def _contracts_per_leg(rulings: Rulings) -> Iterator[Check]:
    rig, most = _rig(rulings), _options(rulings).max_contracts_per_leg
    held = most // 2
    if held:
        rig.hold(held, name=HIGH)
    order, one_more = _buy(rig, most - held), _buy(rig, 1, 2)  # before the venue answers
    yield rig.passes(f"{most - held} contracts to {held} held", order)
    yield rig.refuses("contracts_per_leg", f"1 contract to {most} held and on their way", one_more)
    yield rig.passes("a contract of another strike", _buy(rig, 1, option=LOW))


def _defined_risk(rulings: Rulings) -> Iterator[Check]:
    rig = _rig(rulings)
    yield rig.refuses("option_defined_risk", "a naked short put", rig.send(-1, MARK + 1, name=HIGH))
    rig.hold(1, name=LOW)
    yield rig.passes("the same put once a long one covers it", rig.send(-1, MARK + 2, name=HIGH))


def _loss_per_spread(rulings: Rulings) -> Iterator[Check]:
    rig, price = _rig(rulings), cents(_options(rulings).max_loss_usd_per_spread / 100)
    far = _buy(rig, 1, price + CENT)
    yield rig.refuses("option_loss_per_spread", f"a contract for {100 * (price + CENT)} USD", far)
    yield rig.passes(f"a contract for {100 * price} USD", _buy(rig, 1, price))


def _loss_per_underlying(rulings: Rulings) -> Iterator[Check]:
    yield from _two_losses(
        rulings, "option_loss_per_underlying", _options(rulings).max_loss_usd_per_underlying, LOW
    )


def _loss_total(rulings: Rulings) -> Iterator[Check]:
    yield from _two_losses(rulings, "option_loss_total", _options(rulings).max_loss_usd_total, OTHER)


def _two_losses(rulings: Rulings, rule: str, most: Decimal, second: Any) -> Iterator[Check]:
    """Work an order for half of `most`; then one of `second` for the rest, and for a dollar more."""
    rig, half = _rig(rulings), cents(most / 200)
    rest = cents(most / 100) - half
    for option in (HIGH, LOW, OTHER):
        rig.quote(option, rest + MARK)
    yield rig.passes(f"a contract for {100 * half} USD", _buy(rig, 1, half))
    far = _buy(rig, 1, rest + CENT, second)
    yield rig.refuses(rule, f"another for {100 * (rest + CENT)} USD", far)
    yield rig.passes(f"another for {100 * rest} USD", _buy(rig, 1, rest, second))


def _delta(rulings: Rulings) -> Iterator[Check]:
    most = int(_options(rulings).max_delta_shares_per_underlying / GREEK_PER_CONTRACT)
    yield from _greek(rulings, "option_delta", "shares", most)


def _vega(rulings: Rulings) -> Iterator[Check]:
    most = int(float(_options(rulings).max_vega_usd_per_underlying) / GREEK_PER_CONTRACT)
    yield from _greek(rulings, "option_vega", "USD a point", most)


def _greek(rulings: Rulings, rule: str, unit: str, most: int) -> Iterator[Check]:
    rig = _rig(rulings)
    held = most // 2
    rig.hold(held, name=LOW)
    far = _buy(rig, most - held + 1)
    yield rig.refuses(rule, f"{(most + 1) * GREEK_PER_CONTRACT:g} {unit}", far)
    yield rig.passes(f"{most * GREEK_PER_CONTRACT:g} {unit}", _buy(rig, most - held))


def _price_from_mid(rulings: Rulings) -> Iterator[Check]:
    rig, furthest = _rig(rulings), cents(_options(rulings).max_price_from_mid_usd)
    far = _buy(rig, 1, MARK + furthest + CENT)
    yield rig.refuses("price_collar", f"a buy {furthest + CENT} USD above the mid", far)
    yield rig.passes(f"a buy {furthest} USD above the mid", _buy(rig, 1, MARK + furthest))


def _spread(rulings: Rulings) -> Iterator[Check]:
    rig, widest = _rig(rulings), cents(_options(rulings).max_spread_usd)
    rig.quote(HIGH, MARK, MARK + widest)
    yield rig.passes(f"an order on a quote {widest} USD wide", _buy(rig, 1))
    rig.quote(HIGH, MARK, MARK + widest + CENT)
    yield rig.refuses("quote_spread", f"an order on one {widest + CENT} USD wide", _buy(rig, 2))


def _displayed(rulings: Rulings) -> Iterator[Check]:
    rig, least = _rig(rulings), _options(rulings).min_displayed_contracts
    rig.quote(HIGH, MARK, size=least)
    yield rig.passes(f"an order with {counted(least, 'contract')} shown", _buy(rig, 1))
    rig.quote(HIGH, MARK, size=least - 1)
    yield rig.refuses(
        refusing_too_little(least), f"an order with {counted(least - 1, 'contract')} shown", _buy(rig, 2)
    )


def _breach(name: str, key: str, scene: Any) -> Breach:
    return Breach(name=name, keys=(f"options.{key}",), scene=scene)


OPTION_BREACHES = (
    Breach(name="options_allowed", scene=_options_allowed),
    Breach(name="option_defined_risk", scene=_defined_risk),
    _breach("contracts_per_order", "max_contracts_per_order", _contracts_per_order),
    _breach("contracts_per_leg", "max_contracts_per_leg", _contracts_per_leg),
    _breach("option_loss_per_spread", "max_loss_usd_per_spread", _loss_per_spread),
    _breach("option_loss_per_underlying", "max_loss_usd_per_underlying", _loss_per_underlying),
    _breach("option_loss_total", "max_loss_usd_total", _loss_total),
    _breach("option_delta", "max_delta_shares_per_underlying", _delta),
    _breach("option_vega", "max_vega_usd_per_underlying", _vega),
    _breach("price_collar", "max_price_from_mid_usd", _price_from_mid),
    _breach("quote_spread", "max_spread_usd", _spread),
    _breach("displayed_liquidity", "min_displayed_contracts", _displayed),
)
