"""`harvester simulate-tws`: a TWS on this machine that needs no account."""

from __future__ import annotations

import asyncio
from datetime import date as Date  # noqa: N812 - a parameter is named date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json, stderr_console
from market.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from adapters.tws_simulator.launch_settings import Launch, Ready


def command(
    *,
    port: int = 7497,
    control_port: int | None = None,
    catalog: Path | None = None,
    date: Date | None = None,
    synthetic: Annotated[int | None, Parameter(name="--synthetic")] = None,
    speed: float = 1.0,
    start: str = "",
    scenario: str | None = None,
    server_version: int | None = None,
    account: Annotated[tuple[str, ...], Parameter(name="--account", negative="")] = (),
    record: Path | None = None,
    read_only: Annotated[bool | None, Parameter(negative="")] = None,
    master_client_id: int | None = None,
    settings: Path | None = None,
    json: bool = False,
) -> None:
    """Serve the TWS protocol on 127.0.0.1, to try a client without an account.

    Point your client at the port as if TWS were there. Prices come from a recorded day of a catalog or
    from the synthetic market; orders fill against them; nothing leaves this machine. Stops on Ctrl-C.

    Parameters
    ----------
    port
        The port for clients, TWS's paper port by default; 0 chooses a free one. A `dev` profile of ours
        connects to ports 17000 to 17999 only.
    control_port
        The port of the control channel (JSON lines); 0 chooses a free one. Without it there is none.
    catalog
        A catalog whose recorded day is replayed; needs --date.
    date
        The day to replay, as 2013-10-07.
    synthetic
        The seed of the synthetic market, when no catalog is given.
    speed
        Seconds of market time per second.
    start
        The market's time at the start, in New York: 2026-01-02T10:00, or "now". By default now while
        the market is open, else 10:00 of the last session; a recorded day starts a minute before its
        opening.
    scenario
        A TOML file of faults, or random:SEED.
    server_version
        223 (the default) down to 213 speak protobuf, 176 text. Older clients are given 176 by themselves.
    account
        An account, DU1234567 by default; repeat for several.
    record
        A file for every frame in both directions; read it with `harvester frames`.
    read_only
        Refuse orders with error 321, as TWS does with its read-only API.
    master_client_id
        The client that sees every client's orders.
    settings
        A TOML file with any setting of the simulator by section (session, contracts, market_data, orders,
        account); options given here win.
    json
        Say the ports as one JSON object when the simulator is stopped.
    """
    if catalog is not None and synthetic is not None:
        raise ConfigError("Give --catalog with --date, or --synthetic, not both.")
    launch = _launch(
        port=port,
        control_port=control_port,
        catalog=str(catalog) if catalog else None,
        date=date,
        speed=speed,
        start=start,
        scenario=scenario,
        record=str(record) if record else None,
        simulator=_settings(
            settings,
            {"server_version": server_version, "seed": synthetic},
            {
                "accounts": account or None,
                "is_read_only": read_only,
                "master_client_id": master_client_id,
            },
        ),
    )
    from adapters.tws_simulator.launch import serve

    said: list[Ready] = []

    def ready(now: Ready) -> None:
        said.append(now)
        _announce(now)

    asyncio.run(serve(launch, ready=ready))
    if json and said:
        print_json(said[0])


def _settings(path: Path | None, chosen: dict[str, object], session: dict[str, object]) -> dict[str, object]:
    """Return the settings of a file with the chosen ones over them; None is not chosen."""
    import tomllib

    settings: dict[str, object] = {}
    if path is not None:
        if not path.is_file():
            raise NotFoundError(f"There are no settings {path}.")
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{path}: {problem}") from None
    given = settings.get("session", {})
    if not isinstance(given, dict):
        raise ConfigError(f"{path}: session must be a section, [session].")
    over = {name: value for name, value in session.items() if value is not None}
    settings |= {name: value for name, value in chosen.items() if value is not None}
    return {**settings, "session": {**given, **over}}


def _launch(**fields: object) -> Launch:
    import msgspec

    from adapters.tws_simulator.launch_settings import Launch

    try:
        return msgspec.convert(fields, Launch, strict=False)
    except (msgspec.ValidationError, ValueError) as problem:
        text, _, place = str(problem).partition(" - at `$.simulator")
        key = place.strip("`.")  # of the settings file; empty for what an option chose
        raise ConfigError(f"{key}: {text}" if key else text) from None


def _announce(ready: Ready) -> None:
    console = stderr_console()
    console.print(f"Simulated TWS on 127.0.0.1:{ready.port}, market time {ready.market_time}.")
    if ready.control_port is not None:
        console.print(f"Control channel on 127.0.0.1:{ready.control_port}.")
    if ready.scenario is not None:
        console.print(f"Scenario: {ready.scenario}.")
    console.print("Stop with Ctrl-C.")
