"""Starting a simulated TWS: everything chosen, the parts put together, the event loop run."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from pathlib import Path

from adapters.tws_simulator.assembly import Assembled, assemble
from adapters.tws_simulator.control.server import ControlServer
from adapters.tws_simulator.faults.desk import FaultDesk
from adapters.tws_simulator.faults.random_scenario import random_scenario
from adapters.tws_simulator.faults.scenario import Scenario, ScenarioPlayer, load_scenario
from adapters.tws_simulator.launch_settings import Launch, Ready
from market.errors import ConfigError

RANDOM_PREFIX = "random:"


async def serve(launch: Launch, *, ready: Callable[[Ready], None]) -> None:
    """Run a simulator until it is told to stop (control channel, SIGINT or SIGTERM)."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    assembled = assemble(launch)
    server = assembled.server
    control = ControlServer(server, stop=stopping.set)
    scenario = _scenario(launch)
    install_faults(assembled, scenario)
    try:
        port = await server.start(launch.port)
        control_port = None if launch.control_port is None else await control.start(launch.control_port)
        # What was built lives as long as the process; the collector need not look at it again.
        gc.freeze()
        name = scenario.name if scenario else None
        ready(Ready(port=port, control_port=control_port, market_time=assembled.market_time(), scenario=name))
        await stopping.wait()
    finally:
        await control.stop()
        await server.stop()


def install_faults(assembled: Assembled, scenario: Scenario | None) -> None:
    """Install the faults and, last, the scenario; raises `ConfigError` when a step is wrong."""
    server = assembled.server
    desk = FaultDesk(server.broker, wire=server, pipe=server.pipe, subscriptions=assembled.subscriptions)
    server.broker.install(desk)
    if scenario is not None:
        server.broker.install(ScenarioPlayer(server.broker, scenario))


def _scenario(launch: Launch) -> Scenario | None:
    if launch.scenario is None:
        return None
    if launch.scenario.startswith(RANDOM_PREFIX):
        seed = launch.scenario.removeprefix(RANDOM_PREFIX)
        if not seed.isdigit():
            raise ConfigError(f'scenario "{launch.scenario}": give a seed, as in random:7')
        return random_scenario(int(seed))
    return load_scenario(Path(launch.scenario))
