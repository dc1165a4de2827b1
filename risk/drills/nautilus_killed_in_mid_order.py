"""Drill: live nodes are killed with SIGKILL in the middle of an order, and others start in their place.

Each killed node is a process of its own: a TradingNode behind the gate, with a breaker file. The venue
outlives it, and kills it when an order or a cancel has arrived that it has not answered yet.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from risk.breaker import UNRECONCILED
from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import limits
from risk.drills.nautilus_socket_client import F
from risk.drills.nautilus_socket_node import WAIT_SECONDS_MAX, SocketNode
from risk.drills.socket_venue import Message, SocketVenue
from risk.operator_commands import Halt

Look = Callable[[SocketNode, SocketVenue], Awaitable[list[Check]]]
LIMITS = limits(max_position_shares_per_symbol=100)
VICTIM_SECONDS_MAX = 2 * WAIT_SECONDS_MAX
LAST = "IN-FLIGHT"
"""The order in whose middle the node is killed."""
LOSS_USD = "-0.80"
"""Ten shares bought at the ask and sold at the bid."""
VICTIM = "import sys; from risk.drills.nautilus_killed_in_mid_order import live; live(*sys.argv[1:])"


# -- What the killed nodes do ---------------------------------------------------------------------


async def _trade(node: SocketNode) -> None:
    """Take a loss, hold 20 shares with orders of both sides working, and send one more."""
    node.gate.confirm_reconciled(reason="the drill starts flat")
    await node.send("BUY-1", 30)
    await node.send("SELL-1", -10)
    await node.send("BUY-2", 30, "4.8000")
    await node.send("SELL-2", -10, "5.5000")
    await node.send(LAST, 40, "4.7000")


async def _buy(node: SocketNode) -> None:
    """Buy at the market: filled at the venue, and the node never hears of it."""
    node.gate.confirm_reconciled(reason="the drill starts flat")
    await node.send(LAST, 20)


async def _halt(node: SocketNode) -> None:
    """Hold shares with an order to buy more working, and halt: the cancel is sent and never answered."""
    node.gate.confirm_reconciled(reason="the drill starts flat")
    await node.send("BUY-1", 20)
    await node.send(LAST, 30, "4.8000")
    node.gate.command(Halt(by="Ann", reason="killed in mid-order"))
    await node.until(lambda: not node.node.cache.orders_open())


LIVES: dict[str, tuple[Callable[[SocketNode], Awaitable[None]], str]] = {
    "trading": (_trade, "submit"),
    "buying": (_buy, "submit"),
    "halting": (_halt, "cancel"),
}
"""What a node does, and the message about its last order with whose arrival it is killed."""


def live(life: str, port: str, path: str) -> None:
    """Run the node that is to be killed: the whole of its process."""
    SocketNode(int(port), Path(path), LIMITS).run(LIVES[life][0])


class _Incident:
    """A venue, a node's process that it kills, and the breaker file that is left."""

    def __init__(self, life: str, folder: Path) -> None:
        self.venue = SocketVenue()
        self.venue.on_command = self._kill
        self._path = folder / f"{life}.json"
        self._killed_by = LIVES[life][1]
        self._was_killed = False
        self._victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, life, str(self.venue.port), str(self._path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _kill(self, message: Message) -> None:
        if message.order_id == LAST and message.kind == self._killed_by:
            self.venue.on_command = lambda _message: None
            self._was_killed = True
            self._victim.kill()
            self._victim.wait(WAIT_SECONDS_MAX)
            raise ConnectionResetError("the node is dead")

    def restart(self, look: Look) -> list[Check]:
        """Return what a new node finds; raises RuntimeError when the old one was not killed."""
        try:
            code = self._victim.wait(VICTIM_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the node did not come to its end in {VICTIM_SECONDS_MAX} s") from None
        if not self._was_killed:
            raise RuntimeError(f"the node that was to be killed ended with {code} before its last order")
        return look_into(self.venue, self._path, look)

    def end(self) -> None:
        """End the node's process, if it still runs, and the venue."""
        self._victim.kill()
        self._victim.wait(WAIT_SECONDS_MAX)
        self.venue.close()


# -- What the nodes in their place find -----------------------------------------------------------


async def _after_trading(node: SocketNode, venue: SocketVenue) -> list[Check]:
    account = node.gate.keeper.account
    checks = [
        equal("a killed node restarts in SAFE_MODE", account.breaker.state, "SAFE_MODE"),
        equal("until it is reconciled", account.breaker.causes, (UNRECONCILED,)),
        equal("in it no order opens", await node.send("A-1", 1, "4.8000"), "breaker_state"),
        equal("nor sells more than is left", await node.send("A-2", -11, "5.6000"), "breaker_state"),
        equal("what is left may be sold", await node.send("A-3", -10, "5.6000"), "ACCEPTED"),
    ]
    node.gate.confirm_reconciled(reason="the drill compared them")
    return [
        *checks,
        *_same(node, venue),
        equal("the order in flight works there", LAST in venue.working, True),
        equal("the day's loss goes on", str(account.performance.realized_usd), LOSS_USD),
        equal("reconciled it runs", account.breaker.state, "RUNNING"),
        equal("a share beyond the limit", await node.send("A-4", 11, "4.8000"), "position_per_symbol"),
        equal("the last share within it", await node.send("A-5", 10, "4.8000"), "ACCEPTED"),
        equal("what was refused never left", {"A-1", "A-2", "A-4"} & set(venue.received), set()),
    ]


async def _after_buying(node: SocketNode, venue: SocketVenue) -> list[Check]:
    checks = [
        equal("the venue filled what the node never heard of", venue.position, 20),
        *_same(node, venue),
        equal("no order opens", await node.send("B-1", 1, "4.8000"), "breaker_state"),
        equal("it may be sold", await node.send("B-2", -20), "FILLED"),
    ]
    return [*checks, equal("and nothing is held", venue.position, 0)]


async def _after_halting(node: SocketNode, venue: SocketVenue) -> list[Check]:
    breaker = node.gate.keeper.account.breaker
    node.gate.confirm_reconciled(reason="the drill compared them")
    is_canceled = await node.comes(lambda: not venue.working)
    state = node.gate.keeper.account.breaker.state
    return [
        equal("a HALT survives the kill", (breaker.state, breaker.changed_by), ("HALT", "Ann")),
        equal("reconciliation does not end it", state, "HALT"),
        equal("the opening order is canceled after all", is_canceled, True),
        equal("no order opens", await node.send("C-1", 1, "4.8000"), "breaker_state"),
        *_same(node, venue),
        equal("what is held may be sold", await node.send("C-2", -20), "FILLED"),
    ]


def _same(node: SocketNode, venue: SocketVenue) -> list[Check]:
    """Compare the gate's positions and reservations with what the venue holds."""
    ledger = node.gate.keeper.account.ledger
    counted = {
        order_id: each.committed - each.filled
        for order_id, each in ledger.reservations.items()
        if each.is_open
    }
    works = {order_id: message.quantity for order_id, message in venue.working.items()}
    return [
        equal("the gate holds what the venue holds", ledger.net(F.id.value), venue.position),
        equal("the gate counts what works there", counted, works),
    ]


def look_into(venue: SocketVenue, path: Path, look: Look) -> list[Check]:
    """Return what a new node finds on a venue and a breaker file that another has left."""
    checks: list[Check] = []

    async def script(node: SocketNode) -> None:
        checks.extend(await look(node, venue))

    SocketNode(venue.port, path, LIMITS).run(script)
    return checks


LOOKS: dict[str, Look] = {"trading": _after_trading, "buying": _after_buying, "halting": _after_halting}


def rehearse() -> list[Check]:
    """Start the nodes that will be killed together, then one after the other those in their place."""
    checks: list[Check] = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
        incidents = {}
        for life in LIVES:
            incidents[life] = _Incident(life, Path(name))
            ends.callback(incidents[life].end)
        for life, look in LOOKS.items():
            found = incidents[life].restart(look)
            checks += [Check(f"{life}: {each.expectation}", each.is_met, each.seen) for each in found]
    return checks


DRILL = Drill(
    name="killed-in-mid-order",
    incident="kill -9 while an order, a fill or a halt's cancel is under way; then a restart.",
    rehearse=rehearse,
)
