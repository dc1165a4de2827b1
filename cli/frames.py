"""`harvester frames`: what was said on the wire, as people read it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from cli.output import print_json
from market.errors import ConfigError


def command(
    file: Path,
    *,
    name: Annotated[tuple[str, ...], Parameter(name="--name")] = (),
    session: int | None = None,
    limit: int | None = None,
    json: bool = False,
) -> None:
    """Show a recording of frames: time, connection, direction, message and its fields.

    `->` came from a client, `<-` went to it; [3] is the third connection.

    Parameters
    ----------
    file
        A recording of `harvester simulate-tws --record FILE`.
    name
        Only messages with this name, such as PLACE_ORDER; repeat for several.
    session
        Only the connection with this number.
    limit
        Stop after this many.
    json
        Print one JSON object with all frames.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit {limit} must be 1 or more.")
    from adapters.tws_simulator.wire.frame_text import readable_frames

    rows: list[dict[str, Any]] = []
    shown = 0
    for frame in readable_frames(file):
        if (name and frame.name not in name) or (session is not None and frame.session_id != session):
            continue
        shown += 1
        if json:
            rows.append(frame._asdict())
        else:
            sys.stdout.write(frame.line() + "\n")
        if shown == limit:
            break
    if json:
        print_json({"file": str(file), "frames": rows})
