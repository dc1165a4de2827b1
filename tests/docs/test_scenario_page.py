"""docs/reference/tws-scenarios.md names every fault with every parameter, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from adapters.tws_simulator.component import ControlCommand
from adapters.tws_simulator.faults.desk import FaultDesk
from adapters.tws_simulator.faults.frame_faults import FrameAction
from adapters.tws_simulator.faults.scenario import Scenario
from tests.adapters.tws_simulator.test_faults import Rig
from tests.docs.code_blocks import code_blocks


def _commands() -> dict[str, ControlCommand]:
    rig = Rig()
    desk = FaultDesk(rig.desk.broker, wire=rig.wire, pipe=rig.pipe, subscriptions=None)
    return dict(desk.commands())


@pytest.fixture
def page(project_root: Path) -> Path:
    return project_root / "docs" / "reference" / "tws-scenarios.md"


@pytest.mark.parametrize("name", sorted(_commands()))
def test_a_fault_command_is_documented_with_its_parameters(page: Path, name: str) -> None:
    text = page.read_text()
    section = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), text)
    assert f"`{name}`" in text
    for field in msgspec.structs.fields(_commands()[name].parameters):
        assert re.search(rf"\b{field.encode_name}\b", section), f"{name}.{field.encode_name}"


@pytest.mark.parametrize("action", list(FrameAction))
def test_a_frame_action_is_documented(page: Path, action: FrameAction) -> None:
    assert f"| `{action}` |" in page.read_text()


def test_the_examples_are_scenarios_that_the_simulator_takes(page: Path) -> None:
    examples = [block.text for block in code_blocks(page) if block.language == "toml"]
    assert len(examples) == 2
    for text in examples:
        Rig(msgspec.toml.decode(text, type=Scenario))
