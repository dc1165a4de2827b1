"""A symbol is kept when no list and no rule is against it; every reason against it is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.universe import DayStatistics, Universe, UniverseRules, evaluate

DAY = DayStatistics(
    symbol="BAC",
    first_price=Decimal("5.00"),
    last_price=Decimal("6.00"),
    volume_shares=1_000,
    spread_usd=0.01,
    spread_bps=20.0,
    quotes=50,
    trades=10,
    depth_updates=5,
)


def _reasons(rules: UniverseRules, day: DayStatistics = DAY) -> tuple[str, ...]:
    (decision,) = evaluate(Universe(name="test", symbols=("BAC",), rules=rules), {"BAC": day})
    assert decision.kept is (decision.reasons == ())
    return decision.reasons


@pytest.mark.parametrize(
    ("rule", "at_the_limit", "beyond"),
    [
        ("price_usd_min", Decimal("6.00"), Decimal("6.0001")),
        ("price_usd_max", Decimal("6.00"), Decimal("5.9999")),
        ("volume_shares_min", 1_000, 1_001),
        ("trades_min", 10, 11),
        ("quotes_min", 50, 51),
        ("spread_usd_max", Decimal("0.01"), Decimal("0.0099")),
        ("spread_bps_max", Decimal(20), Decimal("19.99")),
    ],
)
def test_a_rule_holds_at_its_limit_and_breaks_beyond(rule: str, at_the_limit: Any, beyond: Any) -> None:
    assert _reasons(UniverseRules(**{rule: at_the_limit})) == ()
    (reason,) = _reasons(UniverseRules(**{rule: beyond}))
    assert reason.startswith(f"{rule}: ")
    assert reason.endswith(f"{beyond:,}")


@pytest.mark.parametrize(
    ("rule", "limit", "missing"),
    [
        ("price_usd_min", Decimal(1), {"last_price": None}),
        ("price_usd_max", Decimal(10), {"last_price": None}),
        ("volume_shares_min", 1, {"volume_shares": None}),
        ("spread_usd_max", Decimal(1), {"spread_usd": None}),
        ("spread_bps_max", Decimal(100), {"spread_bps": None}),
    ],
)
def test_what_is_unknown_breaks_its_rule(rule: str, limit: Any, missing: dict[str, None]) -> None:
    day = msgspec.structs.replace(DAY, **missing)
    (reason,) = _reasons(UniverseRules(**{rule: limit}), day)
    assert reason.startswith(f"{rule}: ")
    assert "unknown" in reason
    assert _reasons(UniverseRules(), day) == ()


def test_depth_can_be_demanded() -> None:
    assert _reasons(UniverseRules(depth_required=True)) == ()
    shallow = msgspec.structs.replace(DAY, depth_updates=0)
    assert _reasons(UniverseRules(depth_required=True), shallow)[0].startswith("depth_required: ")


def test_every_reason_is_named_not_just_the_first() -> None:
    universe = Universe(
        name="test",
        symbols=("BAC",),
        whitelist=frozenset({"F"}),
        prohibited=frozenset({"BAC"}),
        rules=UniverseRules(price_usd_max=Decimal(5), trades_min=100),
    )
    (decision,) = evaluate(universe, {"BAC": DAY})
    assert [reason.split(":")[0] for reason in decision.reasons] == [
        "prohibited",
        "whitelist",
        "price_usd_max",
        "trades_min",
    ]


def test_reasons_read_well() -> None:
    rules = UniverseRules(volume_shares_min=1_000_000, spread_bps_max=Decimal("12.5"))
    assert _reasons(rules) == (
        "volume_shares_min: volume 1,000 shares is below 1,000,000",
        "spread_bps_max: mean spread 20 bps is above 12.5",
    )


def test_a_symbol_without_records_is_dropped_for_that_alone() -> None:
    universe = Universe(name="test", symbols=("BAC", "F"), rules=UniverseRules(price_usd_min=Decimal(1)))
    decisions = evaluate(universe, {"BAC": DayStatistics(symbol="BAC")})
    assert [decision.reasons for decision in decisions] == [
        ("has_data: the catalog has no record of it in this session",)
    ] * 2


def test_without_candidates_every_symbol_of_the_day_is_one() -> None:
    days = {name: msgspec.structs.replace(DAY, symbol=name) for name in ("F", "AIG", "BAC")}
    universe = Universe(name="test", prohibited=frozenset({"AIG"}))
    assert [(d.symbol, d.kept) for d in evaluate(universe, days)] == [
        ("AIG", False),
        ("BAC", True),
        ("F", True),
    ]


symbols = st.sampled_from(["A", "B", "C", "D"])


@given(st.lists(symbols, unique=True), st.frozensets(symbols), st.frozensets(symbols))
def test_kept_symbols_are_candidates_on_the_whitelist_and_not_prohibited(
    candidates: list[str], whitelist: frozenset[str], prohibited: frozenset[str]
) -> None:
    universe = Universe(name="t", symbols=tuple(candidates), whitelist=whitelist, prohibited=prohibited)
    days = {name: msgspec.structs.replace(DAY, symbol=name) for name in "ABCD"}
    kept = [decision.symbol for decision in evaluate(universe, days) if decision.kept]
    assert kept == [name for name in candidates if name in whitelist and name not in prohibited]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"price_usd_min": Decimal(0)}, "price_usd_min is 0, allowed: 0.0001 to 1000000 USD"),
        ({"volume_shares_min": 0}, "volume_shares_min is 0, allowed: 1 to"),
        ({"spread_bps_max": Decimal("NaN")}, "spread_bps_max is NaN, allowed"),
        ({"price_usd_min": Decimal(5), "price_usd_max": Decimal(4)}, "price_usd_min is 5, allowed: at most"),
    ],
)
def test_rules_out_of_bounds_name_themselves(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UniverseRules(**rules)
