"""What the runbooks say to type is typed: each block of Python is given to a gate that holds a position."""

from __future__ import annotations

import os
import signal
import typing
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Quantity

from risk.breaker import BreakerState
from risk.operator_commands import OperatorCommand
from risk.records import CommandRecord, RiskRecord
from tests.docs.code_blocks import code_blocks
from tests.risk.nautilus_rig import Rig, Scripted, quotes

STATES = [state.lower().replace("_", "-") for state in typing.get_args(BreakerState)]
F = InstrumentId.from_str("F.SMART")
APART = 4
"""Quotes, each a second, between two blocks."""


def blocks_of(project_root: Path, state: str, *, of_a_signal: bool = False) -> list[str]:
    page = project_root / "docs" / "runbooks" / f"{state}.md"
    found = [block.text for block in code_blocks(page) if block.language == "python"]
    return [text for text in found if ("add_signal_handler" in text) == of_a_signal]


def typed(entries: list[RiskRecord]) -> list[CommandRecord]:
    """Return the records of commands, without those that a flattening adds on its way."""
    commands = [each for each in entries if isinstance(each, CommandRecord)]
    return [each for each in commands if each.command not in ("flatten_start", "flatten_report")]


def follow(blocks: list[str]) -> Rig:
    """Hold ten shares of F and give one block after the other."""
    rig = Rig(data=quotes("F", count=(len(blocks) + 2) * APART))

    def script(strategy: Scripted, number: int) -> None:
        if number == 1:
            strategy.submit_order(strategy.order_factory.market(F, OrderSide.BUY, Quantity.from_int(10)))
        step, rest = divmod(number, APART)
        if rest == 0 and step <= len(blocks):
            exec(blocks[step - 1], {"gate": rig.gate})

    rig.run(Scripted(script))
    return rig


@pytest.mark.parametrize("state", STATES)
def test_what_a_runbook_says_to_type_can_be_typed(project_root: Path, state: str) -> None:
    blocks = blocks_of(project_root, state)
    assert blocks
    rig = follow(blocks)
    assert len(typed(rig.recorder.entries)) == sum(text.count("gate.command(") for text in blocks)
    assert rig.net() == 0  # each page has a way out


def test_the_runbooks_name_every_command_of_an_operator(project_root: Path) -> None:
    text = "".join("".join(blocks_of(project_root, state)) for state in STATES)
    missing = [
        kind.__name__
        for kind in typing.get_args(OperatorCommand)
        if f"gate.command({kind.__name__}(by=" not in text
    ]
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize(("number", "state", "net"), [("SIGUSR1", "HALT", 10), ("SIGUSR2", "RUNNING", 0)])
def test_a_signal_commands_a_node(project_root: Path, number: str, state: str, net: int) -> None:
    from tests.risk.live_rig import LiveRig

    (block,) = blocks_of(project_root, "running", of_a_signal=True)
    rig = LiveRig()
    exec(block, {"gate": rig.gate, "node": rig.node})

    def script(strategy: Scripted, quote: int) -> None:
        if quote == 1:
            strategy.submit_order(strategy.order_factory.market(F, OrderSide.BUY, Quantity.from_int(10)))
        if quote == 10:
            os.kill(os.getpid(), getattr(signal, number))

    rig.run(Scripted(script))
    assert rig.gate.keeper.account.breaker.state == state
    assert rig.net() == net
    (record,) = typed(rig.recorder.entries)
    assert record.reason == number
