"""Nautilus' instruments and orders as the plain values that the rules judge."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.adapters.interactive_brokers.common import IBOrderTags
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import (
    AssetClass,
    ContingencyType,
    OrderSide,
    OrderType,
    TrailingOffsetType,
)
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, StrategyId, Symbol, TraderId
from nautilus_trader.model.instruments import FuturesContract
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import LimitOrder

from market.time import to_ns
from risk.drills.nautilus_options import combination, put
from risk.nautilus_fixed_point import FractionalQuantityError
from risk.nautilus_intents import (
    InstrumentBook,
    UnknownInstrumentError,
    intent_of,
    whole,
)
from tests.risk.live_rig import LiveRig
from tests.risk.nautilus_rig import SMART, F, Rig, Scripted, buy, raises, scripted, shares, usd
from tests.risk.table_market import stock


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
        strategy.submit_order(buy(strategy, 10))

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
    bare = SimpleNamespace(id="(1)A", legs=list, quote_currency=USD)
    with pytest.raises(UnknownInstrumentError, match="has no legs"):
        InstrumentBook(SimpleNamespace(instrument=lambda _: bare)).terms(F)


def test_a_combination_of_one_leg_is_left_to_ibs_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.nautilus_intents.OptionSpread", SimpleNamespace)
    lone = SimpleNamespace(
        id=F, legs=lambda: [(put(500).id, 1)], price_increment=usd("0.01"), quote_currency=USD
    )
    known: dict[Any, Any] = {put(500).id: put(500), F: lone}
    terms = InstrumentBook(SimpleNamespace(instrument=known.get)).terms(F)
    assert (terms.kind, terms.symbol, terms.multiplier, len(terms.legs)) == ("spread", "SPY", 100, 1)


def test_an_id_is_made_for_an_instrument_nobody_asked_about() -> None:
    book = InstrumentBook(SimpleNamespace(instrument=lambda _: None))
    assert book.nautilus_id(stock("GE")) == InstrumentId.from_str("GE.SMART")


def test_a_fractional_quantity_is_refused_with_ibs_code() -> None:
    with pytest.raises(FractionalQuantityError):
        whole(Quantity.from_str("1.5"))
    rig = Rig()
    rig.gate.keeper.submit_one = raises(FractionalQuantityError("1.5 shares"))  # type: ignore[method-assign]
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10))}))
    assert [(each.rule, each.ib_code) for each in rig.recorder.refusals] == [("ib_fraction", 10318)]


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
        "is_post_only": False,
        "is_quote_quantity": False,
    }
    return SimpleNamespace(**(values | fields))


GROUP: dict[str, Any] = {"contingency_type": 1, "linked_order_ids": [ClientOrderId("B")]}


@pytest.mark.parametrize(
    ("fields", "honours_oca", "group"),
    [
        (GROUP, True, "A,B"),
        (GROUP, False, None),
        (GROUP | {"parent_order_id": ClientOrderId("P")}, False, "A,B"),
        (GROUP | {"tags": ['IBOrderTags:{"ocaGroup": "x"}']}, False, "IB x"),
        (GROUP | {"tags": [IBOrderTags(ocaGroup="x", ocaType=1).value]}, False, "IB x"),
        (GROUP | {"tags": [IBOrderTags(ocaGroup="x").value]}, True, "A,B"),
        ({"tags": [IBOrderTags(ocaGroup="x").value]}, False, "IB x"),
        ({"tags": [IBOrderTags(ocaGroup="x").value]}, True, None),
        (GROUP | {"tags": [IBOrderTags(ocaGroup="x", ocaType=2).value]}, False, None),
        (GROUP | {"tags": [IBOrderTags(ocaGroup="x", ocaType=3).value]}, False, None),
        (GROUP | {"tags": [IBOrderTags(outsideRth=True).value]}, False, None),
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
    for tags in (["x"], ['IBOrderTags:{"outsideRth": false}'], ["x", 'IBOrderTags:{"outsideRth": false}']):
        assert not intent_of(order_with(tags=tags), stock(), honours_oca=True).is_outside_hours


@pytest.mark.parametrize(
    ("fields", "specials"),
    [
        ({}, ()),
        ({"is_post_only": True}, ("post_only",)),
        ({"is_quote_quantity": True, "is_post_only": True}, ("post_only", "quote_quantity")),
        ({"order_type": 8, "trailing_offset_type": TrailingOffsetType.PRICE}, ()),
        ({"order_type": 9, "trailing_offset_type": TrailingOffsetType.BASIS_POINTS}, ()),
        ({"order_type": 8, "trailing_offset_type": TrailingOffsetType.TICKS}, ("trailing_offset",)),
        ({"order_type": 9, "trailing_offset_type": TrailingOffsetType.PRICE_TIER}, ("trailing_offset",)),
        (
            {"is_post_only": True, "tags": [IBOrderTags(goodAfterTime="20240305 15:00:00 UTC").value]},
            ("times", "post_only"),
        ),
    ],
)
def test_what_the_adapter_does_not_send_is_read(fields: dict[str, Any], specials: tuple[str, ...]) -> None:
    assert intent_of(order_with(**fields), stock(), honours_oca=True).specials == specials


def test_terms_follow_an_option_that_is_adjusted_and_so_do_its_spreads() -> None:
    near, far, spread = put(500), put(495), combination([(put(500), -1), (put(495), 1)])
    known = {each.id: each for each in (near, far, spread)}
    book = InstrumentBook(SimpleNamespace(instrument=known.get))
    before = book.terms(spread.id)
    assert book.terms(spread.id) is before
    known[near.id] = type(near).from_dict(type(near).to_dict(near) | {"multiplier": "150"})
    assert (book.terms(near.id).multiplier, book.terms(far.id).multiplier) == (150, 100)
    assert [leg.terms.multiplier for leg in book.terms(spread.id).legs] == [100, 150]


def test_an_instrument_whose_terms_make_no_sense_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.nautilus_intents.OptionSpread", SimpleNamespace)
    odd = SimpleNamespace(id="X", quote_currency=USD, legs=raises(ValueError("ratio 0")))
    with pytest.raises(UnknownInstrumentError, match="cannot be read: ratio 0"):
        InstrumentBook(SimpleNamespace(instrument=lambda _: odd)).terms(F)


def test_a_good_till_date_is_read() -> None:
    order = order_with(time_in_force=4, expire_time_ns=7)
    assert intent_of(order, stock(), honours_oca=True).expires_ns == 7


# -- Children that are none -----------------------------------------------------------------------


def test_a_parent_that_does_not_name_its_child_protects_nothing() -> None:
    rig = Rig()
    seen: list[Any] = []

    def forge(strategy: Scripted) -> None:
        entry = buy(strategy, 10)
        strategy.submit_order(entry)
        seen.append(rig.gate._intent(_child_of(strategy, entry)).protects_id)
        seen.append(rig.gate._intent(_child_of(strategy, buy(strategy, 10))).protects_id)

    rig.run(scripted({1: forge}))
    assert seen == [None, None]


def test_a_child_that_comes_alone_protects_the_parent_that_names_it() -> None:
    rig = Rig()
    seen: list[Any] = []

    def place(strategy: Scripted) -> None:
        bracket = strategy.order_factory.bracket(
            instrument_id=F, order_side=OrderSide.BUY, quantity=shares(10), entry_price=usd("4.9000"),
            entry_order_type=OrderType.LIMIT, sl_trigger_price=usd("4.5000"), tp_price=usd("5.5000"),
            tp_post_only=False,
        )  # fmt: skip
        strategy.submit_order_list(bracket)
        seen.extend(rig.gate._intent(order).protects_id for order in bracket.orders)
        seen.append(bracket.first.client_order_id.value)

    rig.run(scripted({1: place}))
    entry, stop, target, entry_id = seen
    assert (entry, stop, target) == (None, entry_id, entry_id)


@pytest.mark.parametrize(("kind", "group"), [(Rig, "A,B"), (LiveRig, None)])
def test_linked_orders_are_one_group_at_a_simulated_venue_only(
    kind: type[Rig | LiveRig], group: str | None
) -> None:
    """IB knows nothing of Nautilus' links: only its own OCA tag makes a group there."""
    rig = kind()
    one = LimitOrder(
        trader_id=TraderId("T-1"), strategy_id=StrategyId("S-ONE"), instrument_id=F,
        client_order_id=ClientOrderId("A"), order_side=OrderSide.BUY, quantity=shares(10),
        price=usd("4.9000"), init_id=UUID4(), ts_init=0, contingency_type=ContingencyType.OCO,
        linked_order_ids=[ClientOrderId("B")],
    )  # fmt: skip
    assert rig.gate._intent(one).group_id == group
    if isinstance(rig, LiveRig):
        rig.node.dispose()


def _child_of(strategy: Scripted, parent: Any) -> Any:
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
