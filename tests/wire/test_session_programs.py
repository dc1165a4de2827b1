"""Sessions as real client packages see them: ibapi at every protobuf version and in text, ib_async."""

from __future__ import annotations

import socket
import threading

import pytest

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.faults.notices import notice_text
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.settings import SimulatorSettings
from tests.wire.conftest import START
from tests.wire.ib_async_loop import run
from tests.wire.ibapi_program import Program


@pytest.mark.parametrize("version", [176, 213, 216, 220, 223])
def test_ibapi_starts_at_every_kind_of_server_version(version: int) -> None:
    settings = SimulatorSettings(server_version=version)
    with SimulatorProcess(Launch(start=START, simulator=settings)) as simulator:
        program = Program().begin(simulator.port, 1)
        assert program.serverVersion() == version
        assert program.wait("managedAccounts") == ("DU1234567",)
        program.reqCurrentTime()
        (seconds,) = program.wait("currentTime")
        assert abs(seconds - simulator.client.truth()["market_ns"] // 10**9) <= 2
        program.reqIds(1)
        program.wait("error", lambda *error: error[2] == 2158)
        assert program.error_codes() == []
        program.end()
        assert simulator.client.truth()["failures"] == []


def test_ibapi_is_told_that_its_client_id_is_in_use(simulator: SimulatorProcess) -> None:
    first = Program().begin(simulator.port, 7)
    program = Program()
    with pytest.raises(TimeoutError, match="326"):
        _begin_briefly(program, simulator.port)
    program.end()
    first.reqCurrentTime()
    first.wait("currentTime")
    first.end()


def _begin_briefly(program: Program, port: int) -> None:
    program.connect("127.0.0.1", port, 7)
    program._reader = threading.Thread(target=program.run, daemon=True)
    program._reader.start()
    program.wait("nextValidId", seconds=1.0)


def test_ibapi_learns_that_the_connection_was_reset(simulator: SimulatorProcess) -> None:
    program = Program().begin(simulator.port, 1)
    simulator.client.run("disconnect", how="rst")
    program.wait("connectionClosed")
    program.end()


def test_the_shown_clock_follows_the_skew(simulator: SimulatorProcess) -> None:
    simulator.client.run("clock_skew", seconds=3600.0)
    program = Program().begin(simulator.port, 1)
    program.reqCurrentTime()
    (seconds,) = program.wait("currentTime")
    assert 3590 < seconds - simulator.client.truth()["market_ns"] // 10**9 < 3610
    program.end()


def test_ib_async_speaks_text_to_the_same_port(simulator: SimulatorProcess) -> None:
    from ib_async import IB

    codes: list[int] = []

    async def talk() -> None:
        ib = IB()
        ib.errorEvent += lambda _request, code, _text, _contract: codes.append(code)
        await ib.client.connectAsync("127.0.0.1", simulator.port, 3, 5.0)
        assert ib.client.serverVersion() == 176
        assert ib.client.getAccounts() == ["DU1234567"]
        shown = await ib.reqCurrentTimeAsync()
        assert abs(shown.timestamp() - simulator.client.truth()["market_ns"] / 1e9) < 5
        ib.disconnect()

    run(talk())
    assert codes == [2104, 2106, 2158]


@pytest.mark.parametrize("code", [502, 504, 507, 2103, 2110])
def test_ibapi_hears_a_notice_with_tws_s_own_text(simulator: SimulatorProcess, code: int) -> None:
    program = Program().begin(simulator.port, 1)
    simulator.client.run("notice", code=code)
    heard = program.wait("error", lambda *error: error[2] == code)
    assert heard[0] == -1
    assert heard[3] == notice_text(code)
    program.end()


def test_ibapi_says_502_when_no_tws_listens() -> None:
    with socket.socket() as reserved:  # bound and not listening
        reserved.bind(("127.0.0.1", 0))
        program = Program()
        program.connect("127.0.0.1", reserved.getsockname()[1], 1)
        assert [error[2] for error in program.all("error")] == [502]
