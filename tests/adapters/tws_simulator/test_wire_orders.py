"""Orders in both protocols: what `ibapi` and ib_async make of an open and of a completed order."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, message_type
from adapters.tws_simulator.wire.text_codec import TextCodec
from adapters.tws_simulator.wire.text_numbers import UNSET_DOUBLE
from tests.adapters.tws_simulator.test_wire_against_ibapi import (
    REPLIES,
    _build,
    _contract,
    _heard,
    _option_contract,
)

ORDER_FIELDS = {
    "clientId": 3,
    "orderId": 25,
    "permId": 900001,
    "parentId": 24,
    "action": "SELL",
    "totalQuantity": "7",
    "orderType": "STP LMT",
    "lmtPrice": 199.5,
    "auxPrice": 200.25,
    "tif": "GTC",
    "account": "DU1234567",
    "ocaGroup": "G-1",
    "ocaType": 3,
    "orderRef": "O-25",
    "outsideRth": True,
    "triggerMethod": 4,
    "trailStopPrice": 201.5,
    "goodTillDate": "20260109 16:00:00 US/Eastern",
}


def _legs() -> list[dict[str, Any]]:
    return [
        {"conId": 7001, "ratio": 1, "action": "BUY", "exchange": "SMART"},
        {"conId": 7002, "ratio": 2, "action": "SELL", "exchange": "SMART", "perLegPrice": 1.25},
    ]


def _order(**changes: Any) -> Any:
    return _build("Order", **{**ORDER_FIELDS, **changes})


def _state(**fields: Any) -> Any:
    return _build("OrderState", **fields)


def _pair(number: int, name: str, body: Any) -> tuple[list[Any], list[Any]]:
    """Return the arguments of the one callback in text and in protobuf."""
    ((text_name, text),) = _heard(176, (number, body))
    ((proto_name, proto),) = _heard(223, (number, body))
    assert text_name == proto_name == name
    return text, proto


COMPARED = [name for name in ORDER_FIELDS if name != "clientId"]


@pytest.mark.parametrize("contract", [_contract(), _option_contract()], ids=["stock", "option"])
def test_an_open_order_is_the_same_order_in_text_and_in_protobuf(contract: Any) -> None:
    body = _build(
        "OpenOrder", orderId=25, contract=contract, order=_order(), orderState=_state(status="Submitted")
    )
    text, proto = _pair(IN.OPEN_ORDER, "openOrder", body)
    for name in COMPARED:
        assert text[2][name] == proto[2][name], name
    for name in ("conId", "symbol", "secType", "exchange", "right", "localSymbol"):
        if contract.secType == "OPT" or name != "right":
            assert text[1][name] == proto[1][name], name
    assert text[0] == proto[0] == 25
    assert text[3]["status"] == proto[3]["status"] == "Submitted"


def test_a_combination_keeps_its_legs_prices_and_routing() -> None:
    contract = _build(
        "Contract", symbol="AAPL", secType="BAG", exchange="SMART", currency="USD", comboLegs=_legs()
    )
    order = _order(orderType="LMT")
    order.smartComboRoutingParams["NonGuaranteed"] = "1"
    body = _build(
        "OpenOrder", orderId=25, contract=contract, order=order, orderState=_state(status="Submitted")
    )
    text, proto = _pair(IN.OPEN_ORDER, "openOrder", body)
    for name in ("conId", "ratio", "action", "exchange"):
        assert [leg[name] for leg in text[1]["comboLegs"]] == [leg[name] for leg in proto[1]["comboLegs"]]
    assert {leg["price"] for leg in text[2]["orderComboLegs"]} == {1.25, UNSET_DOUBLE}
    assert text[2]["smartComboRoutingParams"] == [{"tag": "NonGuaranteed", "value": "1"}]


def test_margins_of_a_preview_arrive_in_text() -> None:
    state = _state(status="PreSubmitted", initMarginAfter=30000.5, commissionAndFees=1.05, warningText="w")
    body = _build("OpenOrder", orderId=25, contract=_contract(), order=_order(whatIf=True), orderState=state)
    text, proto = _pair(IN.OPEN_ORDER, "openOrder", body)
    assert float(text[3]["initMarginAfter"]) == float(proto[3]["initMarginAfter"]) == 30000.5
    assert text[3]["commissionAndFees"] == proto[3]["commissionAndFees"] == 1.05
    assert text[2]["whatIf"] is True


def test_a_completed_order_is_the_same_order_in_text_and_in_protobuf() -> None:
    state = _state(
        status="Filled", completedTime="20260102 10:00:01 US/Eastern", completedStatus="Filled Size: 7"
    )
    order = _order(filledQuantity="7", parentPermId=900000)
    body = _build("CompletedOrder", contract=_contract(), order=order, orderState=state)
    text, proto = _pair(IN.COMPLETED_ORDER, "completedOrder", body)
    for name in [*COMPARED, "filledQuantity", "parentPermId"]:
        if name not in {"orderId", "parentId"}:  # TWS's text has neither for a completed order
            assert text[1][name] == proto[1][name], name
    for name in ("status", "completedTime", "completedStatus"):
        assert text[2][name] == proto[2][name]


class _Spy:
    """ib_async's wrapper: notes callbacks; the decoder looks everything up by name."""

    def __init__(self) -> None:
        from zoneinfo import ZoneInfo

        self.defaultTimezone = ZoneInfo("UTC")
        self.seen: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.seen.append((name, arguments))


def _ib_async_hears(replies: list[tuple[int, Any]]) -> list[tuple[str, tuple[Any, ...]]]:
    from ib_async.decoder import Decoder

    spy: Any = _Spy()
    decoder: Any = Decoder(spy, 176)

    class Raising:
        def exception(self, text: str) -> None:
            raise AssertionError(text)

    decoder.logger = Raising()
    codec = TextCodec()
    for number, body in replies:
        data = codec.encode(number, body)
        if data:
            decoder.interpret(data[4:].decode().split("\0")[:-1])
    return spy.seen


OPEN = (IN.OPEN_ORDER, "OpenOrder", {"orderId": 25, "contract": _contract(), "order": _order()})
COMPLETED = (IN.COMPLETED_ORDER, "CompletedOrder", {"contract": _contract(), "order": _order()})


@pytest.mark.parametrize(
    "replies",
    [
        *REPLIES,
        [
            (number, name, {**fields, "orderState": _state(status="Filled")})
            for number, name, fields in (OPEN, COMPLETED)
        ],
    ],
    ids=lambda replies: replies[0][1],
)
def test_ib_async_understands_every_reply(replies: list[tuple[int, str, dict[str, Any]]]) -> None:
    built = [(number, message_type(name)(**fields)) for number, name, fields in replies]
    assert _ib_async_hears(built)


def test_ib_async_reads_the_order_that_was_sent() -> None:
    number, name, fields = OPEN
    body = _build(name, **fields, orderState=_state(status="Submitted"))
    ((_, (order_id, contract, order, state)),) = _ib_async_hears([(number, body)])
    assert (order_id, contract.symbol, state.status) == (25, "AAPL", "Submitted")
    assert (order.action, order.totalQuantity, order.orderType) == ("SELL", 7.0, "STP LMT")
    assert (order.lmtPrice, order.auxPrice, order.ocaGroup, order.parentId) == (199.5, 200.25, "G-1", 24)
