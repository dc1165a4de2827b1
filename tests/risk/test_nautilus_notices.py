"""Where a node shows what a person is told of."""

from __future__ import annotations

from risk.operator_commands import Halt
from tests.risk.nautilus_rig import Rig, scripted


class Log:
    """Stands in for the kernel's logger."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def warning(self, text: str) -> None:
        self.lines.append(("warning", text))

    def error(self, text: str) -> None:
        self.lines.append(("error", text))


def test_the_nodes_log_has_the_halt_as_an_error_and_the_rest_as_warnings() -> None:
    rig = Rig()
    log = rig.gate._log = Log()
    rig.run(scripted({2: lambda _: rig.gate.command(Halt(by="Ann", reason="news"))}))
    levels = [(level, text.split(" by ")[0]) for level, text in log.lines]
    assert levels == [
        ("error", "Risk gate: Breaker RUNNING to HALT"),
        ("warning", "Risk gate: halt"),
    ]
