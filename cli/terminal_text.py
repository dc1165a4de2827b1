"""Text that persons or strategies wrote, made fit for a terminal."""

from __future__ import annotations

import os
import re
import shutil
import sys

_BLANK = re.compile(r"\s*[\t\n]\s*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return `text` on one line, with escapes (`\\x1b`) for what moves the cursor or turns text around."""
    return _CONTROL.sub(_escaped, _BLANK.sub(" ", text))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def terminal_columns() -> int | None:
    """Return the width of the terminal; None where standard output goes elsewhere, which has none."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return shutil.get_terminal_size().columns
    return None
