"""A flattening leaves what protects until it can close, and tries again until it has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType

from market.time import NS_PER_SECOND
from risk.drills.nautilus_options import combination, option_quotes, put
from risk.market_view import Greeks
from risk.operator_commands import FlattenSymbol, Resume, ResumeSymbol
from tests.risk.flatten_rig import WHO, buys, closings, flattens, halted_until, outcomes, path, stop
from tests.risk.limit_cases import limits
from tests.risk.nautilus_rig import START_NS, F, Rig, Scripted, buy, quotes, scripted, shares, usd
from tests.risk.table_market import quote
from tests.risk.test_nautilus_adoption import hold_future

D = Decimal
SHORT = put(500)
DREAM = quote("4.00", "4.05")
"""A quote that nobody keeps."""
ROOMY = limits(max_loss_usd_per_trade=D(500), max_daily_loss_usd=D(500), max_daily_drawdown_usd=D(500))


@pytest.mark.parametrize("is_emulated", [False, True])
def test_while_the_session_is_closed_the_stop_loss_stays(is_emulated: bool) -> None:
    close_ns = START_NS + 6 * 3600 * NS_PER_SECOND
    rig = Rig(data=path((5, "4.9900", "5.0000")) + path((60, "4.9900", "5.0000"), start_ns=close_ns))
    fields = {"emulation_trigger": TriggerType.BID_ASK} if is_emulated else {}

    def protect(strategy: Scripted) -> None:
        strategy.submit_order(stop(strategy, time_in_force=TimeInForce.GTC, **fields))
        strategy.submit_order(buy(strategy, 10, time_in_force=TimeInForce.GTC))

    rig.run(
        scripted({1: buys(), 3: protect, 10: lambda _: rig.gate.command(FlattenSymbol(symbol="F", **WHO))})
    )
    kept = rig.engine.cache.orders_emulated() if is_emulated else rig.open_orders
    assert [order.side for order in kept] == [OrderSide.SELL]
    assert len(rig.open_orders) == (0 if is_emulated else 1)
    assert rig.net() == 100
    assert outcomes(rig, "flatten_report") == [
        "NOT FLAT after 20 rounds, tried again every minute: 100 F.SMART of S-ONE: the session is closed"
    ]


def test_while_the_session_is_closed_a_stop_larger_than_the_position_is_lowered() -> None:
    close_ns = START_NS + 6 * 3600 * NS_PER_SECOND
    rig = Rig(data=path((5, "4.9900", "5.0000")) + path((40, "4.9900", "5.0000"), start_ns=close_ns))

    def protect(strategy: Scripted) -> None:
        strategy.submit_order(stop(strategy, 100, "4.9600", time_in_force=TimeInForce.GTC))

    flatten = FlattenSymbol(symbol="F", **WHO)
    rig.run(scripted({1: buys(60), 3: protect, 10: lambda _: rig.gate.command(flatten)}))
    assert [int(order.quantity) for order in rig.open_orders] == [60]


def test_it_closes_once_the_session_opens() -> None:
    next_day_ns = START_NS + 24 * 3600 * NS_PER_SECOND
    night_ns = START_NS + 10 * 3600 * NS_PER_SECOND
    data = path((5, "4.9900", "5.0000")) + path((40, "4.9900", "5.0000"), start_ns=night_ns)
    rig = Rig(data=data + path((90, "4.9900", "5.0000"), start_ns=next_day_ns), limits=ROOMY)
    protect = scripted(
        {
            1: buys(),
            3: lambda each: each.submit_order(stop(each, time_in_force=TimeInForce.GTC)),
            10: lambda _: rig.gate.command(FlattenSymbol(symbol="F", **WHO)),
        }
    )
    rig.run(protect)
    assert (rig.net(), rig.open_orders) == (0, [])
    assert [report.is_flat for report in rig.gate.kill_switch.reports] == [False, True]


# -- Again and again ------------------------------------------------------------------------------


def test_after_a_long_trading_halt_it_is_tried_again() -> None:
    data = path((5, "4.9900", "5.0000"), (300, "4.4000", "4.4100"))
    rig = Rig(data=data, limits=limits(max_loss_usd_per_trade=D(50)))
    halted_until(rig, START_NS + 90 * NS_PER_SECOND)
    rig.run(scripted({1: buys()}))
    assert rig.net() == 0
    assert [(report.by, report.is_flat) for report in rig.gate.kill_switch.reports] == [
        ("daily_loss", False), ("daily_loss", True),
    ]  # fmt: skip


def test_between_two_bursts_a_strategy_may_protect_its_position() -> None:
    rig = Rig(data=quotes("F", count=60))
    halted_until(rig, START_NS + 3600 * NS_PER_SECOND)
    rig.run(scripted({1: buys(), 5: flattens(rig), 40: lambda each: each.submit_order(stop(each))}))
    assert rig.rules() == []
    assert [int(order.quantity) for order in rig.open_orders] == [100]


def test_a_person_ends_what_cannot_be_closed_by_resuming() -> None:
    rig = Rig(data=quotes("F", count=200))
    halted_until(rig, START_NS + 60 * NS_PER_SECOND)
    resume = Resume(by="Eve", reason="we keep it")
    rig.run(scripted({1: buys(), 5: flattens(rig), 40: lambda _: rig.gate.command(resume)}))
    assert rig.net() == 100
    first, second = outcomes(rig, "flatten_report")
    assert first == second.replace(", ended", ", tried again every minute")
    assert rig.gate.keeper.account.flattenings == []


def test_resuming_lets_a_burst_end_before_it_is_over() -> None:
    rig = Rig(data=quotes("F", count=100))
    halted_until(rig, START_NS + 10 * NS_PER_SECOND)
    resume = Resume(by="Eve", reason="news")
    rig.run(scripted({1: buys(), 5: flattens(rig), 8: lambda _: rig.gate.command(resume)}))
    assert (rig.net(), outcomes(rig, "flatten_report")) == (0, ["flat"])


def test_resuming_a_symbol_ends_its_flattening_alone() -> None:
    rig = Rig(data=quotes("F", count=200))
    halted_until(rig, START_NS + 60 * NS_PER_SECOND)
    commands = {
        5: FlattenSymbol(symbol="F", **WHO),
        6: FlattenSymbol(symbol="BAC", **WHO),
        40: ResumeSymbol(symbol="BAC", **WHO),
    }
    rig.run(
        scripted(
            {1: buys()} | {n: lambda _, each=each: rig.gate.command(each) for n, each in commands.items()}
        )
    )
    assert rig.net() == 0  # the flattening of F went on
    rig = Rig(data=quotes("F", count=200))
    halted_until(rig, START_NS + 60 * NS_PER_SECOND)
    commands[40] = ResumeSymbol(symbol="F", **WHO)
    rig.run(
        scripted(
            {1: buys()} | {n: lambda _, each=each: rig.gate.command(each) for n, each in commands.items()}
        )
    )
    assert rig.net() == 100


def test_a_new_command_takes_over_from_one_that_rests() -> None:
    rig = Rig(data=quotes("F", count=100))
    halted_until(rig, START_NS + 40 * NS_PER_SECOND)
    rig.run(scripted({1: buys(), 5: flattens(rig), 50: flattens(rig, by="Bob")}))
    assert rig.net() == 0
    assert [(report.by, report.is_flat) for report in rig.gate.kill_switch.reports] == [
        ("Ann", False), ("Bob", True),
    ]  # fmt: skip


def test_two_flattenings_of_one_option_do_not_cancel_each_others_orders() -> None:
    rig = option_rig()
    rig.run(
        OptionBuyer(
            {
                1: OptionBuyer.buy,
                5: lambda _: (flattens(rig)(None), rig.gate.command(FlattenSymbol(symbol="SPY", **WHO))),
            }
        )
    )
    sent = [order.init_event.options["price"] for order in closings(rig)]
    assert len(sent) == len(set(sent)) == 1


# -- Options --------------------------------------------------------------------------------------


class OptionBuyer(Scripted):
    """Buys one put, and acts at given quotes."""

    def __init__(self, actions: dict[int, Any]) -> None:
        super().__init__(lambda each, seen: actions.get(seen, lambda _: None)(each))

    def on_start(self) -> None:
        self.subscribe_quote_ticks(SHORT.id)

    def buy(self) -> None:
        """Buy one put at the ask."""
        self.submit_order(self.order_factory.limit(SHORT.id, OrderSide.BUY, shares(1), usd("3.05")))


def option_rig(grace_ms: int = 0) -> Rig:
    data = option_quotes(SHORT.id, "3.00", "3.05", count=60)
    roomy = limits(
        max_loss_usd_per_trade=D(500),
        max_daily_loss_usd=D(500),
        max_daily_drawdown_usd=D(500),
        canceled_order_grace_ms=grace_ms,
    )
    return Rig(symbols=(), others=(SHORT,), data=data, limits=roomy, greeks=lambda _: Greeks(-0.3, 0.1))


def test_an_option_is_offered_again_within_the_grace_of_the_order_before() -> None:
    rig = option_rig(grace_ms=30_000)

    def dream(strategy: Any) -> None:
        rig.gate.keeper.account.market.quote = lambda _terms: DREAM  # type: ignore[assignment, method-assign]
        flattens(rig)(strategy)

    rig.run(OptionBuyer({1: OptionBuyer.buy, 5: dream}))
    assert rig.rules() == []
    assert [str(order.price) for order in closings(rig)][:4] == ["4.00", "3.99", "3.98", "3.96"]
    assert sum(int(order.filled_qty) for order in closings(rig)) <= 1


# -- What cannot be read --------------------------------------------------------------------------


def test_a_position_that_cannot_be_closed_here_is_told_and_the_rest_is_closed() -> None:
    rig = Rig()
    hold_future(rig)
    rig.run(scripted({1: buys(), 5: flattens(rig)}))
    assert rig.net() == 0
    (told,) = outcomes(rig, "flatten_report")
    assert "1 ES.SMART of EXTERNAL: ES.SMART is a FuturesContract" in told
    assert told.endswith("Close it in TWS.")


def test_a_position_that_cannot_be_read_is_no_part_of_another_symbol() -> None:
    rig = Rig()
    hold_future(rig)
    flatten = FlattenSymbol(symbol="F", **WHO)
    rig.run(scripted({1: buys(), 5: lambda _: rig.gate.command(flatten)}))
    assert outcomes(rig, "flatten_report") == ["flat"]


def test_spreads_of_other_symbols_are_not_looked_at() -> None:
    long = put(495)
    rig = Rig(others=(SHORT, long, combination([(SHORT, -1), (long, 1)])))
    rig.run(scripted({1: buys(), 5: flattens(rig)}))
    assert (rig.net(), [order.instrument_id for order in closings(rig)]) == (0, [F])


@pytest.mark.parametrize(("is_all", "left"), [(True, 0), (False, 1)])
def test_an_emulated_order_that_cannot_be_read_goes_only_with_everything(is_all: bool, left: int) -> None:
    rig = Rig()
    flatten = flattens(rig) if is_all else lambda _: rig.gate.command(FlattenSymbol(symbol="F", **WHO))
    read, hidden = rig.gate.instruments.terms, list[bool]()

    def hide(strategy: Scripted) -> None:
        hidden.append(True)
        flatten(strategy)

    def forget(instrument_id: Any) -> Any:
        if hidden:
            raise LookupError("gone")
        return read(instrument_id)

    rig.gate.instruments.terms = forget  # type: ignore[method-assign]
    wait = {"emulation_trigger": TriggerType.BID_ASK}
    rig.run(scripted({3: lambda each: each.submit_order(stop(each, **wait)), 6: hide}))
    assert len(rig.engine.cache.orders_emulated()) == left


def test_a_flattening_of_one_symbol_leaves_emulated_orders_of_others() -> None:
    rig = Rig(symbols=("F", "GE"), data=quotes("F", count=20) + quotes("GE", count=20))
    flatten = FlattenSymbol(symbol="GE", **WHO)
    wait = {"emulation_trigger": TriggerType.BID_ASK}
    place = {3: lambda each: each.submit_order(stop(each, **wait)), 6: lambda _: rig.gate.command(flatten)}
    rig.run(scripted(place))
    assert len(rig.engine.cache.orders_emulated()) == 1
