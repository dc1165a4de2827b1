"""Scenarios: what goes wrong when, as a typed TOML timeline.

    name = "A flap while an order is working"
    starts_with = "client"            # time counts from the first START_API ("server": from the start)

    [[step]]
    at_seconds = 5.0                  # by time ...
    do = "farm_flaps"
    with = { farm = "market", times = 3 }

    [[step]]
    after_request = "PLACE_ORDER"     # ... or after the nth request of a kind, from any client
    nth = 2
    delay_seconds = 0.1
    do = "disconnect"
    with = { how = "rst" }

`do` is any control command (`docs/reference/tws-scenarios.md`); its parameters are checked when the file
is read. `times` and `every_seconds` repeat a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from adapters.tws_simulator.broker import Broker, decode_parameters
from adapters.tws_simulator.component import Component, ControlCommand
from adapters.tws_simulator.messages import OUT, Message, request_name
from adapters.tws_simulator.session.sessions import Session
from market.errors import ConfigError, NotFoundError

SECOND_NS = 1_000_000_000
STEPS_MAX = 10_000


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One command and when it runs: at a time, or after a request."""

    do: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict, name="with")
    at_seconds: float | None = None
    after_request: str | None = None
    nth: int = 1
    delay_seconds: float = 0.0
    times: int = 1
    every_seconds: float = 1.0

    def __post_init__(self) -> None:
        if (self.at_seconds is None) == (self.after_request is None):
            raise ValueError("give either at_seconds or after_request")
        if self.after_request is not None and not isinstance(getattr(OUT, self.after_request, None), int):
            raise ValueError(f"after_request {self.after_request!r} is no request such as PLACE_ORDER")
        if min(self.at_seconds or 0.0, self.delay_seconds, self.every_seconds) < 0:
            raise ValueError("at_seconds, delay_seconds and every_seconds must be 0 or more")
        if not (self.nth >= 1 and 1 <= self.times <= STEPS_MAX):
            raise ValueError(f"nth must be 1 or more, times 1 to {STEPS_MAX}")


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named timeline. `starts_with`: what second 0 is, the server's start or the first client's."""

    name: str
    description: str = ""
    starts_with: Literal["server", "client"] = "client"
    step: tuple[Step, ...] = ()


def load_scenario(path: Path) -> Scenario:
    """Return the scenario in a TOML file; raises `NotFoundError` and `ConfigError`."""
    if not path.is_file():
        raise NotFoundError(f"There is no scenario {path}. Examples are in docs/reference/tws-scenarios.md.")
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Scenario)
    except (msgspec.DecodeError, ValueError) as problem:
        raise ConfigError(f"{path}: {problem}") from None


def check_scenario(scenario: Scenario, commands: Mapping[str, ControlCommand]) -> None:
    """Raise `ConfigError` when a step's command or its parameters do not exist."""
    for number, step in enumerate(scenario.step):
        command = commands.get(step.do)
        if command is None:
            known = ", ".join(sorted(commands))
            raise ConfigError(f'step[{number}].do is "{step.do}", which is no command. There are {known}.')
        try:
            decode_parameters(step.do, command, step.parameters)
        except ValueError as problem:
            raise ConfigError(f"step[{number}].with: {problem}") from None


class ScenarioPlayer(Component):
    """Runs a scenario's steps on the broker's timers; what a step answered or refused is in `log`.

    Raises `ConfigError` on construction when a step is wrong, so install it last.
    """

    def __init__(self, broker: Broker, scenario: Scenario) -> None:
        super().__init__(broker)
        check_scenario(scenario, broker.commands)
        self.log: list[dict[str, Any]] = []
        self._scenario = scenario
        self._has_started = False
        self._counts: dict[str, int] = {}
        broker.on_request(self._requested)
        if scenario.starts_with == "server":
            self._start()

    def session_started(self, session: Session) -> None:
        """Start the timeline with the first client."""
        del session
        if not self._has_started:
            self._start()

    def truth(self) -> Mapping[str, Any]:
        """Return what the scenario has done so far."""
        return {"scenario": {"name": self._scenario.name, "log": list(self.log)}}

    def _start(self) -> None:
        self._has_started = True
        for number, step in enumerate(self._scenario.step):
            if step.at_seconds is not None:
                self._schedule(number, step, step.at_seconds)

    def _requested(self, _session: Session, message_id: int, _request: Message) -> None:
        name = request_name(message_id)
        count = self._counts[name] = self._counts.get(name, 0) + 1
        for number, step in enumerate(self._scenario.step):
            if step.after_request == name and step.nth == count:
                self._schedule(number, step, step.delay_seconds)

    def _schedule(self, number: int, step: Step, first_seconds: float) -> None:
        for turn in range(step.times):
            delay_ns = round((first_seconds + turn * step.every_seconds) * SECOND_NS)
            self.broker.call_after(delay_ns, lambda: self._run(number, step))

    def _run(self, number: int, step: Step) -> None:
        entry: dict[str, Any] = {"step": number, "do": step.do, "market_ns": self.broker.market_ns}
        try:
            entry["result"] = self.broker.run_command(step.do, step.parameters)
        except ValueError as problem:
            # A client that is gone, an order that is filled: the timeline goes on.
            entry["refused"] = str(problem)
        self.log.append(entry)
