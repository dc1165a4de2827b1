"""Corners of the Nautilus shell: odd commands, adoption at start, market view, watch, kill switch."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelOrder,
    ModifyOrder,
    QueryOrder,
)
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, AssetClass, OrderSide, TriggerType
from nautilus_trader.model.events import OrderCancelRejected, OrderModifyRejected
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, Symbol, TradeId
from nautilus_trader.model.instruments import FuturesContract
from nautilus_trader.model.objects import Money, Price, Quantity

from market.time import NS_PER_SECOND, to_ns
from risk.drills.nautilus_options import combination, option_quotes, put
from risk.market_view import Greeks
from risk.nautilus_gate import GateSetup, install_gate
from risk.nautilus_intents import (
    MAX_PRICES_KEPT,
    FractionalQuantityError,
    InstrumentBook,
    UnknownInstrumentError,
    decimal_of_raw,
    intent_of,
    whole,
)
from risk.operator_commands import CancelAll, FlattenSymbol, PauseSymbol
from risk.records import CommandRecord, RiskRecord
from risk.snapshot import Quote
from tests.risk.limit_cases import SESSION_RULES, limits
from tests.risk.nautilus_rig import SMART, START_NS, Rig, Scripted, equity, quotes
from tests.risk.table_market import stock

F = InstrumentId.from_str("F.SMART")
REASON = (
    "judgement: RuntimeError: fault, limit an order that can be read. "
    "What cannot be judged is refused; report it with this text."
)


def shares(count: int) -> Quantity:
    return Quantity.from_int(count)


def usd(text: str) -> Price:
    return Price.from_str(text)


def limit(strategy: Scripted, count: int, price: str = "4.9000", **fields: Any) -> Any:
    return strategy.order_factory.limit(F, OrderSide.BUY, shares(count), usd(price), **fields)


def scripted(actions: dict[int, Any]) -> Scripted:
    """Return a strategy that acts at given quotes."""
    return Scripted(lambda strategy, seen: actions.get(seen, lambda _strategy: None)(strategy))


def send(strategy: Scripted, command: Any) -> None:
    strategy.msgbus.send(endpoint="ExecEngine.execute", msg=command)


def names(order: Any, strategy: Scripted) -> dict[str, Any]:
    return {
        "trader_id": order.trader_id, "strategy_id": order.strategy_id, "instrument_id": order.instrument_id,
        "client_order_id": order.client_order_id, "venue_order_id": order.venue_order_id,
        "command_id": UUID4(), "ts_init": strategy.clock.timestamp_ns(),
    }  # fmt: skip


def working(strategy: Scripted) -> Any:
    (order,) = strategy.cache.orders_open(strategy_id=strategy.id)
    return order


# -- Commands -------------------------------------------------------------------------------------


def test_an_unknown_command_goes_nowhere() -> None:
    rig = Rig()
    rig.run(scripted({1: lambda each: send(each, SimpleNamespace(kind="unknown"))}))
    assert rig.orders == []


def test_queries_pass() -> None:
    rig = Rig()
    strategy = scripted(
        {
            1: lambda each: each.submit_order(limit(each, 10)),
            3: lambda each: send(each, QueryOrder(**names(working(each), each))),
        }
    )
    with pytest.raises(NotImplementedError, match="query_order"):  # the backtest's client, behind the gate
        rig.run(strategy)


def test_a_batch_of_cancels_passes_and_counts_each() -> None:
    def cancel(strategy: Scripted) -> None:
        orders = strategy.cache.orders_open(strategy_id=strategy.id)
        cancels = [CancelOrder(**names(order, strategy)) for order in orders]
        fields = names(orders[0], strategy)
        del fields["client_order_id"], fields["venue_order_id"]
        send(strategy, BatchCancelOrders(cancels=cancels, **fields))

    rig = Rig()
    rig.run(
        scripted({1: lambda each: [each.submit_order(limit(each, count)) for count in (10, 11)], 3: cancel})
    )
    assert rig.open_orders == []
    assert rig.gate.keeper.account.replaces.count(START_NS + 4 * 10**9) == 2


def test_cancel_all_counts_the_side_it_names() -> None:
    def both(strategy: Scripted) -> None:
        strategy.submit_order(limit(strategy, 10))
        strategy.submit_order(strategy.order_factory.limit(F, OrderSide.SELL, shares(10), usd("5.1000")))

    rig = Rig()
    rig.run(scripted({1: both, 3: lambda each: each.cancel_all_orders(F, order_side=OrderSide.SELL)}))
    assert [order.side for order in rig.open_orders] == [OrderSide.BUY]
    assert rig.gate.keeper.account.replaces.count(START_NS + 4 * 10**9) == 1


def test_a_cancel_passes_even_when_it_cannot_be_booked() -> None:
    rig = Rig()

    def fault(*_: Any) -> None:
        raise RuntimeError("ledger fault")

    rig.gate.keeper.cancel = fault  # type: ignore[method-assign, assignment]
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(limit(each, 10)),
                3: lambda each: each.cancel_order(working(each)),
            }
        )
    )
    assert rig.open_orders == []
    assert rig.gate.keeper.account.breaker.changed_by == "gate_fault"


def test_an_order_that_cannot_be_read_is_refused() -> None:
    rig = Rig()

    def fault(*_: Any) -> None:
        raise RuntimeError("fault")

    rig.gate.instruments.terms = fault  # type: ignore[method-assign, assignment]
    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10))}))
    assert [refusal.reason for refusal in rig.recorder.refusals] == [REASON]


def test_a_modification_that_cannot_be_read_is_refused() -> None:
    rig = Rig()

    def modify(strategy: Scripted) -> None:
        def fault(*_: Any) -> None:
            raise RuntimeError("fault")

        rig.gate.instruments.terms = fault  # type: ignore[method-assign, assignment]
        strategy.modify_order(working(strategy), quantity=shares(11))

    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10)), 3: modify}))
    assert rig.rules() == ["judgement"]


def test_a_modification_of_an_unknown_order_goes_nowhere() -> None:
    def modify(strategy: Scripted) -> None:
        fields = names(limit(strategy, 10), strategy) | {"client_order_id": ClientOrderId("X")}
        send(strategy, ModifyOrder(quantity=shares(1), price=None, trigger_price=None, **fields))

    rig = Rig()
    rig.run(scripted({1: modify}))
    assert rig.orders == []


@pytest.mark.parametrize("change", [{"instrument_id": InstrumentId.from_str("GE.SMART")}])
def test_a_modification_in_anothers_name_is_refused_with_ibs_code(change: dict[str, Any]) -> None:
    def modify(strategy: Scripted) -> None:
        fields = names(working(strategy), strategy) | change
        send(strategy, ModifyOrder(quantity=shares(1), price=None, trigger_price=None, **fields))

    rig = Rig()
    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10)), 3: modify}))
    assert [(each.rule, each.ib_code) for each in rig.recorder.refusals] == [("ib_modify_mismatch", 105)]


def test_price_and_trigger_of_a_modification_are_judged() -> None:
    def stop(strategy: Scripted) -> None:
        order = strategy.order_factory.stop_market(F, OrderSide.BUY, shares(10), usd("5.0200"))
        strategy.submit_order(order)

    def raise_trigger(text: str) -> Any:
        return lambda each: each.modify_order(working(each), trigger_price=usd(text))

    rig = Rig()
    rig.run(scripted({1: stop, 3: raise_trigger("5.0300"), 5: raise_trigger("6.0000")}))
    (order,) = rig.open_orders
    assert order.trigger_price == usd("5.0300")
    assert rig.rules() == ["price_collar"]


def test_a_modified_price_is_judged_and_booked() -> None:
    rig = Rig()
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(limit(each, 10)),
                3: lambda each: each.modify_order(working(each), price=usd("4.9500")),
                5: lambda each: each.modify_order(working(each), price=usd("6.0000")),
            }
        )
    )
    (reservation,) = rig.gate.keeper.account.ledger.reservations.values()
    assert reservation.prices() == [Decimal("4.95")]
    assert rig.rules() == ["price_collar"]


@pytest.mark.parametrize("event_type", [OrderModifyRejected, OrderCancelRejected])
def test_the_venues_refusals_are_booked(event_type: type[Any]) -> None:
    rig = Rig()

    def refuse(strategy: Scripted) -> None:
        order = working(strategy)
        ledger = rig.gate.keeper.account.ledger
        ledger.reserve_change(order.client_order_id.value, 50, None)
        ledger.cancel_requested(order.client_order_id.value)
        fields = names(order, strategy)
        fields["event_id"] = fields.pop("command_id")
        rig.gate.events.on_order_event(
            event_type(account_id=order.account_id, reason="too late", ts_event=1, **fields)
        )

    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10)), 3: refuse}))
    (reservation,) = rig.gate.keeper.account.ledger.reservations.values()
    is_modify = event_type is OrderModifyRejected
    assert (len(reservation.pending), reservation.is_cancel_pending) == (
        (0, True) if is_modify else (1, False)
    )


def test_nothing_that_is_refused_is_forwarded() -> None:
    rig = Rig()
    forwarded: list[Any] = []
    forward = rig.gate._forward

    def note(command: Any) -> None:
        forwarded.append(type(command).__name__)
        forward(command)

    rig.gate._forward = note

    def refused(strategy: Scripted) -> None:
        strategy.submit_order(limit(strategy, 101))
        strategy.submit_order_list(
            strategy.order_factory.create_list([limit(strategy, 101), limit(strategy, 1)])
        )
        strategy.modify_order(working(strategy), quantity=shares(101))

    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10)), 3: refused}))
    assert forwarded == ["SubmitOrder"]
    assert rig.rules() == ["shares_per_order", "shares_per_order", "order_list", "shares_per_order"]


def _two(strategy: Scripted) -> None:
    strategy.submit_order_list(strategy.order_factory.create_list([limit(strategy, 1), limit(strategy, 2)]))


def test_every_order_of_a_list_is_heard_of_before_it_is_judged() -> None:
    heard: list[str] = []
    rig = Rig(on_order=lambda order: heard.append(str(order.quantity)))
    rig.run(scripted({1: _two}))
    assert heard == ["1", "2"]
    assert rig.rules() == []


def test_a_list_of_which_one_order_cannot_be_read_is_denied_whole() -> None:
    rig = Rig()
    rig.gate.keeper.submit = _raises(RuntimeError("fault"))  # type: ignore[method-assign]
    rig.run(scripted({1: _two}))
    assert rig.rules() == ["judgement", "judgement"]
    assert rig.open_orders == []


def test_a_list_whose_approval_cannot_be_recorded_is_denied_whole() -> None:
    rig = Rig()
    rig.recorder.record = _raises(OSError("disk full"))  # type: ignore[method-assign]
    strategy = scripted({1: _two})
    rig.run(strategy)
    assert [type(event).__name__ for event in strategy.events].count("OrderDenied") == 2
    assert rig.gate.keeper.account.breaker.state == "HALT"


# -- Children that are none -----------------------------------------------------------------------


def test_a_parent_that_does_not_name_its_child_protects_nothing() -> None:
    rig = Rig()
    seen: list[Any] = []

    def forge(strategy: Scripted) -> None:
        entry = limit(strategy, 10)
        strategy.submit_order(entry)
        seen.append(rig.gate._intent(_child_of(strategy, entry)).protects_id)
        seen.append(rig.gate._intent(_child_of(strategy, limit(strategy, 10))).protects_id)

    rig.run(scripted({1: forge}))
    assert seen == [None, None]


def _child_of(strategy: Scripted, parent: Any) -> Any:
    from nautilus_trader.model.orders import LimitOrder

    return LimitOrder(
        trader_id=parent.trader_id,
        strategy_id=parent.strategy_id,
        instrument_id=F,
        client_order_id=ClientOrderId("CHILD"),
        order_side=OrderSide.SELL,
        quantity=shares(10),
        price=usd("5.1000"),
        init_id=UUID4(),
        ts_init=0,
        parent_order_id=parent.client_order_id,
    )


# -- Start ----------------------------------------------------------------------------------------


def test_a_gate_installed_late_takes_over_positions_and_orders() -> None:
    rig = Rig()
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(each.order_factory.market(F, OrderSide.BUY, shares(40))),
                2: lambda each: each.submit_order(limit(each, 30)),
            }
        )
    )
    kernel = rig.engine.kernel
    kernel.msgbus.deregister("ExecEngine.execute", rig.gate.execute)
    kernel.msgbus.register("ExecEngine.execute", kernel.exec_engine.execute)
    late = install_gate(
        rig.engine, GateSetup(limits=limits(), session_rules=SESSION_RULES, universe=("F",), has_timer=False)
    )
    ledger = late.keeper.account.ledger
    assert (ledger.net("F.SMART"), ledger.exposure("F.SMART").worst_long) == (40, 70)
    late.confirm_reconciled(reason="twice changes nothing")
    assert ledger.exposure("F.SMART").worst_long == 70


def test_an_open_order_the_ledger_lost_is_taken_over_when_it_is_modified() -> None:
    rig = Rig()

    def lose(strategy: Scripted) -> None:
        ledger = rig.gate.keeper.account.ledger
        ledger.closed(working(strategy).client_order_id.value, 1, may_fill_late=False)
        strategy.modify_order(working(strategy), quantity=shares(20))

    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10)), 3: lose}))
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 20


def test_a_live_kernel_starts_in_safe_mode_and_keeps_its_halt(tmp_path: Any) -> None:
    rig = Rig(breaker_path=tmp_path / "breaker.json")
    rig.gate.supervisor.halt(1, by="Ann", reason="news")
    again = Rig(breaker_path=tmp_path / "breaker.json")
    assert again.gate.keeper.account.breaker.state == "HALT"


# -- Instruments and orders -----------------------------------------------------------------------


def test_only_stocks_options_and_their_spreads_are_known() -> None:
    future = FuturesContract(
        instrument_id=InstrumentId(Symbol("ES"), SMART),
        raw_symbol=Symbol("ES"),
        asset_class=AssetClass.INDEX,
        currency=USD,
        price_precision=2,
        price_increment=usd("0.25"),
        multiplier=shares(50),
        lot_size=shares(1),
        underlying="ES",
        activation_ns=0,
        expiration_ns=to_ns("2024-06-21T00:00:00Z"),
        ts_event=0,
        ts_init=0,
    )
    book = InstrumentBook(SimpleNamespace(instrument=lambda _: future))
    with pytest.raises(UnknownInstrumentError, match=r"ES.SMART is a FuturesContract"):
        book.terms(future.id)
    empty = InstrumentBook(SimpleNamespace(instrument=lambda _: None))
    with pytest.raises(UnknownInstrumentError, match=r"F.SMART is not in the cache"):
        empty.terms(F)


def test_an_order_of_an_unknown_instrument_is_refused() -> None:
    rig = Rig()

    def forget(strategy: Scripted) -> None:
        rig.gate.instruments._cache = SimpleNamespace(instrument=lambda _: None)
        strategy.submit_order(limit(strategy, 10))

    rig.run(scripted({1: forget}))
    assert rig.rules() == ["unknown_instrument"]


def test_a_combination_is_read_with_its_legs() -> None:
    spread = combination([(put(500), -1), (put(495), 1)])
    known = {each.id: each for each in (put(500), put(495), spread)}
    terms = InstrumentBook(SimpleNamespace(instrument=known.get)).terms(spread.id)
    assert (terms.kind, terms.symbol, terms.multiplier) == ("spread", "SPY", 100)
    assert [(leg.terms.strike, leg.ratio) for leg in terms.legs] == [(Decimal(495), 1), (Decimal(500), -1)]


def test_a_combination_without_legs_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.nautilus_intents.OptionSpread", SimpleNamespace)
    bare = SimpleNamespace(id="(1)A", legs=list)
    with pytest.raises(UnknownInstrumentError, match="has no legs"):
        InstrumentBook(SimpleNamespace(instrument=lambda _: bare)).terms(F)


def test_an_id_is_made_for_an_instrument_nobody_asked_about() -> None:
    book = InstrumentBook(SimpleNamespace(instrument=lambda _: None))
    assert book.nautilus_id(stock("GE")) == InstrumentId.from_str("GE.SMART")


def test_a_fractional_quantity_is_refused_with_ibs_code() -> None:
    with pytest.raises(FractionalQuantityError):
        whole(Quantity.from_str("1.5"))
    rig = Rig()
    rig.gate.keeper.submit_one = _raises(FractionalQuantityError("1.5 shares"))  # type: ignore[method-assign]
    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10))}))
    assert [(each.rule, each.ib_code) for each in rig.recorder.refusals] == [("ib_fraction", 10318)]


def _raises(error: Exception) -> Any:
    def fault(*_: Any) -> None:
        raise error

    return fault


def order_with(**fields: Any) -> Any:
    """Return an order of which only the fields that an intent reads are given."""
    values: dict[str, Any] = {
        "client_order_id": ClientOrderId("A"),
        "strategy_id": SimpleNamespace(value="S"),
        "side": OrderSide.BUY,
        "leaves_qty": shares(10),
        "order_type": 2,
        "time_in_force": 5,
        "has_price": True,
        "price": usd("5.00"),
        "has_trigger_price": False,
        "tags": None,
        "exec_spawn_id": None,
        "parent_order_id": None,
        "contingency_type": 0,
        "linked_order_ids": None,
    }
    return SimpleNamespace(**(values | fields))


GROUP: dict[str, Any] = {"contingency_type": 1, "linked_order_ids": [ClientOrderId("B")]}


@pytest.mark.parametrize(
    ("fields", "honours_oca", "group"),
    [
        (GROUP, True, "A,B"),
        (GROUP, False, None),
        (GROUP | {"parent_order_id": ClientOrderId("P")}, False, "A,B"),
        (GROUP | {"tags": ['IBOrderTags:{"ocaGroup": "x"}']}, False, "A,B"),
        (GROUP | {"tags": ["other"]}, False, None),
        (GROUP | {"contingency_type": 3}, True, "A,B"),
        (GROUP | {"contingency_type": 2}, True, None),
        (GROUP | {"linked_order_ids": None}, True, None),
        ({}, True, None),
    ],
)
def test_a_group_is_one_only_where_the_venue_holds_it(
    fields: dict[str, Any], honours_oca: bool, group: str | None
) -> None:
    assert intent_of(order_with(**fields), stock(), honours_oca=honours_oca).group_id == group


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, None),
        ({"tags": ["x"]}, None),
        ({"tags": ["x", "decision:7"]}, "decision:7"),
        ({"tags": ["decision:7"], "exec_spawn_id": ClientOrderId("A")}, "decision:7"),
        ({"tags": ["decision:7"], "exec_spawn_id": ClientOrderId("PRIMARY")}, None),
    ],
)
def test_the_decision_tag_is_the_idempotency_key(fields: dict[str, Any], key: str | None) -> None:
    assert intent_of(order_with(**fields), stock(), honours_oca=True).idempotency_key == key


def test_the_outside_hours_tag_is_read() -> None:
    tagged = order_with(tags=["x", 'IBOrderTags:{"outsideRth": true}'])
    assert intent_of(tagged, stock(), honours_oca=True).is_outside_hours
    assert not intent_of(order_with(tags=["x"]), stock(), honours_oca=True).is_outside_hours


def test_a_good_till_date_is_read() -> None:
    order = order_with(time_in_force=4, expire_time_ns=7)
    assert intent_of(order, stock(), honours_oca=True).expires_ns == 7


# -- The market view ------------------------------------------------------------------------------


def test_the_last_trade_is_a_collar_too() -> None:
    trade = TradeTick(F, usd("4.0000"), shares(100), AggressorSide.BUYER, TradeId("1"), START_NS, START_NS)
    rig = Rig(data=quotes("F", count=5))
    rig.engine.add_data([trade])
    rig.run(scripted({2: lambda each: each.submit_order(limit(each, 10))}))
    assert rig.rules() == ["price_collar"]
    assert "last trade 4," in rig.recorder.refusals[0].reason


def test_without_a_source_of_greeks_they_are_unknown() -> None:
    rig = Rig()
    assert rig.gate.keeper.account.market.greeks(stock()) is None
    known = Rig(greeks=lambda _: Greeks(0.5, 0.1))
    assert known.gate.keeper.account.market.greeks(stock()) == Greeks(0.5, 0.1)


def test_funds_are_unknown_without_exactly_one_account() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view = rig.gate.keeper.account.market
    assert view.funds_usd() == 100_000
    accounts = rig.engine.cache.accounts()
    view._cache = SimpleNamespace(accounts=list)  # type: ignore[attr-defined]
    assert view.funds_usd() is None
    view._cache = SimpleNamespace(accounts=lambda: accounts * 2)  # type: ignore[attr-defined]
    assert view.funds_usd() is None
    empty = [SimpleNamespace(balance_total=lambda _currency: None)]
    view._cache = SimpleNamespace(accounts=lambda: empty)  # type: ignore[attr-defined]
    assert view.funds_usd() is None


def test_funds_follow_the_balance_of_the_account() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view = rig.gate.keeper.account.market
    balances = [Money(50, USD), Money(50, USD), Money(40, USD)]
    account = SimpleNamespace(balance_total=lambda _currency: balances[0])
    view._cache = SimpleNamespace(accounts=lambda: [account])  # type: ignore[attr-defined]
    seen = []
    while balances:
        seen.append(view.funds_usd())
        balances.pop(0)
    assert seen == [50, 50, 40]


def test_a_quote_is_converted_once_and_again_when_it_changes() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view, cache = rig.gate.keeper.account.market, rig.engine.cache
    first = view.quote(rig.gate.instruments.terms(F))
    assert view.quote(rig.gate.instruments.terms(F)) is first
    later = quotes("F", count=1, bid="4.9500", ask="4.9700")[0]
    cache.add_quote_tick(later)
    assert view.quote(rig.gate.instruments.terms(F)) == Quote(
        Decimal("4.95"), Decimal("4.97"), 10_000, 10_000, later.ts_event
    )


@given(st.decimals(min_value="-9999", max_value="999999", places=4))
def test_a_converted_price_is_nautilus_own_decimal(value: Decimal) -> None:
    price = usd(str(value))
    converted = decimal_of_raw(price.raw)
    assert (converted, str(converted)) == (price.as_decimal(), str(price.as_decimal()))


def test_converted_prices_are_bounded() -> None:
    assert decimal_of_raw.cache_info().maxsize == MAX_PRICES_KEPT


def test_days_without_a_session_are_closed_and_the_calendar_follows_the_clock() -> None:
    view = Rig().gate.keeper.account.market
    saturday = view.session(to_ns("2024-03-09T11:00:00-05:00"))
    assert (saturday.phase, saturday.entries_allowed, saturday.day) == ("closed", False, None)
    monday = view.session(to_ns("2024-03-11T11:00:00-04:00"))
    assert (monday.phase, monday.entries_allowed) == ("trading", True)
    assert monday.day is not None
    assert monday.day.close_ns == to_ns("2024-03-11T16:00:00-04:00")
    assert view.session(to_ns("2024-03-11T15:35:00-04:00")).phase == "close_cutoff"
    years_later = view.session(to_ns("2026-07-02T11:00:00-04:00"))
    assert years_later.phase == "trading"


# -- The watch ------------------------------------------------------------------------------------


def timed(script: Any, **fields: Any) -> Rig:
    rig = Rig(has_timer=True, **fields)
    rig.run(
        scripted(
            {1: lambda each: each.submit_order(each.order_factory.market(F, OrderSide.BUY, shares(10)))}
            | script(rig)
        )
    )
    return rig


def causes(rig: Rig) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(change.after), change.causes) for change in rig.recorder.breaker_changes][1:]


def test_a_lost_connection_is_safe_mode_and_stays_until_reconciled() -> None:
    def script(rig: Rig) -> dict[int, Any]:
        engine = rig.gate.watch._kernel

        def lose(_: Scripted) -> None:
            down = SimpleNamespace(check_connected=lambda: False)
            rig.gate.watch._kernel = SimpleNamespace(exec_engine=down, data_engine=engine.data_engine)

        def regain(_: Scripted) -> None:
            rig.gate.watch._kernel = engine

        return {5: lose, 10: regain}

    rig = timed(script)
    assert rig.gate.keeper.account.breaker.causes == ("unreconciled",)
    rig.gate.confirm_reconciled(reason="compared")
    assert rig.gate.keeper.account.breaker.state == "RUNNING"


def test_a_modification_of_a_partly_filled_order_counts_what_is_left() -> None:
    few, shy = quotes("F", count=1)[0], quotes("F", count=5, bid="5.0100", ask="5.0200")[1:]
    shown = QuoteTick(F, few.bid_price, few.ask_price, shares(10_000), shares(20), few.ts_event, few.ts_init)
    rig = Rig(data=[shown, *shy], limits=limits(min_displayed_shares=1))

    def shrink(strategy: Scripted) -> None:
        (order,) = rig.engine.cache.orders_open()
        assert int(order.filled_qty) == 40
        strategy.modify_order(order, quantity=shares(70))

    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 100, "5.0000")), 3: shrink}))
    assert rig.rules() == []
    assert [int(order.leaves_qty) for order in rig.open_orders] == [30]


@pytest.mark.parametrize(
    ("owner", "change", "reason"),
    [
        ("S-ONE", 7, "F.SMART gate 17, Nautilus 10, limit equal positions"),
        ("S-ONE", -10, "F.SMART gate 0, Nautilus 10, limit equal positions"),
        ("NOBODY", 7, "F.SMART gate 7, Nautilus 0, limit equal positions"),
    ],
)
def test_positions_that_differ_halt_after_three_looks(owner: str, change: int, reason: str) -> None:
    def script(rig: Rig) -> dict[int, Any]:
        def lose(_: Scripted) -> None:
            rig.gate.keeper.account.ledger.filled("", owner, rig.gate.instruments.terms(F), change)

        return {5: lose}

    rig = timed(script)
    breaker = rig.gate.keeper.account.breaker
    assert (breaker.state, breaker.changed_by) == ("HALT", "position_mismatch")
    assert breaker.reason == reason


@pytest.mark.parametrize("has_timer", [None, True])
def test_a_backtest_has_the_gates_timer_only_when_asked(has_timer: bool | None) -> None:
    rig = Rig(has_timer=has_timer)
    seen: list[list[str]] = []

    def buy(strategy: Scripted) -> None:
        strategy.submit_order(strategy.order_factory.market(F, OrderSide.BUY, shares(5)))

    rig.run(scripted({1: buy, 5: lambda _: seen.append(rig.engine.kernel.clock.timer_names)}))
    assert seen == [["RISK_GATE_WATCH"] if has_timer else []]


@pytest.mark.parametrize(
    ("limit_seconds", "changes"),
    [(30, []), (29, [("SAFE_MODE", ("stale_data",)), ("RUNNING", ())])],
)
def test_silence_is_stale_beyond_the_limit_and_not_at_it(limit_seconds: int, changes: list[Any]) -> None:
    half_seconds = quotes("F", count=90, step_ns=NS_PER_SECOND // 2)
    data = [*half_seconds[:5:2], *half_seconds[65:]]  # the last at 2 s, the next at 32.5 s
    rig = timed(lambda _rig: {}, data=data, limits=limits(max_data_silence_seconds=limit_seconds))
    assert causes(rig) == changes


def test_no_data_is_expected_outside_the_session() -> None:
    close_ns = to_ns("2024-03-05T16:00:00-05:00")
    day = quotes("F", count=1_000, step_ns=60 * 10**9)  # one a minute, until hours after the close
    data = [tick for tick in day if tick.ts_event < close_ns] + day[-1:]
    rig = timed(lambda _rig: {}, data=data, limits=limits(max_data_silence_seconds=60))
    assert causes(rig) == []


# -- The kill switch ------------------------------------------------------------------------------


def test_cancel_all_reaches_emulated_orders_too() -> None:
    rig = Rig()

    def place(strategy: Scripted) -> None:
        strategy.submit_order(limit(strategy, 10))
        strategy.submit_order(
            strategy.order_factory.stop_market(
                F, OrderSide.BUY, shares(10), usd("5.5000"), emulation_trigger=TriggerType.BID_ASK
            )
        )

    outcomes: list[str] = []
    stop = CancelAll(by="Ann", reason="news")
    rig.run(scripted({1: place, 3: lambda _: outcomes.append(rig.gate.command(stop).outcome)}))
    assert outcomes == ["2 orders canceled"]
    assert rig.open_orders == []
    assert rig.engine.cache.orders_emulated() == []


def test_flattening_a_symbol_leaves_the_others_alone() -> None:
    rig = Rig(symbols=("F", "GE"), data=quotes("F", count=30) + quotes("GE", count=30))
    ge = equity("GE").id

    def open_both(strategy: Scripted) -> None:
        for instrument_id in (F, ge):
            strategy.submit_order(strategy.order_factory.market(instrument_id, OrderSide.BUY, shares(10)))

    def place(strategy: Scripted) -> None:
        strategy.submit_order(limit(strategy, 10))
        strategy.submit_order(strategy.order_factory.limit(ge, OrderSide.BUY, shares(11), usd("4.9000")))

    flatten = FlattenSymbol(by="Ann", reason="news", symbol="F")
    strategy = Scripted(
        lambda each, seen: {2: open_both, 4: place, 6: lambda _: rig.gate.command(flatten)}.get(
            seen, lambda _: None
        )(each),
        symbols=("F", "GE"),
    )
    rig.run(strategy)
    assert (rig.net("F"), rig.net("GE")) == (0, 10)
    assert [order.instrument_id for order in rig.open_orders] == [ge]
    assert not rig.gate.kill_switch.is_flattening


def test_a_flattening_that_cannot_finish_says_so_in_the_record() -> None:
    close = to_ns("2024-03-05T16:00:00-05:00")
    data = quotes("F", count=3) + [tick for tick in quotes("F", count=22_000) if tick.ts_event >= close][:40]
    rig = Rig(data=data)
    flatten = FlattenSymbol(by="Ann", reason="news", symbol="F")
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(each.order_factory.market(F, OrderSide.BUY, shares(10))),
                5: lambda _: rig.gate.command(flatten),
            }
        )
    )
    (report,) = rig.gate.kill_switch.reports
    assert not report.is_flat
    reports = [entry for entry in rig.recorder.entries if _is_report(entry)]
    assert [entry.outcome for entry in reports] == [  # type: ignore[union-attr]
        "NOT FLAT after 20 rounds: 10 F.SMART: the session is closed"
    ]


def _is_report(entry: RiskRecord) -> bool:
    return isinstance(entry, CommandRecord) and entry.command == "flatten_report"


def test_an_order_that_is_already_closed_is_not_canceled_again() -> None:
    rig = Rig()
    rig.run(
        scripted({1: lambda each: each.submit_order(each.order_factory.market(F, OrderSide.BUY, shares(5)))})
    )
    before = rig.gate.keeper.account.replaces.count(START_NS)
    rig.gate.kill_switch._cancel([str(rig.orders[0].client_order_id), "unknown"])
    assert rig.gate.keeper.account.replaces.count(START_NS) == before


def test_an_operator_can_pause_before_the_run() -> None:
    rig = Rig()
    record = rig.gate.command(PauseSymbol(by="Ann", reason="news", symbol="F"))
    assert record.outcome.endswith("paused: F")


def test_option_quotes_reach_the_view() -> None:
    option = put(500)
    rig = Rig(symbols=(), others=(option,), data=option_quotes(option.id, "1.00", "1.10", count=3))
    rig.engine.run()
    quote = rig.gate.keeper.account.market.quote(rig.gate.instruments.terms(option.id))
    assert quote is not None
    assert (quote.bid, quote.ask, quote.bid_size) == (Decimal("1.00"), Decimal("1.10"), 50)


def test_an_instrument_without_quotes_has_none() -> None:
    assert Rig().gate.keeper.account.market.quote(stock("GE")) is None


def test_a_rejection_by_the_venue_frees_the_order_and_counts() -> None:
    rig = Rig()
    rig.run(scripted({1: lambda each: each.submit_order(limit(each, 10, "5.0000", post_only=True))}))
    assert rig.open_orders == []
    assert rig.gate.keeper.account.ledger.reservations == {}
    assert rig.gate.keeper.account.rejects.count(START_NS) == 1
