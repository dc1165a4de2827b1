"""Sections hold their bounds however they are made: from TOML, and in Python."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import Profile
from configs.profile_fields import (
    Section,
    allowed,
    bare_type,
    limits_of,
    meaning_of,
    problem_with,
    setting,
    shown,
)
from configs.profile_sections import (
    Backtest,
    Broker,
    Fees,
    Logging,
    Secrets,
    StrategySection,
    UniverseSection,
)
from risk.limits import RiskLimits
from tests.configs.profile_builder import load, valid_tables

VALID: dict[type[Section], dict[str, Any]] = {
    Backtest: {"starting_balance_usd": Decimal(1000)},
    Broker: {},
    Fees: {"schedule": "ib_fixed"},
    Logging: {},
    Secrets: {},
    StrategySection: {"name": "one", "decision": "harvester"},
    UniverseSection: {"symbols": ("F",)},
}
NUMBERS = [
    (section, field.name)
    for section in VALID
    for field in msgspec.structs.fields(section)
    if bare_type(field.type) in (int, float, Decimal)
]


def _type_of(section: type[Section], name: str) -> Any:
    return next(field.type for field in msgspec.structs.fields(section) if field.name == name)


@pytest.mark.parametrize(("section", "name"), NUMBERS)
def test_every_number_has_two_bounds_that_hold_on_construction(section: type[Section], name: str) -> None:
    limits = limits_of(_type_of(section, name))
    number = bare_type(_type_of(section, name))
    assert limits.at_least is not None
    assert limits.at_most is not None
    step = Decimal(1) if number is int else Decimal("0.01")
    for value in (limits.at_least, limits.at_most):
        made = section(**{**VALID[section], name: number(value)})
        assert getattr(made, name) == value
    for value in (limits.at_least - step, limits.at_most + step):
        with pytest.raises(ValueError, match=f"{name} is .*, allowed: a .*number from"):
            section(**{**VALID[section], name: number(value)})


@pytest.mark.parametrize(("section", "name"), NUMBERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), True, "many", (), b"1"])
def test_no_number_accepts_what_is_none(section: type[Section], name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} is "):
        section(**{**VALID[section], name: value})


@pytest.mark.parametrize("section", VALID)
def test_every_field_says_what_it_means(section: type[Section]) -> None:
    for field in msgspec.structs.fields(section):
        assert meaning_of(field.type).endswith("."), f"{section.__name__}.{field.name}"


def test_construction_names_every_wrong_field() -> None:
    with pytest.raises(ValueError, match=r"starting_balance_usd is 1, .*; latency_ms is -1"):
        Backtest(starting_balance_usd=Decimal(1), latency_ms=-1)


def test_equal_values_of_another_type_make_equal_sections() -> None:
    plain = Backtest(starting_balance_usd=1000, latency_ms=5, start="2013-10-07")  # type: ignore[arg-type]
    exact = Backtest(starting_balance_usd=Decimal(1000), latency_ms=5.0, start=date(2013, 10, 7))
    assert plain == exact
    assert isinstance(plain.starting_balance_usd, Decimal)
    assert UniverseSection(symbols=["F"]) == UniverseSection(symbols=("F",))  # type: ignore[arg-type]


@pytest.mark.parametrize("symbol", ["BAC", "F", "BRK.B", "ZVZZT", "B2"])
def test_a_ticker_is_a_symbol(symbol: str) -> None:
    assert UniverseSection(symbols=(symbol,)).symbols == (symbol,)


@pytest.mark.parametrize("symbol", ["", "bac", "BAC ", "BAC.SMART", "BRK B", "2B", "BAC\n", "../X", "B*"])
def test_anything_else_is_no_symbol(symbol: str) -> None:
    with pytest.raises(ValueError, match="symbols is"):
        UniverseSection(symbols=(symbol,))


@pytest.mark.parametrize("account", ["U1234567", "DU1234567", "DF12345", "F12345"])
def test_an_account_number_is_accepted(account: str) -> None:
    assert Broker(account=account).account == account


@pytest.mark.parametrize("account", ["", "1234567", "u1234567", "U12 34567", "DUU123456", "U1234567\n"])
def test_anything_else_is_no_account(account: str) -> None:
    with pytest.raises(ValueError, match="account is"):
        Broker(account=account)


def test_a_profile_made_in_python_is_checked_like_one_that_is_read(tmp_path: Path) -> None:
    profile = load(tmp_path, valid_tables()).profile
    with pytest.raises(ValueError, match=r"broker\.port is 4001"):
        msgspec.structs.replace(profile, broker=Broker(port=4001))
    limits = msgspec.structs.replace(profile.risk, prohibited_symbols=("GME",))
    with pytest.raises(ValueError, match="'GME', which risk"):
        msgspec.structs.replace(profile, universe=UniverseSection(symbols=("GME",)), risk=limits)


def test_no_limit_has_a_default() -> None:
    defaulted = [field.name for field in msgspec.structs.fields(RiskLimits) if not field.required]
    assert defaulted == ["options"]
    risk = next(field for field in msgspec.structs.fields(Profile) if field.name == "risk")
    assert risk.required


def test_bounds_of_limits_and_of_parameters_are_read_like_those_of_sections() -> None:
    from strategies.harvester.config import Parameters

    limit = next(f.type for f in msgspec.structs.fields(RiskLimits) if f.name == "max_orders_per_second")
    assert allowed(limit) == "a whole number from 1 to 45 orders per second"
    fraction = next(f.type for f in msgspec.structs.fields(Parameters) if f.name == "imbalance_min")
    assert allowed(fraction) == "a number from 0 to 1"
    assert problem_with(1.01, fraction) == "is 1.01, allowed: a number from 0 to 1"


@pytest.mark.parametrize(
    ("field_type", "words"),
    [
        (Annotated[int, setting("x", at_least=1)], "a whole number of at least 1"),
        (Annotated[float, setting("x", at_most=2, unit="ms")], "a number of at most 2 ms"),
        (Annotated[str, setting("x", pattern="[a-z]+")], "text matching [a-z]+"),
        (Annotated[str | None, setting("x", example="a")], "text such as a"),
        (Literal["a"] | tuple[str, ...], "'a' or a list, each text"),
        (Decimal | None, "a number"),
        (dict[str, int], "a table"),
        (bool, "true or false"),
    ],
)
def test_what_is_allowed_is_said_in_words(field_type: Any, words: str) -> None:
    assert allowed(field_type) == words


@given(st.text(max_size=300) | st.integers() | st.lists(st.integers(), max_size=100))
def test_a_shown_value_is_short_and_on_one_line(value: object) -> None:
    assert len(shown(value)) <= 60
    assert "\n" not in shown(value)
