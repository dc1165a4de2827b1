from __future__ import annotations

from typing import Any

import msgspec
import pytest
from nautilus_trader.trading.config import StrategyFactory

from market.errors import ConfigError
from strategies.harvester.strategy import Harvester
from strategies.nautilus_config import importable_strategy, validate_parameters
from tests.strategies.builders import RULES


class Section(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "mine"
    decision: str = "harvester"
    parameters: dict[str, Any] = {}


def importable(section: Section, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "instrument_ids": ["BAC.SMART"],
        "session_rules": RULES,
        "has_depth": False,
        "max_shares_per_order": 10,
    }
    return importable_strategy(section, **(arguments | changes))


def test_nautilus_makes_the_strategy_that_the_section_asks_for() -> None:
    strategy = StrategyFactory.create(importable(Section(parameters={"shares_per_entry": 3})))
    assert isinstance(strategy, Harvester)
    assert str(strategy.id) == "Harvester-mine"
    assert strategy.config.session_rules == RULES
    assert strategy.config.parameters["shares_per_entry"] == 3
    assert strategy.config.instrument_ids == ("BAC.SMART",)


def test_an_entry_size_at_the_order_limit_passes_and_one_more_is_refused() -> None:
    assert importable(Section(parameters={"shares_per_entry": 10}))
    with pytest.raises(
        ConfigError, match=r"strategies\.mine\.parameters\.shares_per_entry is 11, above risk"
    ):
        importable(Section(parameters={"shares_per_entry": 11}))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"imbalance": 0.5}, r"strategies\.harvester\.parameters\.imbalance is not a parameter"),
        ({"imbalance_min": 1.5}, r"strategies\.harvester\.parameters.*imbalance_min.* 1\.5"),
        ({"imbalance_min": "high"}, r"strategies\.harvester\.parameters\.imbalance_min is 'high'"),
        ({"stop_loss_bps": 1.0}, r"strategies\.harvester\.parameters: stop_loss_bps is 1"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_path(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate_parameters("harvester", parameters)


def test_the_path_of_the_message_can_be_given() -> None:
    with pytest.raises(ConfigError, match=r"strategies\[2\]\.parameters\.nonsense"):
        validate_parameters("harvester", {"nonsense": 1}, path="strategies[2].parameters")
