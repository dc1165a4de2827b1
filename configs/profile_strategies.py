"""A strategy section's parameters against the `Parameters` of its decision module, defaults filled in.

Only the pure modules are imported (`strategies.NAME`, `strategies.NAME.config`), never Nautilus.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

import msgspec

import strategies
from configs.profile_decoding import find_problems
from configs.profile_problems import Problem
from configs.profile_sections import StrategySection
from risk.limits import RiskLimits

SHARED_MODULES = frozenset({"intents", "intraday", "intents_to_orders", "nautilus_config"})
"""Modules of `strategies/` that are not strategies."""


def resolve_parameters(section: StrategySection, *, path: str) -> tuple[msgspec.Struct | None, list[Problem]]:
    """Return the section's parameters as its strategy's own type, or the problems at `path`."""
    parameters_type, problem = _parameters_type(section.decision, path)
    if parameters_type is None:
        return None, [problem] if problem else []
    problems = list(find_problems(section.parameters, parameters_type, f"{path}.parameters"))
    return (None, problems) if problems else (msgspec.convert(section.parameters, parameters_type), [])


def limit_contradictions(parameters: msgspec.Struct, limits: RiskLimits, *, path: str) -> Iterator[Problem]:
    """Yield what a strategy would always be refused for."""
    shares = getattr(parameters, "shares_per_entry", None)
    if isinstance(shares, int) and shares > limits.max_shares_per_order:
        yield Problem(
            f"{path}.parameters.shares_per_entry",
            f"is {shares}, allowed: at most risk.max_shares_per_order, {limits.max_shares_per_order}",
        )


def strategy_names() -> list[str]:
    """Return the strategies that exist: folders and modules of `strategies/`."""
    found = (module.name for module in pkgutil.iter_modules(strategies.__path__))
    return sorted(name for name in found if name not in SHARED_MODULES)


def _parameters_type(decision: str, path: str) -> tuple[type[msgspec.Struct] | None, Problem | None]:
    key = f"{path}.decision"
    names = strategy_names()
    if decision not in names:
        close = get_close_matches(decision, names, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        return None, Problem(key, f"is {decision!r}, allowed: {', '.join(names) or 'none exist'}.{meant}")
    module = f"strategies.{decision}"
    try:
        if find_spec(f"{module}.config") is not None:
            module = f"{module}.config"
    except ModuleNotFoundError:  # a single file, not a folder
        pass
    try:
        found = import_module(module).Parameters
    except Exception as error:  # noqa: BLE001 - the module is the user's own code, anything may go wrong
        return None, Problem(key, f"is {decision!r}, whose {module} fails: {type(error).__name__}: {error}")
    return found, None
