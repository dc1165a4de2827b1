"""Account requests: what is answered, what ends the answer, what is repeated and when it stops."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, OUT
from adapters.tws_simulator.settings import SessionSettings
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.orders.floor import AAPL, CALL_200, Floor, place

ADAPTER_NEEDS = (
    *("NetLiquidation", "TotalCashValue", "FullAvailableFunds"),
    *("FullInitMarginReq", "FullMaintMarginReq"),
)


def _floor(**session: Any) -> tuple[Floor, FakeSession]:
    floor = Floor(session=SessionSettings(messages_per_second_max=10_000, **session))
    floor.quote(AAPL, 200, "200.10")
    floor.quote(CALL_200, 5, "5.10")
    client = floor.client(1)
    place(client, 1, account=floor.settings.session.accounts[0])
    floor.run()
    client.take()
    return floor, client


def _summary(client: FakeSession, *, reqId: int = 4, tags: str, group: str = "All") -> dict[str, str]:  # noqa: N803
    client.request(OUT.REQ_ACCOUNT_SUMMARY, "AccountSummaryRequest", reqId=reqId, group=group, tags=tags)
    return {body.tag: body.value for body in client.take(IN.ACCOUNT_SUMMARY)}


def test_a_summary_has_the_asked_tags_in_dollars_and_an_end() -> None:
    _, client = _floor()
    values = _summary(client, tags=",".join(ADAPTER_NEEDS))
    assert set(values) == set(ADAPTER_NEEDS)
    assert values["TotalCashValue"] == "979989.00"
    assert values["NetLiquidation"] == "999994.00"
    assert values["FullInitMarginReq"] == "10002.50"
    assert values["FullAvailableFunds"] == "989991.50"
    assert client.take(IN.ACCOUNT_SUMMARY_END)[0].reqId == 4


def test_a_summary_is_repeated_every_three_minutes_until_cancelled() -> None:
    floor, client = _floor()
    _summary(client, tags="NetLiquidation")
    floor.quote(AAPL, 210, "210.10")
    floor.run(181)
    assert [body.value for body in client.take(IN.ACCOUNT_SUMMARY)] == ["1000994.00"]
    client.request(OUT.CANCEL_ACCOUNT_SUMMARY, "CancelAccountSummary", reqId=4)
    floor.run(400)
    assert client.take(IN.ACCOUNT_SUMMARY) == []


def test_a_third_summary_and_an_unknown_account_are_refused() -> None:
    _, client = _floor()
    for request_id in (1, 2, 3):
        _summary(client, reqId=request_id, tags="NetLiquidation")
    assert client.take_errors() == [(3, 322)]
    _summary(client, reqId=1, tags="NetLiquidation", group="U9")
    assert client.take_errors() == [(1, 321)]


def test_the_ledger_tag_brings_the_currencies() -> None:
    _, client = _floor()
    assert _summary(client, tags="$LEDGER")["StockMarketValue"] == "20005.00"


def test_account_updates_bring_values_portfolio_time_and_end_and_follow_fills() -> None:
    floor, client = _floor()
    client.request(OUT.REQ_ACCT_DATA, "AccountDataRequest", subscribe=True, acctCode="DU1234567")
    ids = client.ids()
    assert ids[-1] == IN.ACCT_DOWNLOAD_END
    assert {IN.ACCT_VALUE, IN.PORTFOLIO_VALUE, IN.ACCT_UPDATE_TIME} < set(ids)
    portfolio = client.take(IN.PORTFOLIO_VALUE)[0]
    assert (portfolio.position, portfolio.averageCost, portfolio.marketPrice) == ("100", 200.11, 200.05)
    assert portfolio.unrealizedPNL == pytest.approx(-6.0)
    assert client.take(IN.ACCT_UPDATE_TIME)[0].timeStamp == "10:00"
    client.take()
    place(client, 2, action="SELL", quantity=100)
    floor.run()
    assert client.take(IN.PORTFOLIO_VALUE)[0].position == "0"
    client.request(OUT.REQ_ACCT_DATA, "AccountDataRequest", subscribe=False)
    client.take()
    place(client, 3, quantity=1)
    floor.run(200)
    assert client.take(IN.ACCT_VALUE) == []


def test_positions_have_no_exchange_follow_changes_and_stop() -> None:
    floor, client = _floor()
    client.request(OUT.REQ_POSITIONS, "PositionsRequest")
    assert client.ids() == [IN.POSITION_DATA, IN.POSITION_END]
    body = client.take(IN.POSITION_DATA)[0]
    assert (body.contract.conId, body.contract.exchange, body.position) == (AAPL, "", "100")
    place(client, 2, CALL_200, quantity=3)
    floor.run()
    option = client.take(IN.POSITION_DATA)[0]
    assert option.avgCost == pytest.approx(510.65)
    client.request(OUT.CANCEL_POSITIONS, "CancelPositions")
    place(client, 3)
    floor.run()
    assert client.take(IN.POSITION_DATA) == []


def test_multi_requests_are_of_one_account() -> None:
    floor, client = _floor(accounts=("DU1", "DU2"))
    client.request(OUT.REQ_POSITIONS_MULTI, "PositionsMultiRequest", reqId=5, account="DU2")
    assert client.ids() == [IN.POSITION_MULTI_END]
    place(client, 2, account="DU2")
    place(client, 3, account="DU1")
    floor.run()
    assert [(body.reqId, body.account) for body in client.take(IN.POSITION_MULTI)] == [(5, "DU2")]
    client.take()
    client.request(
        OUT.REQ_ACCOUNT_UPDATES_MULTI, "AccountUpdatesMultiRequest", reqId=6, account="DU2", ledgerAndNLV=True
    )
    keys = {body.key for body in client.take(IN.ACCOUNT_UPDATE_MULTI)}
    assert "NetLiquidation" in keys
    assert "InitMarginReq" not in keys


def test_profit_is_told_once_a_second_until_cancelled() -> None:
    floor, client = _floor()
    client.request(OUT.REQ_PNL, "PnLRequest", reqId=8, account="DU1234567")
    client.request(OUT.REQ_PNL_SINGLE, "PnLSingleRequest", reqId=9, account="DU1234567", conId=AAPL)
    first = client.take(IN.PNL)[0]
    assert (first.dailyPnL, first.unrealizedPnL, first.realizedPnL) == (
        pytest.approx(-6),
        pytest.approx(-6),
        0,
    )
    single = client.take(IN.PNL_SINGLE)[0]
    assert (single.position, single.value) == ("100", 20_005.0)
    floor.quote(AAPL, 210, "210.10")
    floor.run(1.0)
    assert client.take(IN.PNL)[0].dailyPnL == pytest.approx(994)
    assert client.take(IN.PNL_SINGLE)[0].unrealizedPnL == pytest.approx(994)
    client.request(OUT.CANCEL_PNL, "CancelPnL", reqId=8)
    client.request(OUT.CANCEL_PNL_SINGLE, "CancelPnLSingle", reqId=9)
    floor.run(5)
    assert client.ids() == []
    client.request(OUT.CANCEL_PNL, "CancelPnL", reqId=8)
    assert client.take_errors() == [(8, 10185)]


def test_a_session_that_ends_is_told_nothing_more() -> None:
    floor, client = _floor()
    client.request(OUT.REQ_POSITIONS, "PositionsRequest")
    client.request(OUT.REQ_PNL, "PnLRequest", reqId=8, account="DU1234567")
    client.disconnect()
    client.take()
    place(floor.client(2), 5)
    floor.run(500)
    assert client.take() == []
    assert floor.books()["positions"][str(AAPL)]["quantity"] == "200"


def test_realized_profit_reaches_the_commission_report() -> None:
    floor, client = _floor()
    floor.quote(AAPL, 210, "210.10")
    place(client, 2, action="SELL", quantity=100)
    floor.run()
    report = client.take(IN.COMMISSION_AND_FEES_REPORT)[0]
    assert report.realizedPNL == pytest.approx(
        float(Decimal(100) * (210 - Decimal("200.10")) - 1 - Decimal("1.02"))
    )


def test_positions_and_cash_from_elsewhere_are_no_profit() -> None:
    floor, client = _floor()
    client.request(OUT.REQ_POSITIONS, "PositionsRequest")
    client.take()
    floor.command("transfer_position", account="DU1234567", con_id=CALL_200, quantity="-3", price="5.05")
    floor.command("deposit", account="DU1234567", amount="500")
    floor.run()
    assert [(body.position, body.avgCost) for body in client.take(IN.POSITION_DATA)] == [("-3", 505.0)]
    books = floor.books()
    assert Decimal(books["daily"]) == Decimal(books["unrealized"]) == -6
    assert Decimal(books["cash"]) == 979_989 + 500
    with pytest.raises(ValueError, match="not held"):
        floor.command("transfer_position", account="DU1234567", con_id=CALL_200, quantity="1", price="5")
    with pytest.raises(ValueError, match="DU1234567"):
        floor.command("deposit", account="U9", amount="1")
