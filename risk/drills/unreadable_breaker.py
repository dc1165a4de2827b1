"""Drill: the file that keeps the breaker is damaged; the node must start halted."""

from __future__ import annotations

import tempfile
from pathlib import Path

from risk.breaker import NotResumableError
from risk.breaker_file import BreakerFile
from risk.drills.drill import Check, Drill, equal


def rehearse() -> list[Check]:
    """Start from a torn file, then resume without and with a person's name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "breaker.json"
        path.write_text('{"breaker": {"state": "RUNN')
        breaker = BreakerFile(path).load(1).breaker
    try:
        breaker.resumed(2, by="", reason="hurry")
        nameless = "resumed"
    except NotResumableError:
        nameless = "refused"
    resumed = breaker.resumed(3, by="Ann", reason="file restored from backup")
    return [
        equal("a damaged file is a HALT", breaker.state, "HALT"),
        Check("the reason names the file", "breaker.json is damaged" in breaker.reason, breaker.reason),
        equal("nobody nameless resumes", nameless, "refused"),
        equal("a person resumes into SAFE_MODE, not reconciled yet", resumed.state, "SAFE_MODE"),
    ]


DRILL = Drill(
    name="unreadable-breaker",
    incident="The breaker's file is torn when the node starts.",
    rehearse=rehearse,
)
