"""Frame faults, fault commands and scenarios, in process: what a client would receive, and when."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.broker import Broker, Outgoing
from adapters.tws_simulator.faults.desk import FaultDesk
from adapters.tws_simulator.faults.frame_faults import FrameAction, FrameFault, FramePipe, Sending
from adapters.tws_simulator.faults.random_scenario import FAULTS, random_scenario
from adapters.tws_simulator.faults.scenario import Scenario, ScenarioPlayer, Step, load_scenario
from adapters.tws_simulator.messages import IN, OUT, message_type
from market.errors import ConfigError, NotFoundError
from tests.adapters.tws_simulator.in_process import FakeSession, InProcess


class FakeWire:
    """Notes what faults do to sockets."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def close(self, session_id: int | None, *, is_reset: bool) -> int:
        self.calls.append(("close", (session_id, is_reset)))
        return 1

    def freeze(self, session_id: int | None, *, is_lost: bool) -> int:
        self.calls.append(("freeze", (session_id, is_lost)))
        return 1

    def thaw(self) -> int:
        self.calls.append(("thaw", None))
        return 1

    def read_slowly(self, bytes_per_second: int | None) -> None:
        self.calls.append(("read_slowly", bytes_per_second))

    def write_in_segments(self, bytes_each: int | None, *, glue_seconds: float) -> None:
        self.calls.append(("write_in_segments", (bytes_each, glue_seconds)))

    def refuse(self, *, is_reset: bool) -> None:
        self.calls.append(("refuse", is_reset))

    def hold_handshakes(self) -> None:
        self.calls.append(("hold_handshakes", None))

    def accept(self) -> None:
        self.calls.append(("accept", None))

    def inject(self, session_id: int | None, data: bytes) -> int:
        self.calls.append(("inject", (session_id, data)))
        return 1


