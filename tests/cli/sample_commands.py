"""Commands that do one thing each, for tests of the table and of the border."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path

from cli.output import print_json, stdout_console
from market.errors import ConfigError, HarvesterError


def reply(amount: int = 1, *, path: Path = Path("x"), json: bool = False) -> None:
    """Reply with what was given.

    Parameters
    ----------
    amount
        How many of them.
    """
    if json:
        print("a stray line")
        print_json({"amount": Decimal(amount), "path": path})
    else:
        print(f"amount {amount}")


def chatter(*, json: bool = False) -> None:
    """Write to the descriptor of standard output, as the engine's Rust log does."""
    os.write(1, b"native log line\n")
    print_json({"ok": True})


def refuse(*, json: bool = False) -> None:
    """Raise a user's error after a half-made reply."""
    if json:
        print_json({"half": "made"})
    raise ConfigError("risk.max_positions is 0, allowed: 1 to 9. Raise it.")


def fail_inside(*, json: bool = False) -> None:
    """Raise what nobody expects."""
    raise ZeroDivisionError("one divided by zero")


def fail_ours(*, json: bool = False) -> None:
    """Raise a failure of the project's own kind."""
    raise HarvesterError("The catalog lost a file while it was read.")


def interrupt(*, json: bool = False) -> None:
    """Behave as if Ctrl-C were pressed."""
    raise KeyboardInterrupt


def partly(*, json: bool = False) -> int:
    """Reply, and say by the exit code that a check failed."""
    if json:
        print_json({"failed": 1})
    return 2


def flood() -> None:
    """Write more than a pipe holds."""
    for _ in range(200_000):
        sys.stdout.write("a line that nobody reads\n")


def flood_of_tables() -> None:
    """Print more than any pipe holds, as a table of a console."""
    console = stdout_console()
    while True:
        console.print("a line that nobody reads")
