"""The broker's rules that no component owns: order of time, who may speak when, pacing, visibility."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.component import Component, Handler, Refused
from adapters.tws_simulator.messages import IN, OUT, Message
from adapters.tws_simulator.session.sessions import Session
from adapters.tws_simulator.settings import SessionSettings, SimulatorSettings
from tests.adapters.tws_simulator.in_process import START_NS, InProcess


def test_starting_the_api_is_answered_with_accounts_then_id_then_notices() -> None:
    session = InProcess().connect()
    session.request(OUT.START_API, "StartApiRequest", clientId=7)
    assert session.ids() == [IN.MANAGED_ACCTS, IN.NEXT_VALID_ID, IN.ERR_MSG, IN.ERR_MSG, IN.ERR_MSG]
    assert session.take(IN.MANAGED_ACCTS)[0].accountsList == "DU1234567"
    assert session.take(IN.NEXT_VALID_ID)[0].orderId == 1
    assert session.take_errors() == [(-1, 2104), (-1, 2106), (-1, 2158)]


def test_a_client_id_in_use_is_refused_with_326_and_hung_up_while_the_first_stays() -> None:
    desk = InProcess()
    first, second = desk.client(3), desk.connect()
    second.request(OUT.START_API, "StartApiRequest", clientId=3)
    assert second.take_errors() == [(-1, 326)]
    assert second.is_hung_up
    assert not first.is_hung_up
    first.request(OUT.REQ_IDS, "IdsRequest")
    assert first.ids() == [IN.NEXT_VALID_ID]


def test_a_client_id_is_free_again_after_its_session_ends() -> None:
    desk = InProcess()
    desk.client(3).disconnect()
    again = desk.connect()
    again.request(OUT.START_API, "StartApiRequest", clientId=3)
    assert IN.NEXT_VALID_ID in again.ids()


def test_requests_before_start_api_are_refused() -> None:
    session = InProcess().connect()
    session.request(OUT.REQ_IDS, "IdsRequest")
    assert session.take_errors() == [(-1, 504)]


def test_an_unknown_request_is_refused_with_505_under_its_own_id() -> None:
    session = InProcess().client(1)
    session.request(OUT.REQ_WSH_META_DATA, "WshMetaDataRequest", reqId=12)
    assert session.take_errors() == [(12, 505)]


def test_the_message_above_the_rate_is_refused_and_the_third_violation_ends_the_session() -> None:
    settings = SimulatorSettings(session=SessionSettings(messages_per_second_max=5))
    desk = InProcess(settings)
    session = desk.client(1)  # the start counts as one message
    for violation in (1, 2, 3):
        desk.run_for(1.0)
        for _ in range(5):
            session.request(OUT.REQ_IDS, "IdsRequest")
        assert session.take_errors() == []
        session.request(OUT.REQ_IDS, "IdsRequest")
        session.request(OUT.REQ_IDS, "IdsRequest")
        assert session.take_errors() == [(-1, 100)]
        assert session.is_hung_up is (violation == 3)


def test_a_flood_is_hung_up_within_its_first_second() -> None:
    settings = SimulatorSettings(session=SessionSettings(messages_per_second_max=5, flood_factor=2))
    session = InProcess(settings).client(1)
    for _ in range(5 + 10 + 1):
        session.request(OUT.REQ_IDS, "IdsRequest")
    assert session.is_hung_up


def test_timers_run_at_their_own_time_in_order_and_only_once() -> None:
    desk = InProcess()
    seen: list[tuple[str, int]] = []
    broker = desk.broker

    def note(name: str) -> None:
        seen.append((name, broker.now_ns - START_NS))

    def nest() -> None:
        broker.call_after(500, lambda: note("nested"))

    broker.call_after(2_000, lambda: note("late"))
    broker.call_after(1_000, lambda: note("early"))
    broker.call_after(1_000, lambda: note("early too"))
    broker.call_after(1_500, lambda: note("cancelled")).cancel()
    broker.call_after(1_000, nest)
    broker.advance(START_NS + 5_000)
    broker.advance(START_NS + 9_000)
    assert seen == [("early", 1_000), ("early too", 1_000), ("nested", 1_500), ("late", 2_000)]


@pytest.mark.parametrize("speed", [1.0, 10.0, 0.3, 7.77])
def test_market_timers_follow_the_market_clock(speed: float) -> None:
    clock = MarketClock(START_NS, 1_000_000_000_000, speed)
    desk = InProcess(clock=clock)
    seen: list[int] = []
    desk.broker.call_at_market(1_000_000_000_000 + 3_000_000_007, lambda: seen.append(desk.broker.market_ns))
    due = desk.broker.next_due_ns()
    assert due is not None
    desk.broker.advance(due - 1)
    assert seen == []
    desk.broker.advance(due)
    assert len(seen) == 1
    assert 0 <= seen[0] - (1_000_000_000_000 + 3_000_000_007) <= speed + 1


class Faulty(Component):
    """Handlers that refuse and that break."""

    def handlers(self) -> Mapping[int, Handler]:
        return {OUT.REQ_MKT_DATA: self._refuse, OUT.REQ_MKT_DEPTH: self._break}

    def _refuse(self, _session: Session, _request: Message) -> None:
        raise Refused(354, "Requested market data is not subscribed.")

    def _break(self, _session: Session, _request: Message) -> None:
        raise ZeroDivisionError("defect")


def _install_faulty(broker: Broker) -> None:
    broker.install(Faulty(broker))


def test_a_refusal_is_answered_under_the_requests_id() -> None:
    session = InProcess(install=_install_faulty).client(1)
    session.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=9)
    assert session.take_errors() == [(9, 354)]


def test_a_defect_is_answered_with_322_kept_and_survived() -> None:
    desk = InProcess(install=_install_faulty)
    session = desk.client(1)
    session.request(OUT.REQ_MKT_DEPTH, "MarketDepthRequest", reqId=9)
    assert session.take_errors() == [(9, 322)]
    assert "ZeroDivisionError" in desk.broker.failures[0]
    session.request(OUT.REQ_IDS, "IdsRequest")
    assert session.ids() == [IN.NEXT_VALID_ID]


def test_two_components_may_not_handle_the_same_request() -> None:
    desk = InProcess(install=_install_faulty)
    with pytest.raises(ValueError, match="REQ_MKT_DATA"):
        desk.broker.install(Faulty(desk.broker))


def test_orders_are_seen_by_their_client_the_master_and_the_binder_of_manual_orders() -> None:
    desk = InProcess(SimulatorSettings(session=SessionSettings(master_client_id=9)))
    for client_id in (0, 1, 9):
        desk.client(client_id)

    def viewers(client_id: int) -> list[int | None]:
        return [session.client_id for session in desk.broker.sessions.viewers(client_id)]

    assert viewers(1) == [1, 9]
    assert viewers(5) == [9]
    assert viewers(9) == [9]
    assert viewers(0) == [0, 9]


def test_only_client_0_may_bind_manual_orders() -> None:
    session = InProcess().client(1)
    session.request(OUT.REQ_AUTO_OPEN_ORDERS, "AutoOpenOrdersRequest", autoBind=True)
    assert session.take_errors() == [(-1, 321)]
