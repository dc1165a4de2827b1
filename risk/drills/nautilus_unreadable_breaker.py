"""Drill: the breaker's file is damaged; the node must start halted, and cancel what could open."""

from __future__ import annotations

import tempfile
from pathlib import Path

from market.errors import UserError
from risk.breaker import UNRECONCILED
from risk.breaker_file import BreakerFile
from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import LIMITS
from risk.drills.nautilus_socket_node import SocketNode
from risk.drills.socket_venue import Message, SocketVenue
from risk.operator_commands import Resume

HELD = 20
OPENING = Message(kind="submit", order_id="EARLIER", side="buy", quantity=30, price="4.8000")
CLOSING = Message(kind="submit", order_id="PROFIT", side="sell", quantity=HELD, price="5.5000")


async def _look(node: SocketNode, venue: SocketVenue, path: Path) -> list[Check]:
    breaker = node.gate.keeper.account.breaker
    checks = [
        equal("a damaged file is a HALT", breaker.state, "HALT"),
        Check("the reason names the file", "breaker.json is damaged" in breaker.reason, breaker.reason),
        equal("no order opens", await node.send("U-1", 1, "4.8000"), "breaker_state"),
    ]
    node.gate.confirm_reconciled(reason="the drill compared them")
    await node.comes(lambda: OPENING.order_id not in venue.working)
    checks.append(
        equal("what could open is canceled, what closes works on", [*venue.working], [CLOSING.order_id])
    )
    try:
        node.gate.command(Resume(by="", reason="hurry"))
        nameless = "resumed"
    except UserError:
        nameless = "refused"
    checks.append(equal("nobody nameless resumes", nameless, "refused"))
    node.gate.supervisor.raise_cause(UNRECONCILED, 0, reason="the connection was lost")
    node.gate.command(Resume(by="Ann", reason="file restored from backup"))
    state = node.gate.keeper.account.breaker.state
    checks.append(equal("a person resumes, into SAFE_MODE while it is not reconciled", state, "SAFE_MODE"))
    checks.append(equal("no order opens in it", await node.send("U-2", 2, "4.8000"), "breaker_state"))
    node.gate.confirm_reconciled(reason="the drill compared them again")
    return [
        *checks,
        equal("reconciled it trades", await node.send("U-3", 3, "4.8000"), "ACCEPTED"),
        equal("and the file can be read", BreakerFile(path).load(0).breaker.changed_by, "restart"),
    ]


def rehearse() -> list[Check]:
    """Start a live node from a torn file, on a venue with a position and working orders; then resume it."""
    checks: list[Check] = []
    venue = SocketVenue(working=(OPENING, CLOSING), position=HELD)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "breaker.json"
        path.write_text('{"breaker": {"state": "RUNN')

        async def script(node: SocketNode) -> None:
            checks.extend(await _look(node, venue, path))

        try:
            SocketNode(venue.port, path, LIMITS).run(script)
        finally:
            venue.close()
    return checks


DRILL = Drill(
    name="unreadable-breaker",
    incident="The breaker's file is torn when the node starts, and orders work at the venue.",
    rehearse=rehearse,
)