class FakeSubscriptions:
    """Notes what faults do to market data."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def silence(self, con_id: int | None, *, is_silent: bool) -> None:
        self.calls.append(("silence", (con_id, is_silent)))

    def drop_all(self) -> None:
        self.calls.append(("drop_all", None))

    def session_subscriptions(self, session: Any) -> dict[str, int]:
        return {}


class Rig:
    """A broker with fault commands over a noted wire."""

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.wire, self.subscriptions = FakeWire(), FakeSubscriptions()
        self.player: ScenarioPlayer | None = None
        self._scenario = scenario
        self.desk = InProcess(install=self._install)

    def _install(self, broker: Broker) -> None:
        self.pipe = FramePipe(
            seed=1, client_id_of=lambda _: None, call_after=broker.call_after, release=lambda _: None
        )
        broker.install(FaultDesk(broker, wire=self.wire, pipe=self.pipe, subscriptions=self.subscriptions))
        if self._scenario is not None:
            self.player = ScenarioPlayer(broker, self._scenario)
            broker.install(self.player)

    def run(self, command: str, **parameters: Any) -> Any:
        return self.desk.broker.run_command(command, parameters)


# ---------------------------------------------------------------------- frames


def _status(number: int) -> Outgoing:
    return Outgoing(
        1, IN.ORDER_STATUS, message_type("OrderStatus")(orderId=number, filled="5", avgFillPrice=1.5)
    )


class PipeRig:
    """A pipe with hand-moved time."""

    def __init__(self, fault: FrameFault, *, seed: int = 1) -> None:
        self.released: list[Sending] = []
        self.timers: list[Any] = []
        self.pipe = FramePipe(
            seed=seed,
            client_id_of=lambda session_id: session_id * 10,
            call_after=lambda delay_ns, callback: self.timers.append((delay_ns, callback)),
            release=self.released.extend,
        )
        self.pipe.add(fault)

    def passed(self, *numbers: int) -> list[list[tuple[int, int]]]:
        return [
            [
                (sending.outgoing.body.orderId, sending.delay_ns)
                for sending in self.pipe.pass_through(_status(number))
            ]
            for number in numbers
        ]


def test_a_dropped_frame_is_gone_and_the_next_passes() -> None:
    rig = PipeRig(FrameFault(action=FrameAction.DROP, count=1))
    assert rig.passed(1, 2) == [[], [(2, 0)]]
    assert rig.pipe.is_idle


def test_skip_lets_frames_pass_before_the_fault() -> None:
    rig = PipeRig(FrameFault(action=FrameAction.DROP, skip=2, count=1))
    assert rig.passed(1, 2, 3, 4) == [[(1, 0)], [(2, 0)], [], [(4, 0)]]


def test_a_delayed_frame_is_sent_late_and_a_doubled_one_twice() -> None:
    assert PipeRig(FrameFault(action=FrameAction.DELAY, delay_seconds=0.5)).passed(1) == [[(1, 500_000_000)]]
    assert PipeRig(FrameFault(action=FrameAction.DUPLICATE)).passed(1) == [[(1, 0), (1, 0)]]


def test_only_the_named_messages_and_the_named_client_are_met() -> None:
    assert PipeRig(FrameFault(action=FrameAction.DROP, messages=("OPEN_ORDER",))).passed(1) == [[(1, 0)]]
    assert PipeRig(FrameFault(action=FrameAction.DROP, client_id=10)).passed(1) == [[]]
    assert PipeRig(FrameFault(action=FrameAction.DROP, client_id=11)).passed(1) == [[(1, 0)]]


@pytest.mark.parametrize(("permutation", "order"), [("reverse", [3, 2, 1]), ("2,0,1", [3, 1, 2])])
def test_held_frames_are_sent_in_the_order_asked_for(permutation: str, order: list[int]) -> None:
    rig = PipeRig(FrameFault(action=FrameAction.HOLD, hold=3, permutation=permutation))
    assert rig.passed(1, 2) == [[], []]
    assert [number for number, _ in rig.passed(3)[0]] == order


def test_frames_that_wait_for_others_in_vain_are_sent_when_their_time_is_up() -> None:
    rig = PipeRig(FrameFault(action=FrameAction.HOLD, hold=3, delay_seconds=0.2, count=2))
    rig.passed(1, 2)
    ((delay_ns, callback),) = rig.timers
    callback()
    assert delay_ns == 200_000_000
    assert [sending.outgoing.body.orderId for sending in rig.released] == [2, 1]
    assert rig.pipe.is_idle


def test_ending_a_fault_lets_go_of_what_it_holds() -> None:
    rig = PipeRig(FrameFault(action=FrameAction.HOLD, hold=9))
    rig.passed(1, 2)
    assert rig.pipe.remove() == 1
    assert [sending.outgoing.body.orderId for sending in rig.released] == [1, 2]


def test_nan_and_empty_change_a_copy_of_the_message() -> None:
    nan = PipeRig(FrameFault(action=FrameAction.NAN)).pipe.pass_through(_status(1))[0].outgoing.body
    empty = PipeRig(FrameFault(action=FrameAction.EMPTY)).pipe.pass_through(_status(1))[0].outgoing.body
    assert nan.avgFillPrice != nan.avgFillPrice
    assert nan.filled == "5"
    assert empty.filled == ""
    assert empty.avgFillPrice == 1.5


@given(seed=st.integers(0, 2**32), probability=st.floats(0, 1))
def test_chance_comes_from_the_seed(seed: int, probability: float) -> None:
    fault = FrameFault(action=FrameAction.DROP, probability=probability)
    first, second = PipeRig(fault, seed=seed), PipeRig(fault, seed=seed)
    assert first.passed(*range(20)) == second.passed(*range(20))


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "drop", "messages": ("ORDER_STATE",)},
        {"action": "drop", "probability": 1.5},
        {"action": "delay", "delay_seconds": -1.0},
        {"action": "drop", "count": 0},
        {"action": "hold", "hold": 3, "permutation": "0,1"},
        {"action": "hold", "hold": 2, "permutation": "backwards"},
    ],
)
def test_a_frame_fault_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - messages differ, each is checked by being shown to users
        FrameFault(**{**fields, "action": FrameAction(fields["action"])})


# ---------------------------------------------------------------------- commands


def _codes(session: FakeSession) -> list[int]:
    return [code for _, code in session.take_errors()]


def test_a_notice_goes_to_all_or_to_one_client_with_tws_s_text() -> None:
    rig = Rig()
    first, second = rig.desk.client(1), rig.desk.client(2)
    rig.run("notice", code=2110)
    rig.run("notice", code=1300, client_id=2, request_id=5)
    assert [error.errorMsg for error in first.take(IN.ERR_MSG)] == [
        "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
    ]
    assert second.take_errors() == [(-1, 2110), (5, 1300)]


def test_a_lost_connection_silences_data_and_1101_forgets_subscriptions() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("connection_lost")
    rig.run("connection_restored", is_data_lost=True)
    assert _codes(session) == [1100, 1101]
    assert rig.subscriptions.calls == [
        ("silence", (None, True)),
        ("silence", (None, False)),
        ("drop_all", None),
    ]


def test_1102_keeps_subscriptions() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("connection_restored", is_data_lost=False)
    assert _codes(session) == [1102]
    assert ("drop_all", None) not in rig.subscriptions.calls


def test_a_farm_flaps_as_often_and_as_long_as_asked() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("farm_flaps", farm="history", times=2, broken_seconds=0.3, well_seconds=0.1)
    rig.desk.run_for(0.0)
    assert _codes(session) == [2105]
    rig.desk.run_for(0.29)
    assert _codes(session) == []
    rig.desk.run_for(0.02)
    assert _codes(session) == [2106]
    rig.desk.run_for(1.0)
    assert _codes(session) == [2105, 2106]


def test_a_port_reset_says_the_new_port_and_hangs_up() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("port_reset", port=4002)
    (error,) = session.take(IN.ERR_MSG)
    assert error.errorMsg.endswith("-4002")
    assert session.is_hung_up


def test_a_restart_hangs_up_refuses_holds_the_login_and_serves_again() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("restart", down_seconds=2.0, two_factor_seconds=3.0)
    assert _codes(session) == [1100]
    assert session.is_hung_up
    assert rig.wire.calls == [("refuse", False)]
    rig.desk.run_for(2.0)
    assert rig.wire.calls[1:] == [("hold_handshakes", None)]
    rig.desk.run_for(2.9)
    assert len(rig.wire.calls) == 2
    rig.desk.run_for(0.2)
    assert rig.wire.calls[2:] == [("accept", None)]


def test_connection_faults_reach_the_wire_of_the_client_they_name() -> None:
    rig = Rig()
    rig.desk.client(1)
    session = rig.desk.client(7)
    rig.run("disconnect", how="rst", client_id=7)
    rig.run("freeze", client_id=7, seconds=1.0)
    rig.run("slow_reading", bytes_per_second=100)
    rig.run("segments", bytes_each=3)
    rig.run("malformed", kind="hex", hex="00 01", client_id=7)
    rig.desk.run_for(1.0)
    assert rig.wire.calls == [
        ("close", (session.session_id, True)),
        ("freeze", (session.session_id, True)),
        ("read_slowly", 100),
        ("write_in_segments", (3, 0.0)),
        ("inject", (session.session_id, b"\x00\x01")),
        ("thaw", None),
    ]


def test_a_skewed_clock_is_shown_and_does_not_move_the_market() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("clock_skew", seconds=-12.0)
    session.request(OUT.REQ_CURRENT_TIME, "CurrentTimeRequest")
    shown = session.take(IN.CURRENT_TIME)[0].currentTime
    assert shown == rig.desk.broker.market_ns // 1_000_000_000 - 12


def test_read_only_refuses_orders_with_321_and_answers_the_rest() -> None:
    rig = Rig()
    session = rig.desk.client(1)
    rig.run("read_only", is_read_only=True)
    session.request(OUT.PLACE_ORDER, "PlaceOrderRequest", orderId=4)
    session.request(OUT.REQ_OPEN_ORDERS, "OpenOrdersRequest")
    session.request(OUT.REQ_IDS, "IdsRequest")
    assert session.take_errors() == [(4, 321), (-1, 321)]
    assert session.ids() == [IN.NEXT_VALID_ID]


@pytest.mark.parametrize(
    ("command", "parameters", "why"),
    [
        ("explode", {}, "there is no command"),
        ("notice", {"kode": 1}, "kode"),
        ("notice", {}, "code"),
        ("notice", {"code": 2110, "client_id": 9}, "not connected"),
        ("farm", {"farm": "cattle", "is_well": True}, "cattle"),
        ("freeze", {"seconds": -1}, "seconds"),
        ("malformed", {"kind": "hex"}, "hex is empty"),
        ("segments", {"bytes_each": 0}, "bytes_each"),
        ("frame_fault", {"action": "melt"}, "melt"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_with_its_reason(
    command: str, parameters: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Rig().run(command, **parameters)


# ---------------------------------------------------------------------- scenarios


def test_steps_run_at_their_times_from_the_first_client_on() -> None:
    steps = (
        Step(at_seconds=1.0, do="notice", parameters={"code": 2110}),
        Step(at_seconds=2.0, do="notice", parameters={"code": 2105}, times=3, every_seconds=0.5),
    )
    rig = Rig(Scenario(name="x", step=steps))
    rig.desk.run_for(60.0)
    session = rig.desk.client(1)
    rig.desk.run_for(0.99)
    assert _codes(session) == []
    rig.desk.run_for(0.02)
    assert _codes(session) == [2110]
    rig.desk.run_for(1.0)
    assert _codes(session) == [2105]
    rig.desk.run_for(5.0)
    assert _codes(session) == [2105, 2105]


def test_a_step_waits_for_the_nth_request() -> None:
    step = Step(after_request="REQ_IDS", nth=2, delay_seconds=0.1, do="notice", parameters={"code": 2110})
    rig = Rig(Scenario(name="x", step=(step,)))
    session = rig.desk.client(1)
    session.request(OUT.REQ_IDS, "IdsRequest")
    rig.desk.run_for(1.0)
    assert _codes(session) == []
    session.request(OUT.REQ_IDS, "IdsRequest")
    rig.desk.run_for(0.2)
    session.request(OUT.REQ_IDS, "IdsRequest")
    rig.desk.run_for(1.0)
    assert _codes(session) == [2110]


def test_a_step_that_is_refused_is_logged_and_the_timeline_goes_on() -> None:
    steps = (
        Step(at_seconds=0.0, do="notice", parameters={"code": 2110, "client_id": 9}),
        Step(at_seconds=0.1, do="notice", parameters={"code": 2110}),
    )
    rig = Rig(Scenario(name="x", step=steps))
    session = rig.desk.client(1)
    rig.desk.run_for(1.0)
    assert _codes(session) == [2110]
    log = rig.desk.broker.truth()["scenario"]["log"]
    assert "client 9 is not connected" in log[0]["refused"]
    assert log[1]["do"] == "notice"


def test_a_scenario_file_is_read_with_its_times_and_parameters(tmp_path: Path) -> None:
    path = tmp_path / "flap.toml"
    path.write_text(
        'name = "flap"\nstarts_with = "server"\n'
        '[[step]]\nat_seconds = 5\ndo = "farm_flaps"\nwith = { farm = "market", times = 3 }\n'
        '[[step]]\nafter_request = "PLACE_ORDER"\ndo = "disconnect"\nwith = { how = "rst" }\n'
    )
    scenario = load_scenario(path)
    assert scenario.step[0].at_seconds == 5.0
    assert scenario.step[1].parameters == {"how": "rst"}
    Rig(scenario)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('name = "x"\n[[step]]\ndo = "notice"\n', "either at_seconds or after_request"),
        ('name = "x"\n[[step]]\ndo = "notice"\nat_seconds = 1\nafter_request = "REQ_IDS"\n', "either"),
        ('name = "x"\n[[step]]\ndo = "notice"\nafter_request = "BUY"\n', "BUY"),
        ('name = "x"\n[[step]]\ndo = "notice"\nat_seconds = -1\n', "0 or more"),
        ('name = "x"\ncolour = 1\n', "colour"),
        ("name = \n", "flap.toml"),
    ],
)
def test_a_scenario_file_that_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "flap.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_scenario(path)


def test_a_scenario_with_an_unknown_command_or_parameter_is_refused_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_scenario(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match=r"step\[0\].do"):
        Rig(Scenario(name="x", step=(Step(at_seconds=0.0, do="explode"),)))
    steps = (
        Step(at_seconds=0.0, do="notice", parameters={"code": 1}),
        Step(at_seconds=0.0, do="notice", parameters={"kode": 1}),
    )
    with pytest.raises(ConfigError, match=r"step\[1\].with"):
        Rig(Scenario(name="x", step=steps))


@given(seed=st.integers(0, 2**32), seconds=st.floats(1.0, 600.0), faults=st.integers(0, 40))
def test_a_random_scenario_is_reproducible_valid_and_ends_well(
    seed: int, seconds: float, faults: int
) -> None:
    scenario = random_scenario(seed, seconds=seconds, faults=faults)
    assert scenario == random_scenario(seed, seconds=seconds, faults=faults)
    rig = Rig(scenario)
    rig.desk.client(1)
    rig.desk.run_for(seconds + 10)
    assert rig.desk.broker.failures == []
    assert rig.pipe.is_idle
    assert rig.desk.broker.clock_skew_ns == 0
    last_limits = [value for name, value in rig.wire.calls if name == "write_in_segments"][-1:]
    assert last_limits in ([], [(None, 0.0)])


def test_every_kind_of_random_fault_is_drawn() -> None:
    seeds = range(60)
    drawn = {step.do for seed in seeds for step in random_scenario(seed).step}
    assert {command for _, command, _ in FAULTS.values()} <= drawn
    chance = random.Random(5)
    rig = Rig()
    rig.desk.client(1)
    for _, command, draw in FAULTS.values():
        rig.run(command, **draw(chance))
