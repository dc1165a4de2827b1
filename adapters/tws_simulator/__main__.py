"""A simulated TWS in a process of its own, started with its `Launch` as JSON; see `control.client`."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from adapters.tws_simulator.launch import serve
from adapters.tws_simulator.launch_settings import Launch, Ready
from market.errors import HarvesterError


def _say(ready: Ready) -> None:
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Serve until told to stop; return the process's exit code."""
    try:
        launch = msgspec.json.decode(arguments[0] if arguments else "{}", type=Launch)
        asyncio.run(serve(launch, ready=_say))
    except (HarvesterError, msgspec.DecodeError, ValueError) as problem:
        sys.stderr.write(f"error: {problem}\n")
        return problem.exit_code if isinstance(problem, HarvesterError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
