"""Finds a decision by the name that a profile gives it.

A decision is either one file, `strategies/<name>.py`, or a folder, `strategies/<name>/decide.py`. Both
offer `Parameters` (a subclass of `IntradayParameters`) and `decide(features, holding, parameters)`. A
folder may bring its own shell in `strategy.py`; otherwise `IntradayStrategy` runs it.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TypeGuard

import msgspec

import strategies
from market.errors import ConfigError
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.symbol_trader import Decide

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")
DEFAULT_SHELL = "strategies.intraday.strategy:IntradayStrategy"

_DEFINES_DECIDE = re.compile(r"^def decide\(", re.MULTILINE)


class DecisionModule(msgspec.Struct, frozen=True):
    """A decision function, its parameters, and the path of the Nautilus strategy that runs it."""

    decide: Decide
    parameters_type: type[IntradayParameters]
    strategy_path: str


def load_decision(name: str) -> DecisionModule:
    """Return the decision called `name`; raises `ConfigError` that lists what there is if it is none."""
    module_name = _module_name(name)
    if module_name is None:
        raise ConfigError(
            f"Decision {name!r} does not exist under strategies/. There is: {', '.join(decision_names())}. "
            "Correct `decision`, or write it with `harvester new-strategy NAME`."
        )
    module = importlib.import_module(module_name)
    decide, parameters_type = getattr(module, "decide", None), getattr(module, "Parameters", None)
    if not callable(decide) or not _is_parameters(parameters_type):
        raise ConfigError(
            f"{module_name} is not a decision: it needs a function `decide` and a class `Parameters` "
            "that inherits from IntradayParameters. See strategies/README.md."
        )
    return DecisionModule(decide, parameters_type, _strategy_path(name))


def decision_names() -> tuple[str, ...]:
    """Return the names of all decisions, sorted, without importing them."""
    files = [path for folder in _folders() for path in folder.glob("*.py") if _defines_decide(path)]
    packages = [path for folder in _folders() for path in folder.glob("*/decide.py") if _defines_decide(path)]
    return tuple(sorted({path.stem for path in files} | {path.parent.name for path in packages}))


def _module_name(name: str) -> str | None:
    if not NAME_PATTERN.fullmatch(name):
        return None
    if _exists(f"{name}/decide.py"):
        return f"strategies.{name}.decide"
    return f"strategies.{name}" if _exists(f"{name}.py") else None


def _strategy_path(name: str) -> str:
    if not _exists(f"{name}/strategy.py"):
        return DEFAULT_SHELL
    return f"strategies.{name}.strategy:{''.join(word.capitalize() for word in name.split('_'))}"


def _is_parameters(candidate: object) -> TypeGuard[type[IntradayParameters]]:
    return isinstance(candidate, type) and issubclass(candidate, IntradayParameters)


def _defines_decide(path: Path) -> bool:
    return _DEFINES_DECIDE.search(path.read_text(encoding="utf-8")) is not None


def _exists(path: str) -> bool:
    return any((folder / path).is_file() for folder in _folders())


def _folders() -> list[Path]:
    return [Path(folder) for folder in strategies.__path__]
