"""The control channel and the process: what a test author meets, mistakes included."""

from __future__ import annotations

import json
import socket
import time

import pytest

from adapters.tws_simulator.control.client import CommandRefused, SimulatorClient, SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from market.errors import HarvesterError


@pytest.fixture(scope="module")
def simulator():  # type: ignore[no-untyped-def]
    with SimulatorProcess(Launch(start="2026-01-02T10:00", scenario="random:7")) as process:
        yield process


def test_commands_are_listed_with_help_and_parameters(simulator: SimulatorProcess) -> None:
    commands = simulator.client.commands()
    assert commands["notice"]["parameters"] == ["code", "text", "request_id", "client_id"]
    assert all(row["help"] for row in commands.values())


def test_a_command_that_does_not_exist_is_refused_with_those_that_do(simulator: SimulatorProcess) -> None:
    with pytest.raises(CommandRefused, match="disconnect"):
        simulator.client.run("explode")


def test_wrong_parameters_are_refused_by_name(simulator: SimulatorProcess) -> None:
    with pytest.raises(CommandRefused, match="kode"):
        simulator.client.run("notice", kode=1)


def test_the_truth_shows_time_sessions_defects_and_the_scenario(simulator: SimulatorProcess) -> None:
    truth = simulator.client.truth()
    assert truth["sessions"] == []
    assert truth["failures"] == []
    assert truth["scenario"]["name"] == "random 7"
    later = simulator.client.wait_for(lambda now: now["market_ns"] > truth["market_ns"])
    assert later["now_ns"] > truth["now_ns"]


def test_the_market_starts_at_the_time_asked_for(simulator: SimulatorProcess) -> None:
    start_ns = 1_767_366_000_000_000_000
    assert 0 <= simulator.client.truth()["market_ns"] - start_ns < 600 * 1_000_000_000


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b"{}\n", b'{"command": 5}\n', b"\xff\xfe\n", b'{"command":"x","y":1}\n']
)
def test_a_line_that_is_no_request_is_answered_and_the_channel_goes_on(
    simulator: SimulatorProcess, line: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", simulator.control_port), timeout=5) as raw:
        file = raw.makefile("rwb")
        file.write(line)
        file.write(b'{"id": 9, "command": "commands"}\n')
        file.flush()
        assert "not a request" in json.loads(file.readline())["error"]
        assert json.loads(file.readline())["id"] == 9


def test_waiting_for_what_does_not_come_ends_with_the_last_truth(simulator: SimulatorProcess) -> None:
    with pytest.raises(TimeoutError, match="market_ns"):
        simulator.client.wait_for(lambda _: False, seconds=0.05)


def test_several_control_clients_are_served_at_once(simulator: SimulatorProcess) -> None:
    with SimulatorClient(simulator.control_port) as first, SimulatorClient(simulator.control_port) as second:
        assert first.truth()["sessions"] == second.truth()["sessions"] == []


def test_a_stopped_simulator_is_gone_and_its_port_free() -> None:
    process = SimulatorProcess()
    port = process.port
    process.stop()
    assert not process.is_running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    with SimulatorProcess(Launch(port=port)) as again:
        assert again.port == port


def test_a_port_in_use_is_named_in_the_error(simulator: SimulatorProcess) -> None:
    with pytest.raises(HarvesterError, match=str(simulator.port)):
        SimulatorProcess(Launch(port=simulator.port))


def test_a_speed_moves_the_market_s_time_and_not_the_real_one() -> None:
    with SimulatorProcess(Launch(start="2026-01-02T10:00", speed=1000.0)) as fast:
        began, before = time.monotonic(), fast.client.truth()
        after = fast.client.wait_for(lambda now: now["now_ns"] - before["now_ns"] > 50_000_000)
        elapsed = time.monotonic() - began
    market, real = (after[name] - before[name] for name in ("market_ns", "now_ns"))
    assert market == pytest.approx(1000 * real, rel=1e-6)
    assert real <= elapsed * 1e9


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"port": 70_000}, "port"),
        ({"speed": 0.0}, "speed"),
        ({"catalog": "x"}, "date"),
        ({"start": "yesterday"}, "2026-01-02T10:00"),
        ({"scenario": "missing.toml"}, "missing.toml"),
        ({"scenario": "random:"}, "random:7"),
    ],
)
def test_a_launch_that_cannot_be_says_why(fields: dict[str, object], why: str) -> None:
    with pytest.raises((HarvesterError, ValueError), match=why):
        SimulatorProcess(Launch(**fields))  # type: ignore[arg-type]
