from __future__ import annotations

from backtests.outcome import KILL_SWITCH, sender_of
from backtests.run_tables import entry_reasons
from risk.nautilus_kill_switch import TAG
from strategies.intraday.correlation import order_tag


def test_an_order_is_traced_to_its_decision_or_to_the_kill_switch() -> None:
    assert sender_of([order_tag("harvester-BAC-1")]) == "harvester-BAC-1"
    assert sender_of([TAG]) == KILL_SWITCH
    assert sender_of(["by hand"]) is None
    assert sender_of(None) is None


def test_what_the_kill_switch_closed_says_so() -> None:
    assert entry_reasons([])[KILL_SWITCH] == "kill_switch"
