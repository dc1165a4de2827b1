"""Breaches of the limits on size, value and symbols, each at its edge and one beyond."""

from __future__ import annotations

from collections.abc import Iterator

from risk.drills.breach import CENT, Breach, Rulings, cents, steps
from risk.drills.drill import Check
from risk.drills.nautilus_stepped_rig import PRICE, SteppedRig
from risk.limits import UNIVERSE

FUNDS_USD = 100_000
BELOW = PRICE - 1
"""A price at which a buy order rests."""


def _shares_per_order(rulings: Rulings) -> Iterator[Check]:
    most, rig = rulings.limits.max_shares_per_order, SteppedRig(rulings.limits)
    yield rig.passes(f"an order of {most} shares", rig.send(most))
    yield rig.refuses("shares_per_order", f"an order of {most + 1} shares", rig.send(most + 1))


def _notional_per_order(rulings: Rulings) -> Iterator[Check]:
    most, rig = cents(rulings.limits.max_notional_usd_per_order), SteppedRig(rulings.limits)
    rig.quote("F", most)
    above = most + CENT
    yield rig.refuses("notional_per_order", f"an order of {above} USD", rig.send(1, above))
    yield rig.passes(f"an order of {most} USD", rig.send(1, most))


def _position_per_symbol(rulings: Rulings) -> Iterator[Check]:
    most, rig = rulings.limits.max_position_shares_per_symbol, SteppedRig(rulings.limits)
    if most > 2:
        rig.hold(most // 2)
    rest = most - int(rig.net())
    order, one_more = rig.send(rest, BELOW), rig.send(1, BELOW - 1)  # before the venue answers
    yield rig.passes(f"{rest} shares to {rig.net()} held", order)
    yield rig.refuses("position_per_symbol", f"1 share to {most} held and on their way", one_more)


def _notional_per_symbol(rulings: Rulings) -> Iterator[Check]:
    rig, price = SteppedRig(rulings.limits), cents(rulings.limits.max_notional_usd_per_symbol / 2)
    rig.quote("F", price)
    rig.hold(1)
    above = price + CENT
    yield rig.refuses("notional_per_symbol", f"1 share at {above} to 1 at {price}", rig.send(1, above))
    yield rig.passes(f"1 share at {price} to 1 at {price}", rig.send(1, price))


def _notional_total(rulings: Rulings) -> Iterator[Check]:
    rig, most = SteppedRig(rulings.limits), cents(rulings.limits.max_notional_usd_total)
    held = cents(most / 2)
    rest = most - held
    rig.quote("F", held)
    rig.hold(1)
    rig.quote("GE", rest)
    above = rest + CENT
    order = rig.send(1, above, name="GE")
    yield rig.refuses("notional_total", f"{above} USD of GE to {held} USD of F", order)
    yield rig.passes(f"{rest} USD of GE to {held} USD of F", rig.send(1, rest, name="GE"))


def _concurrent_positions(rulings: Rulings) -> Iterator[Check]:
    most = rulings.limits.max_positions
    symbols = tuple(f"S{number}" for number in steps("max_positions", most + 1))
    rig = SteppedRig(rulings.limits, symbols=symbols)
    rig.hold(1, name=symbols[0])
    orders = [rig.send(1, BELOW, name=symbol) for symbol in symbols[1:-1]]
    yield rig.passes(f"positions and orders in {most} symbols", *orders, rig.send(2, name=symbols[0]))
    order = rig.send(1, BELOW, name=symbols[-1])
    yield rig.refuses("concurrent_positions", f"an order in symbol {most + 1}", order)


def _open_orders(rulings: Rulings) -> Iterator[Check]:
    most, rig = rulings.limits.max_open_orders, SteppedRig(rulings.limits)
    orders = []
    for number in steps("max_open_orders", most):
        rig.wait()
        orders.append(rig.send(number + 1, BELOW))
    one_more = rig.send(most + 1, BELOW)  # before the venue answers the last
    yield rig.passes(f"{most} working orders", *orders)
    yield rig.refuses("open_orders", f"order {most + 1}", one_more)
    rig.strategy.cancel_order(orders[0])
    rig.wait()
    yield rig.passes("an order after a cancel", rig.send(most + 2, BELOW))


def _buying_power(rulings: Rulings) -> Iterator[Check]:
    rig = SteppedRig(rulings.limits, balance_usd=FUNDS_USD)
    most = cents(FUNDS_USD * rulings.limits.max_funds_multiple)
    rig.quote("F", most)
    above = most + CENT
    yield rig.refuses("buying_power", f"{above} USD with funds of {FUNDS_USD} USD", rig.send(1, above))
    yield rig.passes(f"{most} USD with funds of {FUNDS_USD} USD", rig.send(1, most))


def _symbol_allowed(rulings: Rulings) -> Iterator[Check]:
    listed = rulings.limits.allowed_symbols
    allowed = rulings.universe if listed == UNIVERSE else listed
    rig = SteppedRig(rulings.limits, symbols=(allowed[0], "UNLISTED"), universe=rulings.universe)
    yield rig.passes(f"an order of {allowed[0]}", rig.send(1, name=allowed[0]))
    yield rig.refuses("symbol_allowed", "an order of UNLISTED", rig.send(1, name="UNLISTED"))


def _symbol_prohibited(rulings: Rulings) -> Iterator[Check]:
    prohibited = rulings.limits.prohibited_symbols
    rig = SteppedRig(rulings.limits, symbols=("OTHER", *prohibited))
    yield rig.passes("an order of OTHER", rig.send(1, name="OTHER"))
    for symbol in prohibited:
        yield rig.refuses("symbol_prohibited", f"an order of {symbol}", rig.send(1, name=symbol))


ORDER_BREACHES = (
    Breach(name="symbol_prohibited", keys=("prohibited_symbols",), scene=_symbol_prohibited),
    Breach(name="symbol_allowed", keys=("allowed_symbols",), scene=_symbol_allowed),
    Breach(name="open_orders", keys=("max_open_orders",), scene=_open_orders),
    Breach(name="shares_per_order", keys=("max_shares_per_order",), scene=_shares_per_order),
    Breach(name="notional_per_order", keys=("max_notional_usd_per_order",), scene=_notional_per_order),
    Breach(name="position_per_symbol", keys=("max_position_shares_per_symbol",), scene=_position_per_symbol),
    Breach(name="notional_per_symbol", keys=("max_notional_usd_per_symbol",), scene=_notional_per_symbol),
    Breach(name="notional_total", keys=("max_notional_usd_total",), scene=_notional_total),
    Breach(name="concurrent_positions", keys=("max_positions",), scene=_concurrent_positions),
    Breach(name="buying_power", keys=("max_funds_multiple",), scene=_buying_power),
)
