"""Each rule at its limit, one beyond, and with its data missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from market.time import NS_PER_MINUTE
from risk.decision import Approved, Breach, Refused
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.policy import Policy
from risk.rules import ALL_RULES
from risk.rules.rule import MissingLimitError, Rule
from risk.snapshot import Snapshot
from tests.risk.limit_cases import LIMITS, OPTION_LIMITS, SESSION_RULES, limits
from tests.risk.rule_cases import CASES, DAY, FINE, at_risk, puts, seen, shares, wide
from tests.risk.table_market import NOW_NS, quote

RULES = {rule.name: rule for rule in ALL_RULES}
IDS = [f"{case[0]}-{number}" for number, case in enumerate(CASES)]


WITHOUT_OPTIONS = Refused(
    rule="options_allowed",
    value="an order of SPYCP100.SMART",
    limit="no [risk.options] in the profile",
    advice="Add it to trade options.",
)


def _decide(rule: Rule, intent: OrderIntent, snapshot: Snapshot) -> Approved[OrderIntent] | Refused:
    return Policy(LIMITS, rules=(rule,)).decide(intent, snapshot)


@pytest.mark.parametrize(("name", "allowed", "beyond", "missing"), CASES, ids=IDS)
def test_a_rule_passes_its_limit_and_refuses_one_beyond_and_the_unknown(
    name: str,
    allowed: tuple[OrderIntent, Snapshot],
    beyond: tuple[OrderIntent, Snapshot],
    missing: Snapshot | None,
) -> None:
    assert isinstance(_decide(RULES[name], *allowed), Approved)
    refused = _decide(RULES[name], *beyond)
    assert isinstance(refused, Refused)
    assert refused.rule == name
    assert refused.value
    assert refused.limit
    if missing is not None:
        assert isinstance(_decide(RULES[name], allowed[0], missing), Refused)


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in CASES} | {WITHOUT_OPTIONS.rule} == set(RULES)


def test_a_refusal_reads_as_one_line_with_rule_value_limit_and_advice() -> None:
    lines: list[str] = []
    for name, _, (intent, snapshot), missing in CASES:
        for each in (snapshot, missing):
            if each is not None:
                verdict = _decide(RULES[name], intent, each)
                assert isinstance(verdict, Refused)
                lines.append(verdict.reason)
    lines.append(WITHOUT_OPTIONS.reason)
    golden = Path(__file__).parent / "refusals.txt"
    assert lines == golden.read_text().splitlines()


def test_a_modification_is_no_new_order() -> None:
    change = shares(1, replaces=True)
    assert isinstance(_decide(RULES["open_orders"], change, seen(open_orders_after=6)), Approved)
    assert isinstance(_decide(RULES["order_rate"], change, seen(orders_last_second=10)), Approved)
    assert isinstance(_decide(RULES["duplicate_intent"], change, seen(duplicate_of="O-1")), Approved)


def test_without_a_last_trade_the_mid_alone_is_the_collar() -> None:
    assert isinstance(_decide(RULES["price_collar"], shares(1), seen(last_price=None)), Approved)


def test_a_price_on_the_good_side_of_the_market_is_never_collared() -> None:
    cheap = shares(1, limit_price=Decimal("0.01"))
    dear = shares(1, side="sell", limit_price=Decimal("900"))
    assert isinstance(_decide(RULES["price_collar"], cheap, FINE), Approved)
    assert isinstance(_decide(RULES["price_collar"], dear, FINE), Approved)


def test_a_stop_order_is_judged_at_its_trigger() -> None:
    stop = shares(1, order_type="stop", limit_price=None, trigger_price=Decimal("6.00"))
    assert isinstance(_decide(RULES["price_collar"], stop, FINE), Refused)


@pytest.mark.parametrize(
    ("side", "trigger", "passes"),
    [
        ("buy", "5.09", True),
        ("buy", "5.11", False),
        ("buy", "0.01", True),
        ("sell", "4.91", True),
        ("sell", "4.89", False),
        ("sell", "9.00", True),
    ],
)
@pytest.mark.parametrize("half_spread", ["0.01", "0.11"])
def test_a_stop_order_is_judged_at_the_quote_that_it_would_take_where_that_is_worse(
    side: str, trigger: str, passes: bool, half_spread: str
) -> None:
    stop = shares(1, side=side, order_type="stop", limit_price=None, trigger_price=Decimal(trigger))
    half = Decimal(half_spread)
    limits = msgspec.structs.replace(LIMITS, max_price_from_mid_bps=200, max_price_from_last_bps=10_000)
    snapshot = wide(str(5 - half), str(5 + half))
    refused = RULES["price_collar"].check(stop, snapshot, limits) is not None
    assert refused == (not passes or half > Decimal("0.10"))


def test_the_sell_side_needs_displayed_bids() -> None:
    thin_bid = seen(quote=msgspec.structs.replace(quote(), bid_size=1))
    assert isinstance(_decide(RULES["displayed_liquidity"], shares(1, side="sell"), thin_bid), Refused)
    assert isinstance(_decide(RULES["displayed_liquidity"], shares(1), thin_bid), Approved)


@pytest.mark.parametrize("side", ["bid_size", "ask_size"])
def test_a_one_sided_quote_is_unsound(side: str) -> None:
    one_sided = seen(quote=msgspec.structs.replace(quote(), **{side: 0}))
    assert isinstance(_decide(RULES["quote_spread"], shares(1), one_sided), Refused)


def test_one_displayed_share_on_each_side_is_a_sound_quote() -> None:
    assert isinstance(_decide(RULES["quote_spread"], shares(1), wide("4.99", "5.00", size=1)), Approved)


def test_the_consecutive_loss_pause_names_its_end() -> None:
    day = msgspec.structs.replace(DAY, consecutive_losses=3, paused_until_ns=NOW_NS + NS_PER_MINUTE)
    verdict = _decide(RULES["consecutive_losses"], shares(1), seen(day=day))
    assert isinstance(verdict, Refused)
    assert "2024-03-05 10:01:00 EST" in verdict.advice


def test_buying_power_refuses_while_the_options_loss_is_unknown() -> None:
    verdict = _decide(RULES["buying_power"], shares(1), at_risk(total_loss_usd=None))
    assert isinstance(verdict, Refused)


def test_buying_power_counts_borrowed_money_by_the_multiple() -> None:
    policy = Policy(limits(max_funds_multiple=Decimal(2)), rules=(RULES["buying_power"],))
    assert isinstance(policy.decide(shares(1), seen(total_value_after_usd=Decimal(19_900))), Approved)
    assert isinstance(policy.decide(shares(1), seen(total_value_after_usd=Decimal(19_901))), Refused)


def test_the_whole_policy_approves_what_no_rule_objects_to() -> None:
    policy = Policy(LIMITS)
    assert policy.decide(intent := shares(1), FINE) == Approved(intent)
    assert isinstance(policy.decide(puts(limit_price=Decimal("5.00")), FINE), Approved)


def test_a_rule_that_raises_refuses() -> None:
    def broken(_intent: OrderIntent, _snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
        raise ZeroDivisionError("division by zero")

    rule = Rule(name="broken", guards="nothing", limit_keys=(), check=broken)
    verdict = _decide(rule, shares(1), FINE)
    assert verdict == Refused(
        rule="broken",
        value="ZeroDivisionError: division by zero",
        limit="a rule that works",
        advice="A rule that fails refuses; report it with this text.",
    )


def test_a_rule_that_changes_its_mind_refuses() -> None:
    asked = 0

    def fickle(_intent: OrderIntent, _snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
        nonlocal asked
        asked += 1
        return Breach("x", "y", "z") if asked == 1 else None

    verdict = _decide(Rule(name="fickle", guards="nothing", limit_keys=(), check=fickle), shares(1), FINE)
    assert isinstance(verdict, Refused)
    assert (verdict.rule, asked) == ("policy", 2)


def test_a_number_that_is_no_number_refuses() -> None:
    assert isinstance(_decide(RULES["option_delta"], puts(), at_risk(delta_shares=float("nan"))), Refused)
    nan = seen(order_value_usd=Decimal("NaN"))
    assert isinstance(_decide(RULES["notional_per_order"], shares(1), nan), Refused)


@pytest.mark.parametrize("snapshot", [FINE, seen(quote=None)], ids=["quoted", "no quote"])
def test_an_option_order_without_option_limits_is_refused_in_plain_words(snapshot: Snapshot) -> None:
    assert Policy(limits(options=None)).decide(puts(limit_price=Decimal("5.00")), snapshot) == WITHOUT_OPTIONS


def test_a_profile_without_option_limits_trades_stocks() -> None:
    assert isinstance(Policy(limits(options=None)).decide(shares(1), FINE), Approved)


def test_no_option_rule_passes_without_option_limits_even_asked_alone() -> None:
    asked = [rule for rule in ALL_RULES if any(key.startswith("options.") for key in rule.limit_keys)]
    assert asked
    for rule in asked:
        verdict = Policy(limits(options=None), rules=(rule,)).decide(puts(), FINE)
        assert isinstance(verdict, Refused)
        assert MissingLimitError.__name__ in verdict.value


def test_stock_rules_skip_options_and_option_rules_skip_stocks() -> None:
    stock_rule, option_rule = RULES["shares_per_order"], RULES["contracts_per_order"]
    assert isinstance(_decide(stock_rule, puts(1_000), FINE), Approved)
    assert isinstance(_decide(option_rule, shares(1_000), FINE), Approved)


def test_every_rule_says_what_it_compares_and_which_keys_it_follows() -> None:
    for rule in ALL_RULES:
        assert rule.what.endswith(".")
        assert "\n" not in rule.what
    assert RULES["concurrent_positions"].keys == ("risk.max_positions",)
    assert RULES["option_vega"].keys == ("risk.options.max_vega_usd_per_underlying",)
    assert RULES["session_window"].keys[0] == "session.open_ramp_minutes"
    assert set(RULES["session_window"].keys) <= {
        f"session.{name}" for name in SESSION_RULES.__struct_fields__
    }


def test_every_limit_is_read_by_a_rule_or_a_trigger() -> None:
    by_rules = {key for rule in ALL_RULES for key in rule.limit_keys}
    elsewhere = {
        "max_rejects_per_minute",  # trigger reject_rate
        "canceled_order_grace_ms",  # the ledger
        "max_data_silence_seconds",  # trigger stale_data
        "halt_reading_interval_ms",  # the reading filter
    }
    fields = set(LIMITS.__struct_fields__) - {"options"}
    fields |= {f"options.{name}" for name in OPTION_LIMITS.__struct_fields__}
    assert by_rules | elsewhere == fields
