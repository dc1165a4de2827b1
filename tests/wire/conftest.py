"""One simulated TWS in a process of its own for a module's tests; faults end with each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch

START = "2026-01-02T10:00"
"""A Friday in the regular session: what is tested must not depend on the day it is tested."""


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[SimulatorProcess]:
    """A simulator that lives as long as a module's tests."""
    with SimulatorProcess(Launch(start=START)) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The module's simulator, without faults, and without a defect of its own after the test."""
    yield shared_simulator
    client = shared_simulator.client
    for command in ("end_frame_faults", "accept_connections", "thaw"):
        client.run(command)
    client.run("segments")
    client.run("slow_reading", bytes_per_second=None)
    client.run("clock_skew", seconds=0.0)
    client.run("disconnect", how="rst")
    truth = client.wait_for(lambda truth: truth["sessions"] == [])
    assert truth["failures"] == []
