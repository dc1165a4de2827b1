"""What the recorder writes, and what each record follows from; in a BacktestEngine and a TradingNode."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import OrderSide, PositionAdjustmentType, TriggerType
from nautilus_trader.model.events import (
    OrderDenied,
    OrderEvent,
    OrderFilled,
    OrderInitialized,
    OrderSubmitted,
    PositionAdjusted,
)
from nautilus_trader.model.identifiers import AccountId, InstrumentId
from nautilus_trader.model.objects import Money, Price, Quantity

from audit.events import (
    DECISIONS_TOPIC,
    CheckpointRecord,
    DecisionRecord,
    Entry,
    FillRecord,
    NodeRecord,
    OpenedRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from audit.nautilus_recorder import JournalRecorder
from audit.nautilus_records import EVENT_NAMES
from audit.projection import project
from market.time import NS_PER_MINUTE
from risk.drills.drill_limits import limits
from risk.drills.nautilus_options import combination, option_quotes, put
from risk.drills.nautilus_rig import START_NS, Rig, Scripted, quotes
from risk.market_view import Greeks
from risk.operator_commands import FlattenAll, Halt
from risk.records import (
    ApprovalRecord,
    BreakerChangeRecord,
    CommandRecord,
    MemoryRecorder,
    ReadingRecord,
    RefusalRecord,
)
from tests.audit.memory_journal import MemoryJournal
from tests.risk.live_rig import LiveRig

F = InstrumentId.from_str("F.SMART")
OVER = 101  # shares_per_order of the drills' limits is 100
RigKind = Callable[..., Any]


@pytest.fixture(params=[Rig, pytest.param(LiveRig, marks=pytest.mark.slow)], ids=["backtest", "trading_node"])
def kind(request: pytest.FixtureRequest) -> RigKind:
    """The kind of node that is recorded."""
    chosen: RigKind = request.param
    return chosen


def recorded(
    kind: RigKind = Rig, journal: MemoryJournal | None = None, **setup: Any
) -> tuple[Any, MemoryJournal, JournalRecorder]:
    """Return a rig that is recorded, the journal and the recorder."""
    journal = journal or MemoryJournal()
    late: list[JournalRecorder] = []
    rig = kind(on_order=lambda order: late[0].on_order(order), **setup)
    recorder = JournalRecorder(rig.engine, journal)
    late.append(recorder)
    keep = rig.recorder.record

    def record(entry: Any) -> None:
        keep(entry)
        recorder.record(entry)

    rig.recorder.record = record
    recorder.guard(rig.gate)
    return rig, journal, recorder


def at(scripts: dict[int, Callable[[Scripted], object]]) -> Callable[[Scripted, int], None]:
    """Return a script that acts at some quotes."""

    def script(strategy: Scripted, seen: int) -> None:
        if seen in scripts:
            scripts[seen](strategy)

    return script


def decide(strategy: Scripted, correlation_id: str, action: str = "enter", outcome: Any = "sent") -> None:
    """Publish a decision as the strategy shells do."""
    record = DecisionRecord(
        correlation_id=correlation_id,
        ts_ns=strategy.clock.timestamp_ns(),
        strategy_id=strategy.id.value,
        instrument_id="F.SMART",
        action=action,
        reason="test",
        outcome=outcome,
    )
    strategy.msgbus.publish(topic=DECISIONS_TOPIC, msg=record)


def limit(strategy: Scripted, count: int, price: str = "4.9900", **fields: Any) -> Any:
    return strategy.order_factory.limit(
        F, OrderSide.BUY, Quantity.from_int(count), Price.from_str(price), **fields
    )


def market(strategy: Scripted, count: int, side: OrderSide = OrderSide.BUY, **fields: Any) -> Any:
    return strategy.order_factory.market(F, side, Quantity.from_int(count), **fields)


def name(entry: Entry) -> str:
    return getattr(entry.body, "event", None) or getattr(entry.body, "command", None) or entry.kind


def way_of(journal: MemoryJournal, entry: Entry) -> list[str]:
    """Return the names of the records that led to an entry, from itself back to the first."""
    way = [name(entry)]
    while entry.caused_by is not None:
        entry = journal.entry(entry.caused_by)
        way.append(name(entry))
    return way


def last(journal: MemoryJournal, wanted: str) -> Entry:
    return [entry for entry in journal.entries if name(entry) == wanted][-1]


# -- An order's way ---------------------------------------------------------------------------------


def test_a_fill_leads_back_to_its_decision_and_all_carry_its_id(kind: RigKind) -> None:
    rig, journal, _ = recorded(kind)

    def enter(strategy: Scripted) -> None:
        decide(strategy, "d-1")
        strategy.submit_order(market(strategy, 10, tags=["decision:d-1"]))

    rig.run(Scripted(at({2: enter})))
    position = last(journal, "opened")
    assert way_of(journal, position) == [
        "opened", "fill", *way_of(journal, last(journal, "fill"))[1:-3], "submit", "order", "decision",
    ]  # fmt: skip
    own = [entry for entry in journal.entries if isinstance(entry.body, (OrderEventRecord, FillRecord))]
    assert {entry.correlation_id for entry in [*own, position, last(journal, "order")]} == {"d-1"}
    assert journal.entry(last(journal, "submitted").caused_by or 0).body == ApprovalRecord(
        ts_ns=journal.of(ApprovalRecord)[0].ts_ns,
        command="submit",
        client_order_ids=(journal.of(OrderRecord)[0].client_order_id,),
        strategy_id="S-ONE",
        instrument_id="F.SMART",
        quantity=10,
    )


def test_a_change_and_a_cancel_follow_from_their_own_decisions(kind: RigKind) -> None:
    rig, journal, _ = recorded(kind)
    orders: list[Any] = []

    def enter(strategy: Scripted) -> None:
        decide(strategy, "d-1")
        orders.append(limit(strategy, 10, "4.9600", tags=["decision:d-1"]))
        strategy.submit_order(orders[0])

    def reprice(strategy: Scripted) -> None:
        decide(strategy, "d-1", "replace")
        strategy.modify_order(orders[0], price=Price.from_str("4.9700"))

    def withdraw(strategy: Scripted) -> None:
        decide(strategy, "d-1", "cancel")
        strategy.cancel_order(orders[0])

    rig.run(Scripted(at({2: enter, 12: reprice, 22: withdraw})))
    first = ["accepted", "submitted", "submit", "order", "decision"]
    change = ["updated", "modify", "pending_update", "decision", *first]
    assert way_of(journal, last(journal, "updated")) == change
    cancel = ["canceled", "cancel", "pending_cancel", "decision", *change]
    assert way_of(journal, last(journal, "canceled")) == cancel
    actions = [entry.body.action for entry in journal.entries if entry.kind == "decision"]
    assert actions == ["enter", "replace", "cancel"]
    (update,) = [each for each in journal.of(OrderEventRecord) if each.event == "updated"]
    assert update.limit_price == Decimal("4.97")


def test_a_refusal_stands_between_the_order_and_its_denial(kind: RigKind) -> None:
    rig, journal, _ = recorded(kind)
    rig.run(Scripted(at({2: lambda s: s.submit_order(market(s, OVER))})))
    assert way_of(journal, last(journal, "denied")) == ["denied", "submit", "order"]
    (refusal,) = journal.of(RefusalRecord)
    (denial,) = [each for each in journal.of(OrderEventRecord) if each.event == "denied"]
    assert denial.reason == refusal.reason
    assert journal.of(ApprovalRecord) == []


def test_cancels_that_nautilus_tells_nobody_of_are_recorded(kind: RigKind) -> None:
    rig, journal, _ = recorded(kind)
    actions = {2: lambda s: s.submit_order(limit(s, 10, "4.9600")), 12: lambda s: s.cancel_all_orders(F)}
    rig.run(Scripted(at(actions)))
    assert way_of(journal, last(journal, "canceled"))[:3] == ["canceled", "cancel", "pending_cancel"]


def test_what_waited_inside_the_node_keeps_its_way_when_it_is_released() -> None:
    rig, journal, _ = recorded()

    def enter(strategy: Scripted) -> None:
        decide(strategy, "d-1")
        order = limit(strategy, 10, "5.0000", emulation_trigger=TriggerType.BID_ASK, tags=["decision:d-1"])
        strategy.submit_order(order)

    rig.run(Scripted(at({2: enter})))
    first, second = journal.of(OrderRecord)
    assert (first.is_emulated, first.type, second.is_emulated, second.type) == (
        True,
        "LIMIT",
        False,
        "MARKET",
    )
    assert way_of(journal, last(journal, "fill"))[-3:] == ["order", "order", "decision"]
    assert last(journal, "fill").correlation_id == "d-1"


def test_a_decision_that_sends_nothing_leads_to_nothing() -> None:
    rig, journal, _ = recorded()

    def enter(strategy: Scripted) -> None:
        decide(strategy, "d-1", outcome="suppressed")
        strategy.submit_order(market(strategy, 10, tags=["decision:d-1"]))

    rig.run(Scripted(at({2: enter})))
    assert last(journal, "order").caused_by is None


def test_a_fill_that_turns_a_position_around_causes_both_its_events() -> None:
    rig, journal, _ = recorded()
    actions = {
        2: lambda s: s.submit_order(market(s, 10)),
        4: lambda s: s.submit_order(market(s, 30, OrderSide.SELL)),
    }
    rig.run(Scripted(at(actions)))
    turning = last(journal, "fill").seq
    moves = [entry.caused_by for entry in journal.entries if isinstance(entry.body, PositionRecord)]
    assert moves[1:] == [turning, turning]


# -- The breaker and the kill switch ------------------------------------------------------------------


def test_a_halt_by_loss_leads_from_the_reading_to_the_closing_fills() -> None:
    prices = [*quotes("F", count=6), *quotes("F", count=60, bid="4.4900", ask="4.5000")[6:]]
    rig, journal, _ = recorded(data=prices, limits=limits(max_loss_usd_per_trade=Decimal(50)))
    rig.run(Scripted(at({2: lambda s: s.submit_order(market(s, 100))})))
    halt = last(journal, "breaker")
    assert journal.entry(halt.caused_by or 0).body.trigger == "daily_loss"
    way = way_of(journal, last(journal, "closed"))
    assert way[-3:] == ["order", "flatten_start", "reading"]
    assert {each.command for each in journal.of(CommandRecord)} == {"flatten_start", "flatten_report"}


def test_the_orders_of_an_operators_flattening_follow_from_its_start() -> None:
    rig, journal, _ = recorded()
    actions = {
        2: lambda s: s.submit_order(market(s, 10)),
        4: lambda s: rig.gate.command(Halt(by="Ann", reason="news")),
        6: lambda s: rig.gate.command(FlattenAll(by="Bob", reason="enough")),
    }
    rig.run(Scripted(at(actions)))
    (closing,) = [
        entry for entry in journal.entries if entry.kind == "order" and "KILL_SWITCH" in entry.body.tags
    ]
    start = journal.entry(closing.caused_by or 0).body
    assert (start.command, start.by, start.outcome) == ("flatten_start", "Bob", "closing everything")


def test_readings_at_a_fill_follow_from_it() -> None:
    rig, journal, _ = recorded(limits=limits(max_consecutive_losses=1))
    actions = {
        2: lambda s: s.submit_order(market(s, 10)),
        4: lambda s: s.submit_order(market(s, 10, OrderSide.SELL)),
    }
    rig.run(Scripted(at(actions)))
    (reading,) = [each for each in journal.entries if isinstance(each.body, ReadingRecord)]
    assert name(journal.entry(reading.caused_by or 0)) == "fill"


def test_the_breaker_of_a_node_that_starts_halted_or_unreconciled_is_on_record() -> None:
    rig = LiveRig()
    journal = MemoryJournal()
    JournalRecorder(rig.node, journal).guard(rig.gate)
    (change,) = journal.of(BreakerChangeRecord)
    assert (change.before, change.after, change.causes) == ("SAFE_MODE", "SAFE_MODE", ("unreconciled",))
    rig.node.dispose()


# -- A journal that fails -------------------------------------------------------------------------------


def test_a_journal_that_fails_halts_and_lets_only_closing_orders_pass(kind: RigKind) -> None:
    rig, journal, _ = recorded(kind)

    def fail(strategy: Scripted) -> None:
        journal.failure = "No space left on device"
        strategy.submit_order(market(strategy, 12))

    actions = {
        2: lambda s: s.submit_order(market(s, 10)),
        12: fail,
        22: lambda s: s.submit_order(market(s, 13)),
        32: lambda s: s.submit_order(market(s, 4, OrderSide.SELL)),
    }
    strategy = Scripted(at(actions))
    rig.run(strategy)
    breaker = rig.gate.keeper.account.breaker
    assert (breaker.state, breaker.changed_by) == ("HALT", "recorder_failure")
    assert "No space left on device" in breaker.reason
    assert len(strategy.named(OrderDenied)) == 2
    assert rig.net() == 6


def test_a_failure_that_nobody_appends_to_halts_at_the_next_look(kind: RigKind) -> None:
    rig, journal, recorder = recorded(kind)
    rig.gate.supervisor._recorder = recorder

    def fail(_: Scripted) -> None:
        journal.failure = "Input/output error"

    rig.run(Scripted(at({2: lambda s: s.submit_order(market(s, 10)), 12: fail})))
    assert rig.gate.keeper.account.breaker.changed_by == "recorder_failure"


def test_without_a_gate_a_failure_ends_the_run() -> None:
    rig = Rig()
    journal = MemoryJournal()
    journal.failure = "disk full"
    JournalRecorder(rig.engine, journal)
    with pytest.raises(OSError, match="disk full"):
        rig.run(Scripted(at({2: lambda s: s.submit_order(market(s, 10))})))


# -- What a node finds, and what the broker tells ---------------------------------------------------------


def test_what_a_node_holds_when_it_begins_is_on_record_once() -> None:
    rig = Rig(data=quotes("F", count=5))
    actions = {
        1: lambda s: s.submit_order(market(s, 10)),
        2: lambda s: s.submit_order(limit(s, 20, "4.9600")),
    }
    rig.run(Scripted(at(actions)))
    journal = MemoryJournal()
    recorder = JournalRecorder(rig.engine, journal)
    recorder.guard(rig.gate)
    recorder.adopt_cache()
    (order,), (position,) = journal.of(OrderRecord), journal.of(PositionRecord)
    assert (order.found_status, order.quantity, order.limit_price) == ("ACCEPTED", 20, Decimal("4.96"))
    assert (position.event, position.quantity, position.average_open) == ("found", 10, Decimal(5))
    projection = project(journal.entries)
    assert [each.status for each in projection.working_orders.values()] == ["ACCEPTED"]
    assert [each.quantity for each in projection.book.open_positions] == [10]


def test_an_order_that_only_the_broker_told_of_is_recorded_with_its_first_event() -> None:
    rig, journal, _ = recorded(data=quotes("F", count=2))
    strategy = Scripted(lambda _strategy, _seen: None)
    rig.run(strategy)
    order = limit(strategy, 10)
    rig.engine.kernel.cache.add_order(order)
    event = OrderSubmitted(
        order.trader_id, order.strategy_id, F, order.client_order_id, AccountId("SMART-001"), UUID4(), 1, 1
    )
    rig.engine.kernel.exec_engine.process(event)
    assert [name(entry) for entry in journal.entries[-2:]] == ["order", "submitted"]
    assert journal.entries[-1].caused_by == journal.entries[-2].seq


def test_an_order_shown_by_the_gate_is_recorded_once_whoever_sent_it() -> None:
    rig, journal, recorder = recorded(data=quotes("F", count=2))
    strategy = Scripted(lambda _strategy, _seen: None)
    rig.run(strategy)
    order = limit(strategy, 10)
    recorder.on_order(order)
    recorder.on_order(order)
    assert [each.client_order_id for each in journal.of(OrderRecord)] == [order.client_order_id.value]


def test_a_spread_fills_its_order_and_its_legs_make_the_positions() -> None:
    short, long = put(500), put(495)
    spread = combination([(short, -1), (long, 1)])
    data = [
        *option_quotes(short.id, "3.00", "3.05", count=10),
        *option_quotes(long.id, "1.50", "1.55", count=10),
        *option_quotes(spread.id, "-1.55", "-1.45", count=10),
    ]
    roomy = limits(max_loss_usd_per_trade=Decimal(500), max_daily_loss_usd=Decimal(500))
    rig, journal, _ = recorded(
        symbols=(), others=(short, long, spread), data=data, limits=roomy, greeks=lambda _: Greeks(-0.3, 0.1)
    )

    class Seller(Scripted):
        def on_start(self) -> None:
            self.subscribe_quote_ticks(spread.id)

    def sell(strategy: Scripted) -> None:
        quantity, price = Quantity.from_int(2), Price.from_str("-1.45")
        strategy.submit_order(strategy.order_factory.limit(spread.id, OrderSide.BUY, quantity, price))

    rig.run(Seller(at({1: sell})))
    fills = journal.of(FillRecord)
    assert [(each.is_combination, each.multiplier) for each in fills].count((True, 100)) == 1
    assert sum(not each.is_combination for each in fills) == 2
    projection = project(journal.entries)
    held = {each.instrument_id: each.quantity for each in projection.book.open_positions}
    assert held == {short.id.value: -2, long.id.value: 2}
    assert [order.status for order in projection.orders.values()] == ["FILLED"]
    assert {each.multiplier for each in projection.book.open_positions} == {100}


def test_every_event_of_nautilus_orders_has_a_name() -> None:
    assert EVENT_NAMES.keys() | {OrderInitialized, OrderFilled} == set(OrderEvent.__subclasses__())


def test_another_recorder_beside_the_journal_is_told_the_gates_records() -> None:
    rig, beside = Rig(), MemoryRecorder()
    recorder = JournalRecorder(rig.engine, MemoryJournal(), beside=beside)
    entry = CommandRecord(ts_ns=1, command="halt", by="Ann", reason="news", outcome="breaker HALT")
    recorder.record(entry)
    assert beside.entries == [entry]


# -- Checkpoints, the node, the market's clock ------------------------------------------------------------


def test_a_checkpoint_follows_every_position_and_each_minute_in_which_something_is_held() -> None:
    rig, journal, _ = recorded(data=quotes("F", count=200, bid="5.0100", ask="5.0200"))
    actions = {
        2: lambda s: s.submit_order(market(s, 10)),
        150: lambda s: s.submit_order(market(s, 10, OrderSide.SELL)),
    }
    rig.run(Scripted(at(actions)))
    points = [entry for entry in journal.entries if entry.kind == "checkpoint"]
    assert [(point.ts_ns - START_NS) // NS_PER_MINUTE for point in points] == [0, 1, 2, 2]
    assert [point.caused_by is None for point in points] == [False, True, True, False]
    opened, closed = points[0].body, points[-1].body
    assert (opened.open_positions, opened.unrealized_usd) == (1, Decimal("-0.05"))
    assert (closed.open_positions, closed.unrealized_usd, closed.realized_usd) == (0, 0, Decimal("-0.1"))
    assert (closed.cash_usd, closed.fees_usd) == (Decimal("99999.90"), Decimal(0))


def test_what_has_no_quote_counts_at_its_cost_and_an_unknown_account_has_no_cash() -> None:
    journal = MemoryJournal()
    rig = Rig()
    cache = rig.engine.kernel.cache
    recorder = JournalRecorder(rig.engine, journal)
    recorder.projection.book.found(
        PositionRecord(
            event="found", position_id="P", strategy_id="S", instrument_id="GE.SMART", quantity=5,
            average_open=Decimal(3), realized_usd=Decimal(0),
        )
    )  # fmt: skip
    assert cache.quote_tick(InstrumentId.from_str("GE.SMART")) is None
    recorder.look(START_NS)
    (point,) = journal.of(CheckpointRecord)
    assert (point.open_positions, point.unrealized_usd) == (1, Decimal(0))
    empty = SimpleNamespace(accounts=list)
    recorder._valuation._cache = empty
    assert recorder._valuation.cash_usd() is None


def test_an_instrument_that_the_cache_does_not_know_counts_as_a_stock() -> None:
    rig = Rig()
    recorder = JournalRecorder(rig.engine, MemoryJournal())
    assert recorder._valuation.terms(InstrumentId.from_str("ZZZ.SMART")) == (1, False)


def test_starts_stops_and_the_configuration_are_on_record(kind: RigKind) -> None:
    rig, journal, recorder = recorded(kind)
    opened = OpenedRecord(
        run="r", environment="backtest", trader_id="T-1", profile_name="p", profile_hash="0", profile={},
        versions={}, instruments=("F.SMART",),
    )  # fmt: skip
    recorder.open(opened)
    recorder.note("connected", "simulated")
    rig.run(Scripted(lambda _strategy, _seen: None))
    assert journal.of(OpenedRecord) == [opened]
    states = [(each.state, each.detail) for each in journal.of(NodeRecord)]
    assert states == [("connected", "simulated"), ("started", ""), ("stopped", "")]


def test_every_record_says_where_in_the_market_data_it_belongs() -> None:
    rig = Rig(data=quotes("F", count=5))
    journal = MemoryJournal()

    def market_ns() -> int | None:
        tick = rig.engine.kernel.cache.quote_tick(F)
        return None if tick is None else tick.ts_init - START_NS

    JournalRecorder(rig.engine, journal, market_ns=market_ns)
    rig.run(Scripted(at({3: lambda s: s.submit_order(market(s, 10))})))
    orders = [entry for entry in journal.entries if entry.kind == "order"]
    assert [entry.market_ns for entry in orders] == [2_000_000_000]
    assert journal.entries[0].market_ns is None


def test_adjustments_of_positions_are_no_records() -> None:
    rig, journal, recorder = recorded(data=quotes("F", count=4))
    rig.run(Scripted(at({2: lambda s: s.submit_order(market(s, 10))})))
    before = len(journal.entries)
    position = rig.engine.kernel.cache.positions()[0]
    event = PositionAdjusted(
        position.trader_id, position.strategy_id, F, position.id, position.account_id,
        PositionAdjustmentType.FUNDING, None, Money(1, USD), "funding", UUID4(), 1, 1,
    )  # fmt: skip
    recorder._on_position_event(event)
    assert len(journal.entries) == before
