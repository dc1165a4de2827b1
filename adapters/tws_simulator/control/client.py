"""The control channel from Python, for tests: `SimulatorClient` talks, `SimulatorProcess` also starts.

with SimulatorProcess() as simulator:
    connect_your_client(simulator.port)
    simulator.client.run("disconnect", how="rst")
    assert simulator.client.truth()["failures"] == []
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from adapters.tws_simulator.launch_settings import Launch, Ready
from market.errors import HarvesterError

START_SECONDS_MAX = 30.0
REPLY_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 5.0


class CommandRefused(HarvesterError):  # noqa: N818 - the simulator refuses, which tests expect
    """A control command that does not exist, has wrong parameters or makes no sense now."""


class SimulatorClient:
    """A blocking connection to the control channel of a running simulator."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._socket = socket.create_connection((host, port), timeout=REPLY_SECONDS_MAX)
        self._file = self._socket.makefile("rwb")
        self._number = 0

    def __enter__(self) -> SimulatorClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, command: str, **parameters: Any) -> Any:
        """Run a command and return its result; raises `CommandRefused` with the simulator's reason."""
        self._number += 1
        request = {"id": self._number, "command": command, "parameters": parameters}
        self._file.write(json.dumps(request, default=str).encode() + b"\n")
        self._file.flush()
        line = self._file.readline()
        if not line:
            raise HarvesterError(f"The simulator closed its control channel during {command}.")
        answer = json.loads(line)
        if "error" in answer:
            raise CommandRefused(answer["error"])
        return answer["result"]

    def truth(self) -> dict[str, Any]:
        """Return what the broker knows: sessions, orders, executions, accounts, defects."""
        truth: dict[str, Any] = self.run("truth")
        return truth

    def commands(self) -> dict[str, Any]:
        """Return every command with its help and the names of its parameters."""
        commands: dict[str, Any] = self.run("commands")
        return commands

    def wait_for(
        self, condition: Callable[[dict[str, Any]], bool], *, seconds: float = 10.0
    ) -> dict[str, Any]:
        """Return the truth as soon as `condition(truth)` holds; raises `TimeoutError` with the last one."""
        deadline = time.monotonic() + seconds
        while not condition(truth := self.truth()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds} s: {json.dumps(truth)[:2000]}")
            time.sleep(0.01)
        return truth

    def close(self) -> None:
        """Close the connection; the simulator runs on."""
        self._file.close()
        self._socket.close()


class SimulatorProcess:
    """A simulator in a process of its own, on free ports unless `launch` names them."""

    def __init__(self, launch: Launch | None = None) -> None:
        launch = launch or Launch()
        if launch.control_port is None:
            launch = msgspec.structs.replace(launch, control_port=0)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "adapters.tws_simulator", msgspec.json.encode(launch).decode()],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
        )
        ready = self._ready()
        self.port, control_port = ready.port, ready.control_port
        assert control_port is not None
        self.control_port = control_port
        self.client = SimulatorClient(control_port)

    def __enter__(self) -> SimulatorProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_id(self) -> int:
        """The operating system's id of the simulator."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    def errors(self) -> str:
        """Return what the simulator wrote to standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def stop(self) -> None:
        """End the simulator: by command, then by force."""
        if self.is_running:
            try:
                self.client.run("stop")
                self._process.wait(STOP_SECONDS_MAX)
            except (OSError, HarvesterError, subprocess.TimeoutExpired):
                self._process.kill()
        self._process.wait()
        self.client.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ready(self) -> Ready:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(START_SECONDS_MAX)
            raise HarvesterError(f"The simulated TWS did not start: {self.errors()[-2000:]}")
        return msgspec.json.decode(line, type=Ready)


def _environment() -> dict[str, str]:
    """Return this process's environment with this checkout importable, wherever the caller stands."""
    checkout = str(Path(__file__).resolve().parents[3])
    paths = [checkout, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
