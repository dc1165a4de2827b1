"""From a profile's `[[strategies]]` section to the configuration that Nautilus imports a strategy by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from market.errors import ConfigError
from market.session_windows import SessionRules
from strategies.decision_modules import load_decision
from strategies.intraday.parameters import IntradayParameters

if TYPE_CHECKING:
    from nautilus_trader.trading.config import ImportableStrategyConfig

CONFIG_PATH = "strategies.intraday.strategy:IntradayConfig"


class StrategySection(Protocol):
    """What is needed of a profile's section."""

    @property
    def name(self) -> str:
        """Unique among the strategies of the profile."""

    @property
    def decision(self) -> str:
        """File or folder under strategies/."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Fields of the decision's `Parameters`."""


def validate_parameters(name: str, parameters: Mapping[str, Any], *, path: str | None = None) -> None:
    """Raise `ConfigError` unless `parameters` are those of the decision called `name`.

    `path` is where they stand in the profile, for the message; by default
    `strategies.<name>.parameters`.
    """
    parsed_parameters(name, parameters, path=path or f"strategies.{name}.parameters")


def parsed_parameters(decision: str, parameters: Mapping[str, Any], *, path: str) -> IntradayParameters:
    """Return `parameters` as the decision's own `Parameters`; raises `ConfigError`, see above."""
    parameters_type = load_decision(decision).parameters_type
    known = sorted(field.name for field in msgspec.structs.fields(parameters_type))
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ConfigError(
            f"{path}.{unknown[0]} is not a parameter of {decision!r}. It has: {', '.join(known)}."
        )
    try:
        return msgspec.convert(dict(parameters), parameters_type)
    except msgspec.ValidationError as error:
        raise ConfigError(_message(error, parameters, path)) from None


def _message(error: msgspec.ValidationError, parameters: Mapping[str, Any], path: str) -> str:
    what, _, where = str(error).partition(" - at `$.")
    field = where.rstrip("`")
    if not field:  # a relation or a bound that the class checked itself; it names the fields
        return f"{path}: {what}"
    return f"{path}.{field} is {parameters.get(field)!r}: {what}. Correct it in the profile."


def importable_strategy(
    section: StrategySection,
    *,
    instrument_ids: Sequence[str],
    session_rules: SessionRules,
    has_depth: bool,
    max_shares_per_order: int,
) -> ImportableStrategyConfig:
    """Return Nautilus' importable configuration of the strategy of `section`.

    Raises `ConfigError` for parameters that are not the decision's and for an order size above
    `max_shares_per_order` shares, the profile's `risk.max_shares_per_order`.
    """
    from nautilus_trader.trading.config import ImportableStrategyConfig

    path = f"strategies.{section.name}.parameters"
    parameters = parsed_parameters(section.decision, section.parameters, path=path)
    if parameters.shares_per_entry > max_shares_per_order:
        raise ConfigError(
            f"{path}.shares_per_entry is {parameters.shares_per_entry}, above risk.max_shares_per_order "
            f"({max_shares_per_order}). Lower the one or raise the other."
        )
    return ImportableStrategyConfig(
        strategy_path=load_decision(section.decision).strategy_path,
        config_path=CONFIG_PATH,
        config={
            "order_id_tag": section.name,
            "decision": section.decision,
            "instrument_ids": list(instrument_ids),
            "parameters": msgspec.to_builtins(parameters),
            "session_rules": msgspec.to_builtins(session_rules),
            "has_depth": has_depth,
            "max_shares_per_order": max_shares_per_order,
            # Every decision is recorded; Nautilus would format each event as text even when nobody reads it.
            "log_events": False,
            "log_commands": False,
        },
    )
