"""docs/reference/tws-scenarios.md names every command with every parameter, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from adapters.tws_simulator.assembly import assemble
from adapters.tws_simulator.component import ControlCommand
from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.faults.frame_faults import FrameAction
from adapters.tws_simulator.faults.scenario import Scenario
from adapters.tws_simulator.launch import install_faults
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.settings import SimulatorSettings
from tests.adapters.tws_simulator.test_faults import Rig
from tests.docs.code_blocks import code_blocks


def _commands() -> dict[str, ControlCommand]:
    """Return every command of a simulator with all its parts."""
    settings = SimulatorSettings(contracts=ContractSettings(hours="always"))
    assembled = assemble(Launch(start="2026-01-02T10:00", simulator=settings))
    install_faults(assembled, None)
    return assembled.server.broker.commands


@pytest.fixture
def page(project_root: Path) -> Path:
    return project_root / "docs" / "reference" / "tws-scenarios.md"


COMMANDS = _commands()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_documented_with_its_parameters(page: Path, name: str) -> None:
    text = page.read_text()
    section = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), text)
    assert f"`{name}`" in text
    for field in msgspec.structs.fields(COMMANDS[name].parameters):
        assert re.search(rf"\b{field.encode_name}\b", section), f"{name}.{field.encode_name}"


@pytest.mark.parametrize("action", list(FrameAction))
def test_a_frame_action_is_documented(page: Path, action: FrameAction) -> None:
    assert f"| `{action}` |" in page.read_text()


def test_the_examples_are_scenarios_that_the_simulator_takes(page: Path) -> None:
    examples = [block.text for block in code_blocks(page) if block.language == "toml"]
    assert len(examples) == 2
    for text in examples:
        Rig(msgspec.toml.decode(text, type=Scenario))
