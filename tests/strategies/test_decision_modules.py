from __future__ import annotations

from pathlib import Path

import pytest

import strategies
from market.errors import ConfigError
from strategies.decision_modules import DEFAULT_SHELL, decision_names, load_decision
from strategies.harvester.decide import Parameters, decide

PLAIN = """
from strategies.intents import Decision, Hold
from strategies.intraday.parameters import IntradayParameters

class Parameters(IntradayParameters, frozen=True, kw_only=True):
    edge: float = 0.5

def decide(features, holding, parameters):
    return Decision(Hold(), "no_signal")
"""


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user's decisions, searched before the project's own."""
    monkeypatch.setattr(strategies, "__path__", [str(tmp_path), *strategies.__path__])
    return tmp_path


def test_a_folder_is_a_decision_and_may_bring_its_own_shell() -> None:
    module = load_decision("harvester")
    assert (module.decide, module.parameters_type) == (decide, Parameters)
    assert module.strategy_path == "strategies.harvester.strategy:Harvester"


def test_a_single_file_is_a_decision_that_the_shared_shell_runs(user_folder: Path) -> None:
    (user_folder / "plain_idea.py").write_text(PLAIN)
    module = load_decision("plain_idea")
    assert module.strategy_path == DEFAULT_SHELL
    assert module.parameters_type().edge == 0.5  # type: ignore[attr-defined]
    assert "plain_idea" in decision_names()


def test_only_decisions_are_listed() -> None:
    names = decision_names()
    assert "harvester" in names
    assert not {"intents", "intraday", "nautilus_config", "decision_modules"} & set(names)


@pytest.mark.parametrize("name", ["harvestor", "intraday", "../cli", "Harvester", "", "strategies.harvester"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match=r"There is: .*harvester"):
        load_decision(name)


def test_a_file_that_is_no_decision_is_refused(user_folder: Path) -> None:
    (user_folder / "half_idea.py").write_text("def decide(features, holding, parameters): ...\n")
    with pytest.raises(ConfigError, match="needs a function `decide` and a class `Parameters`"):
        load_decision("half_idea")
