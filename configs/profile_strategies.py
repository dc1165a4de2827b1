"""A strategy section's parameters against the `Parameters` of its decision module, defaults filled in.

Only the pure decision module is imported, never Nautilus.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import msgspec

from configs.profile_decoding import find_problems
from configs.profile_problems import Problem
from configs.profile_sections import StrategySection
from market.errors import ConfigError
from risk.limits import RiskLimits
from strategies.decision_modules import decision_names, load_decision


def resolve_parameters(section: StrategySection, *, path: str) -> tuple[msgspec.Struct | None, list[Problem]]:
    """Return the section's parameters as its strategy's own type, or the problems at `path`."""
    parameters_type, problems = _parameters_type(section.decision, path)
    if parameters_type is None:
        return None, problems
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


def _parameters_type(decision: str, path: str) -> tuple[type[msgspec.Struct] | None, list[Problem]]:
    key = f"{path}.decision"
    names = decision_names()
    if decision not in names:
        close = get_close_matches(decision, names, n=1)
        meant = f". Did you mean {close[0]!r}?" if close else ""
        return None, [Problem(key, f"is {decision!r}, allowed: {', '.join(names)}{meant}")]
    try:
        return load_decision(decision).parameters_type, []
    except ConfigError as error:
        return None, [Problem(key, f"is {decision!r}: {error}")]
    except Exception as error:  # noqa: BLE001 - the module is the user's own code, anything may go wrong
        return None, [
            Problem(key, f"is {decision!r}, which fails to import: {type(error).__name__}: {error}")
        ]
