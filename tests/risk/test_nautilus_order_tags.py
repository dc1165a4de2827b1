"""What orders ask of IB beside their fields: read as Nautilus' adapter does, refused if nobody judges it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from nautilus_trader.adapters.interactive_brokers.common import IBOrderTags
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import ContingencyType, OrderSide, TimeInForce, TrailingOffsetType
from nautilus_trader.model.identifiers import ClientOrderId, OrderListId
from nautilus_trader.model.orders import LimitOrder

from risk.drills.nautilus_options import combination, option_quotes, put
from risk.nautilus_order_tags import IbTags, OrderTags, read_tags
from tests.risk.limit_cases import limits
from tests.risk.live_rig import LiveRig, Node
from tests.risk.nautilus_rig import F, Rig, Scripted, buy, market, quotes, scripted, shares, usd

LATER = "20240305 20:00:00 UTC"


def tag(**fields: Any) -> str:
    return str(IBOrderTags(**fields).value)


# -- Reading --------------------------------------------------------------------------------------


def test_the_fields_are_those_of_nautilus() -> None:
    def described(kind: type[Any]) -> list[tuple[str, str, object]]:
        fields = msgspec.structs.fields(kind)
        return [(each.name, str(each.type), getattr(kind(), each.name)) for each in fields]

    assert described(IbTags) == described(IBOrderTags)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (["x"], OrderTags()),
        (["x", "decision:7", "decision:8"], OrderTags(decision="decision:7")),
        ([tag()], OrderTags()),
        ([tag(whatIf=True, allOrNone=True, hidden=True, conditionsCancelOrder=True)], OrderTags()),
        ([tag(outsideRth=True)], OrderTags(is_outside_hours=True)),
        (["decision:7", tag(outsideRth=True)], OrderTags(is_outside_hours=True, decision="decision:7")),
        (['x{"outsideRth":true}'], OrderTags()),
        ([tag(ocaGroup="G")], OrderTags(oca_group="G")),
        ([tag(ocaGroup="G", ocaType=1)], OrderTags(oca_group="G")),
        ([tag(ocaGroup="G", ocaType=2)], OrderTags()),
        ([tag(ocaGroup="G", ocaType=3)], OrderTags()),
        ([tag(ocaGroup="G", ocaType=-1)], OrderTags()),
        ([tag(ocaType=1)], OrderTags()),
        ([tag(conditions=[{"type": "time"}])], OrderTags(specials=("conditions",))),
        ([tag(goodAfterTime=LATER)], OrderTags(specials=("times",))),
        ([tag(activeStartTime=LATER)], OrderTags(specials=("times",))),
        ([tag(activeStopTime=LATER)], OrderTags(specials=("times",))),
        ([tag(NonGuaranteed=True)], OrderTags(specials=("non_guaranteed",))),
        (
            [tag(NonGuaranteed=True, goodAfterTime=LATER, conditions=[{}])],
            OrderTags(specials=("conditions", "times", "non_guaranteed")),
        ),
        (["IBOrderTags:"], OrderTags(specials=("tags",))),
        (["IBOrderTags:{}"], OrderTags()),
        (['IBOrderTags:{"ocaGroup":"G","ocagroup":"G"}'], OrderTags(specials=("tags",))),
        (['IBOrderTags:{"outsideRth":"true"}'], OrderTags(specials=("tags",))),
        (["decision:7", tag(), tag()], OrderTags(decision="decision:7", specials=("tags",))),
    ],
)
def test_a_tag_says_what_the_adapter_would_read(tags: list[str], said: OrderTags) -> None:
    assert read_tags(tags) == said


# -- At the gate ----------------------------------------------------------------------------------


def stop(strategy: Scripted, **fields: Any) -> Any:
    return strategy.order_factory.trailing_stop_market(
        F, OrderSide.SELL, shares(10), usd("0.1000").as_decimal(), **fields
    )


@pytest.mark.parametrize(
    ("make", "rule", "code"),
    [
        (lambda s: buy(s, 10, post_only=True), "ib_post_only", 387),
        (lambda s: market(s, 10, quote_quantity=True), "ib_cash_quantity", 10244),
        (lambda s: stop(s, trailing_offset_type=TrailingOffsetType.TICKS), "ib_trailing_offset", 321),
        (lambda s: buy(s, 10, tags=["IBOrderTags:{oca}"]), "ib_tags", 321),
        (lambda s: buy(s, 10, tags=[tag(conditions=[{"type": "price"}])]), "ib_conditions", 201),
        (lambda s: buy(s, 10, tags=[tag(goodAfterTime=LATER)]), "ib_active_times", 201),
    ],
)
def test_an_order_that_nobody_can_judge_is_refused_with_words(
    node: Node, make: Any, rule: str, code: int
) -> None:
    rig = node()
    rig.run(scripted({1: lambda each: each.submit_order(make(each))}))
    (refusal,) = rig.recorder.refusals
    assert (refusal.rule, refusal.ib_code) == (rule, code)
    assert rig.open_orders == []
    assert rig.gate.keeper.account.ledger.reservations == {}


def test_a_quantity_in_usd_does_not_turn_a_closing_order_into_an_opening(node: Node) -> None:
    """100 USD at 0.50 are 200 shares: the sale would close 100 and open -100, in a HALT."""
    cheap = quotes("F", count=50, bid="0.5000", ask="0.5010")
    rig = node(data=cheap, limits=limits(min_price_usd=usd("0.1").as_decimal()))

    def halt(strategy: Scripted) -> None:
        rig.gate.supervisor.halt(strategy.clock.timestamp_ns(), by="Ann", reason="news")

    def close(strategy: Scripted) -> None:
        strategy.submit_order(market(strategy, 100, OrderSide.SELL, quote_quantity=True))
        strategy.submit_order(market(strategy, 100, OrderSide.SELL))

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 100)), 10: halt, 20: close}))
    assert (rig.rules(), rig.net()) == (["ib_cash_quantity"], 0)


def test_a_combination_without_ibs_guarantee_is_refused() -> None:
    near, far = put(500), put(495)
    spread = combination([(near, -1), (far, 1)])
    rig = Rig(
        symbols=(), others=(near, far, spread), data=option_quotes(spread.id, "-1.55", "-1.45", count=5)
    )

    class Trader(Scripted):
        def on_start(self) -> None:
            self.subscribe_quote_ticks(spread.id)

    def send(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            order = strategy.order_factory.limit(
                spread.id, OrderSide.BUY, shares(1), usd("-1.45"), tags=[tag(NonGuaranteed=True)]
            )
            strategy.submit_order(order)

    rig.run(Trader(send))
    assert rig.rules() == ["ib_non_guaranteed"]


# -- OCA groups -----------------------------------------------------------------------------------


def pair(strategy: Scripted, tags: list[list[str]]) -> list[LimitOrder]:
    """Return two linked orders to buy 100 shares."""
    ids = [ClientOrderId("A-1"), ClientOrderId("B-1")]
    return [
        LimitOrder(
            strategy.trader_id, strategy.id, F, own, OrderSide.BUY, shares(100), usd(price), UUID4(),
            strategy.clock.timestamp_ns(), time_in_force=TimeInForce.DAY, tags=said,
            contingency_type=ContingencyType.OCO, order_list_id=OrderListId("L-1"), linked_order_ids=[other],
        )
        for own, other, price, said in zip(ids, reversed(ids), ("4.9000", "4.8900"), tags, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "refused"),
    [
        ([[tag(ocaGroup="G")], [tag(ocaGroup="G")]], 0),
        ([[tag(ocaGroup="G", ocaType=1)], [tag(ocaGroup="G", outsideRth=True)]], 0),
        ([[tag(ocaGroup="G")], [tag(ocaGroup="H")]], 1),
        ([[tag(ocaGroup="G", ocaType=3)], [tag(ocaGroup="G", ocaType=3)]], 1),
        ([[tag(outsideRth=True)], [tag(outsideRth=True)]], 1),
        ([[tag(ocaGroup="G")], []], 1),
        ([[], []], 1),
    ],
)
def test_at_ib_orders_are_one_group_by_its_own_name_alone(tags: list[list[str]], refused: int) -> None:
    rig = LiveRig(limits=limits(max_position_shares_per_symbol=100))
    rig.run(scripted({5: lambda each: [each.submit_order(order) for order in pair(each, tags)]}))
    assert rig.rules() == ["position_per_symbol"] * refused
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 100


@pytest.mark.parametrize("tags", [[], [tag(ocaGroup="G")]])
def test_at_a_simulated_venue_linked_orders_are_one_group(tags: list[str]) -> None:
    rig = Rig(limits=limits(max_position_shares_per_symbol=100))
    rig.run(scripted({5: lambda each: [each.submit_order(order) for order in pair(each, [tags, []])]}))
    assert (rig.rules(), len(rig.open_orders)) == ([], 2)
