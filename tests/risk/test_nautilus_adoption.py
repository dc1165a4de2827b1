"""Orders and positions that the gate has not approved: those that can be read count, the others are named."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.execution.reports import OrderStatusReport
from nautilus_trader.model.currencies import GBP, USD
from nautilus_trader.model.enums import (
    AssetClass,
    LiquiditySide,
    OmsType,
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from nautilus_trader.model.events import OrderAccepted, OrderFilled, OrderSubmitted
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    InstrumentId,
    PositionId,
    StrategyId,
    Symbol,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.instruments import Equity, FuturesContract
from nautilus_trader.model.objects import Money, Quantity
from nautilus_trader.model.position import Position

from market.time import to_ns
from risk.drills.nautilus_options import option_quotes, put
from risk.nautilus_gate import GateSetup, install_gate
from risk.operator_commands import FlattenAll
from risk.records import ReadingRecord
from risk.snapshot import Touch
from tests.risk.limit_cases import LIMITS, SESSION_RULES, limits
from tests.risk.live_rig import LiveRig, Node
from tests.risk.nautilus_rig import (
    SMART,
    F,
    Rig,
    Scripted,
    buy,
    market,
    scripted,
    shares,
    usd,
    working,
)

MOST = LIMITS.max_position_shares_per_symbol
FUTURE = FuturesContract(
    InstrumentId(Symbol("ES"), SMART), Symbol("ES"), AssetClass.INDEX, USD, 2, usd("0.25"), shares(50),
    shares(1), "ES", 0, to_ns("2024-06-21T00:00:00Z"), 0, 0,
)  # fmt: skip


def ledger(rig: Any) -> Any:
    return rig.gate.keeper.account.ledger


def breaker(rig: Any) -> Any:
    return rig.gate.keeper.account.breaker


def past_the_gate(rig: Any, strategy: Scripted, order: Any) -> None:
    """Send an order to the venue as another program would."""
    strategy.cache.add_order(order)
    rig.gate._forward(
        SubmitOrder(
            trader_id=order.trader_id, strategy_id=order.strategy_id, order=order, command_id=UUID4(),
            ts_init=strategy.clock.timestamp_ns(),
        )
    )  # fmt: skip


def future_fill(side: OrderSide, trade_id: str) -> OrderFilled:
    return OrderFilled(
        TraderId("T-1"), StrategyId("EXTERNAL"), FUTURE.id, ClientOrderId("X"), VenueOrderId("X"),
        AccountId("SMART-001"), TradeId(trade_id), PositionId("P-ES"), side, OrderType.MARKET, shares(1),
        usd("5000.00"), USD, Money(0, USD), LiquiditySide.TAKER, UUID4(), 0, 0,
    )  # fmt: skip


def hold_future(rig: Any) -> None:
    """Put a long future into the cache."""
    rig.engine.cache.add_instrument(FUTURE)
    rig.engine.cache.add_position(Position(FUTURE, future_fill(OrderSide.BUY, "1")), OmsType.NETTING)


# -- Orders of others -----------------------------------------------------------------------------


def test_an_order_of_another_program_counts_from_the_first_word_of_it(node: Node) -> None:
    rig = node()
    strategy = scripted(
        {
            1: lambda each: past_the_gate(rig, each, buy(each, MOST, "4.8900")),
            10: lambda each: each.submit_order(buy(each, 10)),
        }
    )
    rig.run(strategy)
    assert rig.rules() == ["position_per_symbol"]
    assert ledger(rig).exposure("F.SMART").worst_long == MOST


def test_an_order_typed_into_tws_counts_when_reconciliation_reports_it() -> None:
    rig = LiveRig()
    seen: list[int] = []

    def report(strategy: Scripted) -> None:
        now_ns = strategy.clock.timestamp_ns()
        typed = OrderStatusReport(
            account_id=strategy.cache.accounts()[0].id, instrument_id=F, venue_order_id=VenueOrderId("TWS-1"),
            order_side=OrderSide.BUY, order_type=OrderType.LIMIT, time_in_force=TimeInForce.DAY,
            order_status=OrderStatus.ACCEPTED, quantity=shares(MOST), filled_qty=shares(0),
            price=usd("4.8900"), report_id=UUID4(), ts_accepted=now_ns, ts_last=now_ns, ts_init=now_ns,
        )  # fmt: skip
        assert rig.node.kernel.exec_engine.reconcile_execution_report(typed)
        seen.append(ledger(rig).exposure("F.SMART").worst_long)

    rig.run(scripted({5: report, 10: lambda each: each.submit_order(buy(each, 10))}))
    assert (seen, rig.rules()) == ([MOST], ["position_per_symbol"])


def test_a_fill_of_an_unknown_order_counts_once_and_the_rest_of_it_goes_on_counting() -> None:
    rig = Rig(limits=limits(min_displayed_shares=1))
    counted: list[tuple[int, int]] = []

    def fill(strategy: Scripted) -> None:
        order = working(strategy)
        book = ledger(rig)
        book.closed(order.client_order_id.value, 1, may_fill_late=False)  # as if it had never been approved
        event = OrderFilled(
            order.trader_id, order.strategy_id, F, order.client_order_id, order.venue_order_id,
            order.account_id, TradeId("1"), PositionId("P"), OrderSide.BUY, OrderType.LIMIT, shares(40),
            usd("4.9000"), USD, Money(0, USD), LiquiditySide.MAKER, UUID4(), 1, 1,
        )  # fmt: skip
        rig.engine.kernel.exec_engine.process(event)
        counted.append((book.net("F.SMART"), book.exposure("F.SMART").worst_long))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 100)), 3: fill}))
    assert counted == [(40, 100)]


@pytest.mark.parametrize("missed", [(), (OrderAccepted,)])
def test_the_timer_counts_an_order_of_which_no_word_came(missed: tuple[type, ...]) -> None:
    rig = Rig(has_timer=True)
    for event_type in missed:
        del rig.gate.events._events[event_type]

    def send(strategy: Scripted) -> None:
        past_the_gate(rig, strategy, buy(strategy, 50, "4.8900"))

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 10)), 3: send}))
    assert ledger(rig).exposure("F.SMART").worst_long == 60


def test_the_timer_counts_an_order_that_grew_without_a_word() -> None:
    rig = Rig(has_timer=True)
    counted: list[int] = []

    def shrink(strategy: Scripted) -> None:
        order_id = working(strategy).client_order_id.value
        ledger(rig).changed(order_id, 20, working(strategy).price.as_decimal(), strategy.clock.timestamp_ns())
        counted.append(ledger(rig).exposure("F.SMART").worst_long)

    def place(strategy: Scripted) -> None:
        strategy.submit_order(market(strategy, 10))
        strategy.submit_order(buy(strategy, 50, "4.8900"))

    rig.run(scripted({1: place, 3: shrink}))
    counted.append(ledger(rig).exposure("F.SMART").worst_long)
    assert counted == [30, 60]


# -- What cannot be read --------------------------------------------------------------------------


def test_a_gate_starts_beside_a_position_that_it_cannot_read() -> None:
    rig = Rig()
    rig.run(scripted({1: lambda each: each.submit_order(market(each, 40))}))
    hold_future(rig)
    kernel = rig.engine.kernel
    kernel.msgbus.deregister("ExecEngine.execute", rig.gate.execute)
    kernel.msgbus.register("ExecEngine.execute", kernel.exec_engine.execute)
    setup = GateSetup(
        limits=limits(), session_rules=SESSION_RULES, universe=("F",), has_timer=False, recorder=rig.recorder
    )
    late = install_gate(rig.engine, setup)
    account = late.keeper.account
    assert account.ledger.net("F.SMART") == 40
    assert (account.breaker.state, account.breaker.causes) == ("SAFE_MODE", ("unreadable",))
    readings = [entry for entry in rig.recorder.entries if isinstance(entry, ReadingRecord)]
    assert [(each.trigger, each.inputs) for each in readings] == [("unreadable", {"instrument": "ES.SMART"})]
    assert readings[0].value.startswith("ES.SMART is a FuturesContract")


def test_what_can_be_read_is_closed_beside_what_cannot(node: Node) -> None:
    rig = node(has_timer=True)

    def appear(strategy: Scripted) -> None:
        hold_future(rig)
        rig.gate.confirm_reconciled(reason="compared")
        strategy.submit_order(buy(strategy, 10))
        rig.gate.command(FlattenAll(by="Ann", reason="now"))

    strategy = scripted({1: lambda each: each.submit_order(market(each, 40)), 10: appear})
    rig.run(strategy)
    assert rig.rules() == ["breaker_state"]
    assert (rig.net(), breaker(rig).causes) == (0, ("unreadable",))


def test_safe_mode_ends_when_all_can_be_read_again() -> None:
    rig = Rig(has_timer=True)
    states: list[str] = []

    def appear(_: Scripted) -> None:
        hold_future(rig)

    def vanish(strategy: Scripted) -> None:
        states.append(breaker(rig).state)
        position = strategy.cache.position(PositionId("P-ES"))
        position.apply(future_fill(OrderSide.SELL, "2"))
        strategy.cache.update_position(position)

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 40)), 5: appear, 10: vanish}))
    assert [*states, breaker(rig).state] == ["SAFE_MODE", "RUNNING"]
    assert sum(isinstance(entry, ReadingRecord) for entry in rig.recorder.entries) == 1


@pytest.mark.parametrize("count", ["1", "1.5"])
def test_an_unreadable_order_of_somebody_is_safe_mode_and_no_halt(node: Node, count: str) -> None:
    """A future, or a fraction of a share: the gate goes on counting all the rest."""
    rig = node()

    def appear(strategy: Scripted) -> None:
        strategy.cache.add_instrument(FUTURE)
        fields = {"instrument_id": FUTURE.id} if count == "1" else {"instrument_id": F}
        order = strategy.order_factory.limit(
            order_side=OrderSide.BUY, quantity=Quantity.from_str(count), price=usd("4.0000"), **fields
        )
        strategy.cache.add_order(order)
        names = {"trader_id": order.trader_id, "strategy_id": order.strategy_id, **fields}
        ids = {"client_order_id": order.client_order_id, "account_id": AccountId("SMART-001")}
        ids |= {"venue_order_id": VenueOrderId("TWS-1")}
        accepted = OrderAccepted(event_id=UUID4(), ts_event=1, ts_init=1, **names, **ids)
        order.apply(
            OrderSubmitted(
                account_id=ids["account_id"],
                client_order_id=order.client_order_id,
                event_id=UUID4(),
                ts_event=1,
                ts_init=1,
                **names,
            )
        )
        strategy.msgbus.send(endpoint="ExecEngine.process", msg=accepted)

    rig.run(scripted({3: appear, 10: lambda each: each.submit_order(market(each, 10))}))
    assert (breaker(rig).state, breaker(rig).causes) == ("SAFE_MODE", ("unreadable",))
    assert rig.rules() == ["breaker_state"]


def test_a_fill_of_an_instrument_that_cannot_be_read_is_safe_mode_and_no_halt(node: Node) -> None:
    rig = node()

    def fill(strategy: Scripted) -> None:
        strategy.cache.add_instrument(FUTURE)
        rig.gate.events.on_order_event(future_fill(OrderSide.BUY, "1"))

    rig.run(scripted({3: fill}))
    assert (breaker(rig).state, breaker(rig).causes) == ("SAFE_MODE", ("unreadable",))


def test_a_stock_in_pounds_cannot_be_read() -> None:
    rig = Rig()
    listed = Equity(InstrumentId.from_str("F.LSE"), Symbol("F"), GBP, 4, usd("0.0100"), shares(1), 0, 0)
    rig.engine.cache.add_instrument(listed)
    order = scripted(
        {1: lambda each: each.submit_order(each.order_factory.market(listed.id, OrderSide.BUY, shares(10)))}
    )
    rig.run(order)
    (refusal,) = rig.recorder.refusals
    assert (refusal.rule, refusal.value) == (
        "unknown_instrument", "F.LSE is quoted in GBP. Only quotes in USD trade.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("positions", "held"),
    [
        ([(100, "5.00"), (50, "6.50")], (150, "5.50")),
        ([(100, "5.00"), (-40, "6.00")], (60, "5.00")),
        ([(40, "5.00"), (-100, "6.00")], (-60, "6.00")),
        ([(100, "5.00"), (-100, "6.00")], (0, "0")),
    ],
)
def test_several_positions_of_one_owner_are_one_at_its_average_price(
    positions: list[tuple[int, str]], held: tuple[int, str]
) -> None:
    """A venue that hedges keeps them apart; the broker does not."""
    rig = Rig()
    rig.gate.adoption._cache = SimpleNamespace(
        orders_open=list,
        orders_inflight=list,
        positions_open=lambda: [
            SimpleNamespace(
                strategy_id=StrategyId("S-ONE"), instrument_id=F, avg_px_open=float(price),
                signed_decimal_qty=lambda quantity=quantity: Decimal(quantity),
            )
            for quantity, price in positions
        ]
    )  # fmt: skip
    (found,) = rig.gate.adoption.look().values()
    assert found == (held[0], Decimal(held[1]))


# -- Terms that change ----------------------------------------------------------------------------


def test_an_adjusted_option_counts_by_its_new_multiplier_and_asks_for_a_comparison() -> None:
    """Books and lots follow; SAFE_MODE stays until somebody says that the positions agree."""
    one = put(500)
    rig = Rig(symbols=(), others=(one,), data=option_quotes(one.id, "3.00", "3.05", count=3))
    rig.engine.run()
    gate, account = rig.gate, rig.gate.keeper.account
    gate.keeper.adopt_position("S-ONE", gate.instruments.terms(one.id), 2, Decimal(3))
    held = account.ledger.books[one.id.value]
    (lot,) = account.performance.lots.values()
    adjusted = type(one).from_dict(type(one).to_dict(one) | {"multiplier": "150"})
    rig.engine.cache.add_instrument(adjusted)
    gate.adoption.look()
    assert (held.terms.multiplier, lot.terms.multiplier, lot.cost_usd) == (150, 150, Decimal(900))
    assert lot.open_profit(Touch(Decimal(4), Decimal(5))) == 300
    assert account.breaker.causes == ("unreconciled",)
    assert account.breaker.reason.endswith("has new terms: multiplier 100 -> 150")
    gate.confirm_reconciled(reason="compared")
    gate.adoption.look()
    assert account.breaker.state == "RUNNING"


def test_a_held_option_that_left_the_cache_keeps_its_terms_and_is_safe_mode() -> None:
    one = put(500)
    rig = Rig(symbols=(), others=(one,), data=option_quotes(one.id, "3.00", "3.05", count=3))
    rig.engine.run()
    gate, account = rig.gate, rig.gate.keeper.account
    gate.keeper.adopt_position("S-ONE", gate.instruments.terms(one.id), 2, Decimal(3))
    gate.instruments._cache = SimpleNamespace(instrument=lambda _: None)
    gate.adoption.look()
    assert account.ledger.books[one.id.value].terms.multiplier == 100
    assert account.breaker.causes == ("unreadable",)
