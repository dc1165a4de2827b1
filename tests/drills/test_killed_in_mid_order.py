"""What a killed node leaves is found by the next, and the drill notices when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.drills import nautilus_killed_in_mid_order as drill
from risk.drills import nautilus_socket_node
from risk.drills.nautilus_killed_in_mid_order import LAST, LIVES, LOOKS, look_into
from risk.drills.nautilus_socket_node import SocketNode
from risk.drills.socket_venue import Message, SocketVenue
from risk.gatekeeper import Gatekeeper
from risk.limits import RiskLimits
from risk.performance import Performance
from risk.policy import Policy
from risk.rules import ALL_RULES
from risk.supervisor import Supervisor


class Left:
    """What a node leaves that lives to its end in this process: its venue and its breaker file."""

    def __init__(self, life: str, folder: Path) -> None:
        self.life = life
        self.venue = SocketVenue()
        self.path = folder / "breaker.json"
        drill.live(life, str(self.venue.port), str(self.path))
        if life == "halting":  # as if the cancel had been lost
            self.venue.working[LAST] = Message(
                kind="submit", order_id=LAST, side="buy", quantity=30, price="4.8000"
            )

    def missed(self) -> list[str]:
        """Return the expectations that the next node does not meet."""
        checks = look_into(self.venue, self.path, LOOKS[self.life])
        return [check.expectation for check in checks if not check.is_met]


@pytest.fixture
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Left]:
    found = Left(request.param, tmp_path)
    yield found
    found.venue.close()


@pytest.mark.parametrize("left", LIVES, indirect=True)
def test_a_node_finds_what_another_left(left: Left) -> None:
    assert left.missed() == []


@pytest.mark.parametrize("left", ["halting"], indirect=True)
def test_a_halt_that_is_not_read_is_noticed(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        BreakerFile, "load", lambda self, now_ns: BreakerRecord(breaker=Breaker.at_start(now_ns))
    )
    assert "a HALT survives the kill" in left.missed()


@pytest.mark.parametrize("left", ["halting"], indirect=True)
def test_an_opening_order_left_working_in_halt_is_noticed(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SocketNode, "comes", _at_once)
    monkeypatch.setattr(Supervisor, "enforce_halt", lambda *_: None)
    assert "the opening order is canceled after all" in left.missed()


@pytest.mark.parametrize("left", ["trading"], indirect=True)
def test_a_day_that_is_not_restored_is_noticed(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Performance, "restore", lambda *_, **__: None)
    assert left.missed() == ["the day's loss goes on"]


@pytest.mark.parametrize("left", ["trading"], indirect=True)
def test_orders_that_are_not_taken_over_are_noticed(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gatekeeper, "adopt_order", lambda *_, **__: None)
    missed = left.missed()
    assert "nor sells more than is left" in missed
    assert "the gate counts what works there" in missed
    assert "a share beyond the limit" in missed


@pytest.mark.parametrize(
    ("rule", "expectation"),
    [("breaker_state", "in it no order opens"), ("position_per_symbol", "a share beyond the limit")],
)
@pytest.mark.parametrize("left", ["trading"], indirect=True)
def test_a_rule_that_is_switched_off_is_noticed(
    left: Left, rule: str, expectation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(limits: RiskLimits) -> Policy:
        return Policy(limits, rules=tuple(each for each in ALL_RULES if each.name != rule))

    monkeypatch.setattr("risk.nautilus_gate.Policy", without)
    assert expectation in left.missed()


def test_the_drill_fails_when_a_node_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "VICTIM", "pass")
    assert drill.DRILL.run().error == (
        "RuntimeError: the node that was to be killed ended with 0 before its last order"
    )


def test_the_drill_fails_when_a_node_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "VICTIM", "import threading; threading.Event().wait(60)")
    monkeypatch.setattr(drill, "VICTIM_SECONDS_MAX", 0.2)
    assert drill.DRILL.run().error == "RuntimeError: the node did not come to its end in 0.2 s"


def test_a_node_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(node: SocketNode) -> None:
        monkeypatch.setattr(nautilus_socket_node, "WAIT_SECONDS_MAX", 0.01)
        await node.until(lambda: False)

    venue = SocketVenue()
    with pytest.raises(TimeoutError, match=r"has not come after 0\.01 s"):
        SocketNode(venue.port, tmp_path / "breaker.json", drill.LIMITS).run(wait)
    venue.close()


async def _at_once(_node: object, condition: object) -> bool:
    assert callable(condition)
    return bool(condition())
