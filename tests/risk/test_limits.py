"""Limits have no defaults, and their bounds hold on construction as on decode."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from risk.limits import OptionLimits, RiskLimits, describe, describe_fields
from tests.risk.limit_cases import LIMITS, OPTION_LIMITS, limits

FIELDS = [name for name in LIMITS.__struct_fields__ if name != "options"]
NUMBERS = [name for name in FIELDS if isinstance(getattr(LIMITS, name), int | Decimal)]
OPTION_FIELDS = list(OPTION_LIMITS.__struct_fields__)


def as_dict(struct: msgspec.Struct) -> dict[str, Any]:
    return dict(msgspec.to_builtins(struct))


@pytest.mark.parametrize("name", FIELDS)
def test_a_limit_has_no_default(name: str) -> None:
    values = as_dict(LIMITS)
    del values[name]
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{name}`"):
        msgspec.convert(values, RiskLimits)


@pytest.mark.parametrize("name", OPTION_FIELDS)
def test_an_option_limit_has_no_default(name: str) -> None:
    values = as_dict(OPTION_LIMITS)
    del values[name]
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{name}`"):
        msgspec.convert(values, OptionLimits)


def test_limits_survive_a_round_trip_and_options_may_be_left_out() -> None:
    assert msgspec.convert(as_dict(LIMITS), RiskLimits) == LIMITS
    values = as_dict(LIMITS)
    del values["options"]
    assert msgspec.convert(values, RiskLimits).options is None


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert(as_dict(LIMITS) | {"max_share_per_order": 1}, RiskLimits)


@pytest.mark.parametrize("name", NUMBERS)
def test_bounds_hold_on_construction(name: str) -> None:
    kind = type(getattr(LIMITS, name))
    for value in (kind(-1), kind(10**13)):
        with pytest.raises(ValueError, match=f"{name} is {value} .*; it must lie between"):
            limits(**{name: value})


@pytest.mark.parametrize("name", OPTION_FIELDS)
def test_option_bounds_hold_on_construction(name: str) -> None:
    kind = type(getattr(OPTION_LIMITS, name))
    with pytest.raises(ValueError, match=f"{name} is 0 "):
        msgspec.structs.replace(OPTION_LIMITS, **{name: kind(0)})


@pytest.mark.parametrize("value", [True, 3.0, "3", None])
def test_a_count_is_a_whole_number(value: object) -> None:
    with pytest.raises(ValueError, match=r"max_positions is .*; give a whole number of symbols"):
        limits(max_positions=value)


@pytest.mark.parametrize("value", [10, 10.0, Decimal("NaN"), Decimal("Infinity"), "10"])
def test_money_is_a_finite_decimal(value: object) -> None:
    with pytest.raises(ValueError, match=r"max_daily_loss_usd is .*; give a number of USD"):
        limits(max_daily_loss_usd=value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"max_shares_per_order": 201},
            "max_shares_per_order is 201, above max_position_shares_per_symbol 200",
        ),
        ({"max_notional_usd_per_order": Decimal(2_001)}, "above max_notional_usd_per_symbol 2000"),
        ({"max_notional_usd_per_symbol": Decimal(5_001)}, "above max_notional_usd_total 5000"),
        (
            {"max_loss_usd_per_trade": Decimal(51)},
            "above max_daily_loss_usd 50; lower the one or raise the other",
        ),
        ({"min_price_usd": Decimal(11)}, "above max_price_usd 10"),
        ({"allowed_symbols": ()}, "allowed_symbols is empty"),
        ({"allowed_symbols": ("f",)}, "allowed_symbols holds 'f'; write symbols in upper case"),
        ({"allowed_symbols": ("F", " GE")}, "allowed_symbols holds ' GE'"),
        ({"allowed_symbols": ("",)}, "allowed_symbols holds ''"),
        ({"allowed_symbols": ["F"]}, "give a list of symbols"),
        ({"prohibited_symbols": (1,)}, "prohibited_symbols is"),
        ({"allowed_symbols": ("F", "GME")}, "GME is both in allowed_symbols and prohibited_symbols"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        limits(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_contracts_per_order": 21}, "above max_contracts_per_leg 20"),
        ({"max_loss_usd_per_spread": Decimal(4_001)}, "above max_loss_usd_per_underlying 4000"),
        ({"max_loss_usd_per_underlying": Decimal(6_001)}, "above max_loss_usd_total 6000"),
    ],
)
def test_option_limits_that_contradict_each_other_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        msgspec.structs.replace(OPTION_LIMITS, **changes)


def test_equal_limits_do_not_contradict_each_other() -> None:
    assert limits(max_shares_per_order=200).max_shares_per_order == 200


def test_every_limit_is_described_with_unit_and_purpose() -> None:
    described = {each.key: each for each in describe(LIMITS)}
    assert set(described) == {*FIELDS, *(f"options.{name}" for name in OPTION_FIELDS)}
    assert all(each.unit and each.guards for each in described.values())
    assert described["max_shares_per_order"].value == "100"
    assert described["prohibited_symbols"].value == "GME"
    assert described["options.max_vega_usd_per_underlying"].unit == "USD per volatility point"
    bare = {each.key: each.value for each in describe(limits(options=None, prohibited_symbols=()))}
    assert (bare["options.max_contracts_per_leg"], bare["prohibited_symbols"]) == (None, "none")
    assert [each.key for each in describe_fields()] == list(described)
    assert all(each.value is None for each in describe_fields())
