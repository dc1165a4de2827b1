"""Drill: the process is killed with SIGKILL while it sends orders and halts; it must restart halted."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from risk.breaker import UNRECONCILED
from risk.breaker_file import BreakerFile
from risk.drills.drill import Check, Drill, equal

KILLS = 3
WAIT_SECONDS_MAX = 30.0

VICTIM = """
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord, DayRecord

file = BreakerFile(Path(sys.argv[1]))
breaker = Breaker.at_start(0).without_cause("unreconciled", 1, reason="drill")
if sys.argv[2] == "halt":
    breaker = breaker.halted(2, by="drill", reason="killed in mid-order")
number = 0
while True:  # an order a turn, each saves the day's result, until the kill
    number += 1
    realized, today = Decimal(-number), date(2024, 3, 5)
    day = DayRecord(day=today, realized_usd=realized, high_usd=Decimal(0), consecutive_losses=1)
    file.save(BreakerRecord(breaker=breaker, day=day), is_durable=number == 1)
    if number == 20:
        print("sending", flush=True)
"""


def _kill_while_sending(path: Path, state: str) -> None:
    """Start a process that saves in a loop, and kill it with SIGKILL once it is under way."""
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, str(path), state], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    try:
        if victim.stdout.readline() != b"sending\n":
            raise RuntimeError("the process to be killed did not start sending")
    finally:
        victim.kill()
        victim.wait(WAIT_SECONDS_MAX)
        victim.stdout.close()


def rehearse() -> list[Check]:
    """Kill a halted and a running process several times each, and restart from their files."""
    halts: list[str] = []
    runs: list[str] = []
    causes: set[tuple[str, ...]] = set()
    has_day = True
    with tempfile.TemporaryDirectory() as folder:
        for number in range(KILLS):
            for state, seen in (("halt", halts), ("run", runs)):
                path = Path(folder) / f"{state}-{number}.json"
                _kill_while_sending(path, state)
                record = BreakerFile(path).load(3)
                seen.append(record.breaker.state)
                causes.add(record.breaker.causes)
                has_day = has_day and record.day is not None and record.day.realized_usd <= -20
    return [
        equal("a HALT survives kill -9", halts, ["HALT"] * KILLS),
        equal("what was running restarts in SAFE_MODE", runs, ["SAFE_MODE"] * KILLS),
        equal("until it is reconciled", causes, {(UNRECONCILED,)}),
        equal("the day's loss survives too", has_day, True),
    ]


DRILL = Drill(
    name="killed-in-mid-order",
    incident="kill -9 while orders are sent and results are saved; then a restart.",
    rehearse=rehearse,
)
