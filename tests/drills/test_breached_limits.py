"""Each limit is breached in the drill, and one that is off by the least amount is noticed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from configs.profile import load_profile
from risk.drills import nautilus_rig
from risk.drills.breach import MAX_STEPS, Breach, Rulings
from risk.drills.drill import Check
from risk.drills.drill_limits import OPTION_LIMITS, SESSION_RULES, limits
from risk.drills.nautilus_breached_limits import BREACHES, RULINGS, breach_all
from risk.drills.wide_limits import WIDE, alone, limit_keys
from risk.limits import RiskLimits
from risk.nautilus_gate import GateSetup, install_gate
from risk.policy import Policy
from risk.rules import ALL_RULES

LISTS = {"allowed_symbols", "prohibited_symbols"}
NUMBERS = sorted({key for breach in BREACHES for key in breach.keys} - LISTS)
WHOLE_DOLLARS = ("loss_usd_per", "loss_usd_total", "vega")
"""Option limits that a contract of 100 shares reaches in steps of a dollar or less."""
PROFILES = sorted((Path(__file__).parents[2] / "configs" / "profiles").glob("*.toml"))


def unmet(checks: list[Check]) -> list[Check]:
    """Return the expectations that were not met."""
    return [check for check in checks if not check.is_met]


def breach_of(key: str) -> Breach:
    """Return the breach of a limit."""
    (breach,) = (each for each in BREACHES if key in each.keys)
    return breach


def changed(risk_limits: RiskLimits, key: str, steps: int) -> RiskLimits:
    """Return the limits with one moved by its least amount, `steps` times."""
    name = key.removeprefix("options.")
    holder: Any = risk_limits.options if key.startswith("options.") else risk_limits
    value = getattr(holder, name)
    unit = 1 if isinstance(value, int) else Decimal("0.01")
    if name == "max_notional_usd_per_symbol":
        unit = Decimal("0.02")  # two shares, a cent each
    if key.startswith("options.") and any(part in name for part in WHOLE_DOLLARS):
        unit = Decimal(1)
    holder = msgspec.structs.replace(holder, **{name: value + steps * unit})
    return holder if key == name else msgspec.structs.replace(risk_limits, options=holder)


def with_gate(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Let the drills' gates be made with other limits than the drill reads."""

    def install(engine: Any, setup: GateSetup) -> Any:
        return install_gate(engine, msgspec.structs.replace(setup, limits=change(setup.limits)))

    monkeypatch.setattr(nautilus_rig, "install_gate", install)


def test_every_rule_and_every_limit_is_breached() -> None:
    assert {rule.name for rule in ALL_RULES} <= {breach.name for breach in BREACHES}
    keys = [key for breach in BREACHES for key in breach.keys]
    assert sorted(keys) == sorted(limit_keys(RULINGS.limits))


@pytest.mark.parametrize("rule", [rule.name for rule in ALL_RULES])
def test_a_rule_that_is_switched_off_is_noticed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(risk_limits: RiskLimits) -> Policy:
        return Policy(risk_limits, rules=tuple(each for each in ALL_RULES if each.name != rule))

    monkeypatch.setattr("risk.nautilus_gate.Policy", without)
    assert all(unmet(breach.rehearse(RULINGS)) for breach in BREACHES if breach.name == rule)


@pytest.mark.parametrize("steps", [-1, 1])
@pytest.mark.parametrize("key", NUMBERS)
def test_a_limit_off_by_the_least_amount_is_noticed(
    key: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    breach = breach_of(key)
    assert unmet(breach.rehearse(RULINGS)) == []
    with_gate(monkeypatch, lambda now: changed(now, key, steps))
    assert unmet(breach.rehearse(RULINGS))


@pytest.mark.parametrize("key", sorted(LISTS))
def test_a_list_of_symbols_that_is_not_obeyed_is_noticed(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"allowed_symbols": ("F", "UNLISTED"), "prohibited_symbols": ()}
    with_gate(monkeypatch, lambda now: msgspec.structs.replace(now, **{key: others[key]}))
    assert unmet(breach_of(key).rehearse(RULINGS))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_the_limits_of_each_shipped_profile_hold(profile: Path) -> None:
    loaded = load_profile(profile, purpose="research").profile
    rulings = Rulings(
        limits=loaded.risk, session_rules=loaded.session, universe=tuple(loaded.universe.symbols)
    )
    assert unmet(breach_all(rulings)) == []


def test_limits_of_one_and_windows_without_trading_can_be_breached_too() -> None:
    small = limits(
        max_position_shares_per_symbol=1, max_shares_per_order=1, max_positions=1,
        min_price_usd=Decimal("0.0001"), min_displayed_shares=1, max_price_from_mid_bps=10_000,
        max_consecutive_losses=1,
        options=msgspec.structs.replace(
            OPTION_LIMITS, max_contracts_per_leg=1, max_contracts_per_order=1, min_displayed_contracts=2
        ),
    )  # fmt: skip
    lunch = msgspec.structs.replace(SESSION_RULES, no_trade_windows=("12:00-13:00",), open_ramp_minutes=0)
    rulings = Rulings(limits=small, session_rules=lunch, universe=RULINGS.universe)
    assert unmet([check for breach in BREACHES for check in breach.rehearse(rulings)]) == []


def test_a_profile_without_options_is_not_asked_for_their_limits() -> None:
    rulings = msgspec.structs.replace(RULINGS, limits=limits(options=None))
    checks = breach_all(rulings)
    assert unmet(checks) == []
    assert not [check for check in checks if "option_loss" in check.expectation]
    assert [check for check in checks if check.expectation.startswith("options_allowed")]


def test_a_limit_too_far_away_to_be_reached_is_not_taken_for_one_that_holds() -> None:
    far = msgspec.structs.replace(RULINGS, limits=limits(max_open_orders=MAX_STEPS + 1))
    (check,) = breach_of("max_open_orders").rehearse(far)
    assert not check.is_met
    assert check.seen.startswith(f"ValueError: max_open_orders is {MAX_STEPS + 1}; a drill sends at most")


def test_a_profile_under_which_nothing_can_be_bought_fails() -> None:
    barred = msgspec.structs.replace(RULINGS, limits=limits(prohibited_symbols=RULINGS.universe))
    (check,) = unmet(breach_all(barred))
    assert check.seen.startswith("symbol_prohibited: F")


def test_one_limit_stands_alone_among_wide_ones() -> None:
    narrow = alone(RULINGS.limits, ("max_position_shares_per_symbol",))
    assert narrow == msgspec.structs.replace(
        WIDE, max_position_shares_per_symbol=200, max_shares_per_order=200
    )
