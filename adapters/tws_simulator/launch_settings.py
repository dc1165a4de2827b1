"""What is chosen when a simulated TWS starts, and what it says when it is ready."""

from __future__ import annotations

from datetime import date

import msgspec

from adapters.tws_simulator.settings import SimulatorSettings


class Launch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is chosen at the start.

    `port` and `control_port`: 0 for a free one, None for no control channel. `catalog` and `date`: a
    recorded day (else the synthetic market of `simulator.seed`). `speed`: market seconds per second.
    `start`: the market's time at the start, ISO in New York ("2026-01-02T10:00"), "now", or "" for
    now while the market is open and the last session's 10:00 otherwise. `scenario`: a TOML file, or
    "random:SEED". `record`: a file for every frame.
    """

    port: int = 0
    control_port: int | None = None
    catalog: str | None = None
    date: date | None = None
    speed: float = 1.0
    start: str = ""
    scenario: str | None = None
    record: str | None = None
    simulator: SimulatorSettings = SimulatorSettings()

    def __post_init__(self) -> None:
        for name, port in (("port", self.port), ("control_port", self.control_port)):
            if port is not None and not 0 <= port <= 65535:
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(f"{flag} {port} is no port. Give 0 (a free one) to 65535.")
        if not 0 < self.speed <= 10_000:
            raise ValueError(f"--speed {self.speed:g} must be above 0 and at most 10,000.")
        if (self.catalog is None) != (self.date is None):
            raise ValueError("--catalog and --date belong together. Give both, or neither.")


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is said once the simulator accepts clients."""

    port: int
    control_port: int | None
    market_time: str
    scenario: str | None = None
