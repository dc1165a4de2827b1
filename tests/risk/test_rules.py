"""Each rule at its limit, one beyond, and with its data missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from market.time import NS_PER_MINUTE, NS_PER_MS
from risk.decision import Approved, Breach, Refused
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.policy import Policy
from risk.rules import ALL_RULES
from risk.rules.rule import MissingLimitError, Rule
from risk.snapshot import DayResult, Exposure, OptionRisk, Snapshot
from tests.risk.limit_cases import LIMITS, OPTION_LIMITS, limits
from tests.risk.table_market import NOW_NS, option, order, quote, spread, stock

RULES = {rule.name: rule for rule in ALL_RULES}
F = stock("F")
PUT = option(100)
VERTICAL = spread((option(100), -1), (option(95), 1))
DAY = DayResult(profit_usd=Decimal(0), high_usd=Decimal(0), consecutive_losses=0, paused_until_ns=None)
OPTION_RISK = OptionRisk(
    order_loss_usd=Decimal(100),
    underlying_loss_usd=Decimal(100),
    total_loss_usd=Decimal(100),
    has_defined_risk=True,
    delta_shares=10.0,
    vega_usd=10.0,
)
FINE = Snapshot(
    now_ns=NOW_NS,
    breaker="RUNNING",
    pause=None,
    session_phase="trading",
    entries_allowed=True,
    allowed_symbols=frozenset({"F", "SPY"}),
    quote=quote(),
    last_price=Decimal("5.00"),
    order_value_usd=Decimal(50),
    exposure_after={
        "F.SMART": Exposure(10, 0),
        PUT.instrument_id: Exposure(1, 0),
        "SPYCP95.SMART": Exposure(1, 0),
    },
    symbol_value_after_usd=Decimal(50),
    total_value_after_usd=Decimal(50),
    symbols_after=1,
    open_orders_after=1,
    orders_last_second=0,
    replaces_last_minute=0,
    duplicate_of=None,
    funds_usd=Decimal(10_000),
    day=DAY,
    open_loss_usd=Decimal(0),
    option_risk=OPTION_RISK,
)


def seen(**changes: Any) -> Snapshot:
    return msgspec.structs.replace(FINE, **changes)


def after_loss(amount: str, high: str = "0") -> DayResult:
    return msgspec.structs.replace(DAY, profit_usd=-Decimal(amount), high_usd=Decimal(high))


def at_risk(**changes: Any) -> Snapshot:
    return seen(option_risk=msgspec.structs.replace(OPTION_RISK, **changes))


def wide(bid: str, ask: str, **fields: Any) -> Snapshot:
    return seen(quote=quote(bid, ask, **fields))


def legs_reach(contracts: int) -> Snapshot:
    return seen(exposure_after={PUT.instrument_id: Exposure(0, 20), "SPYCP95.SMART": Exposure(contracts, 0)})


def shares(count: int, **fields: Any) -> OrderIntent:
    return order(F, count, **fields)


def puts(count: int = 1, **fields: Any) -> OrderIntent:
    return order(PUT, count, **fields)


# name, (intent, snapshot) at the limit, (intent, snapshot) one beyond, snapshot with data missing
CASES: list[tuple[str, tuple[OrderIntent, Snapshot], tuple[OrderIntent, Snapshot], Snapshot | None]] = [
    ("shares_per_order", (shares(100), FINE), (shares(101), FINE), None),
    (
        "notional_per_order",
        (shares(1), seen(order_value_usd=Decimal(1_000))),
        (shares(1), seen(order_value_usd=Decimal("1000.01"))),
        seen(order_value_usd=None),
    ),
    (
        "position_per_symbol",
        (shares(1), seen(exposure_after={"F.SMART": Exposure(200, 200)})),
        (shares(1), seen(exposure_after={"F.SMART": Exposure(0, 201)})),
        seen(exposure_after={}),
    ),
    (
        "notional_per_symbol",
        (shares(1), seen(symbol_value_after_usd=Decimal(2_000))),
        (shares(1), seen(symbol_value_after_usd=Decimal("2000.01"))),
        seen(symbol_value_after_usd=None),
    ),
    (
        "notional_total",
        (shares(1), seen(total_value_after_usd=Decimal(5_000))),
        (shares(1), seen(total_value_after_usd=Decimal("5000.01"))),
        seen(total_value_after_usd=None),
    ),
    ("concurrent_positions", (shares(1), seen(symbols_after=3)), (shares(1), seen(symbols_after=4)), None),
    ("open_orders", (shares(1), seen(open_orders_after=5)), (shares(1), seen(open_orders_after=6)), None),
    ("order_rate", (shares(1), seen(orders_last_second=9)), (shares(1), seen(orders_last_second=10)), None),
    (
        "replace_rate",
        (shares(1), seen(replaces_last_minute=30)),
        (shares(1), seen(replaces_last_minute=31)),
        None,
    ),
    (
        "replace_rate",
        (shares(1, replaces=True), seen(replaces_last_minute=29)),
        (shares(1, replaces=True), seen(replaces_last_minute=30)),
        None,
    ),
    ("symbol_allowed", (shares(1), FINE), (order(stock("X")), FINE), seen(allowed_symbols=frozenset())),
    ("symbol_prohibited", (shares(1), FINE), (order(stock("GME")), FINE), None),
    (
        "price_band",
        (shares(1), wide("1.00", "10.00")),
        (shares(1), wide("0.99", "10.00")),
        seen(quote=None),
    ),
    ("price_band", (shares(1), wide("1.00", "10.00")), (shares(1), wide("1.00", "10.01")), seen(quote=None)),
    (
        "quote_age",
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS - 1_000 * NS_PER_MS)),
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS - 1_000 * NS_PER_MS - 1)),
        seen(quote=None),
    ),
    (
        "quote_age",
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS + 1_000 * NS_PER_MS)),
        (shares(1), wide("4.99", "5.00", ts_ns=NOW_NS + 1_000 * NS_PER_MS + 1)),
        seen(quote=None),
    ),
    (
        "quote_spread",
        (shares(1), wide("4.95", "5.05")),
        (shares(1), wide("4.95", "5.06")),
        seen(quote=None),
    ),
    ("quote_spread", (shares(1), wide("5.00", "5.00")), (shares(1), wide("5.01", "5.00")), seen(quote=None)),
    ("quote_spread", (puts(), wide("1.00", "1.60")), (puts(), wide("1.00", "1.61")), seen(quote=None)),
    (
        "displayed_liquidity",
        (shares(1), wide("4.99", "5.00", size=100)),
        (shares(1), wide("4.99", "5.00", size=99)),
        seen(quote=None),
    ),
    (
        "displayed_liquidity",
        (puts(), wide("1.00", "1.05", size=1)),
        (puts(), wide("1.00", "1.05", size=0)),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, limit_price=Decimal("5.05")), wide("4.99", "5.01")),
        (shares(1, limit_price=Decimal("5.06")), wide("4.99", "5.01")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, side="sell", limit_price=Decimal("4.95")), wide("4.99", "5.01")),
        (shares(1, side="sell", limit_price=Decimal("4.94")), wide("4.99", "5.01")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, limit_price=Decimal("5.00")), seen(last_price=Decimal("4.9020"))),
        (shares(1, limit_price=Decimal("5.00")), seen(last_price=Decimal("4.9019"))),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, order_type="market"), wide("4.95", "5.05")),
        (shares(1, order_type="market"), wide("4.94", "5.06")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (shares(1, order_type="market", side="sell"), wide("4.95", "5.05")),
        (shares(1, order_type="market", side="sell"), wide("4.94", "5.06")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (puts(limit_price=Decimal("1.55")), wide("1.00", "1.10")),
        (puts(limit_price=Decimal("1.56")), wide("1.00", "1.10")),
        seen(quote=None),
    ),
    (
        "price_collar",
        (order(VERTICAL, side="sell", limit_price=Decimal("-1.55")), wide("-1.10", "-1.00")),
        (order(VERTICAL, side="sell", limit_price=Decimal("-1.56")), wide("-1.10", "-1.00")),
        seen(quote=None),
    ),
    (
        "session_window",
        (shares(1), FINE),
        (shares(1), seen(entries_allowed=False, session_phase="close_cutoff")),
        seen(entries_allowed=False, session_phase=None),
    ),
    ("duplicate_intent", (shares(1), FINE), (shares(1), seen(duplicate_of="O-1")), None),
    (
        "buying_power",
        (shares(1), seen(total_value_after_usd=Decimal(9_900))),
        (shares(1), seen(total_value_after_usd=Decimal("9900.01"))),
        seen(funds_usd=None),
    ),
    (
        "buying_power",
        (shares(1), seen(option_risk=None, total_value_after_usd=Decimal(10_000))),
        (shares(1), seen(option_risk=None, total_value_after_usd=Decimal("10000.01"))),
        seen(total_value_after_usd=None),
    ),
    (
        "daily_loss",
        (shares(1), seen(day=after_loss("49.99"))),
        (shares(1), seen(day=after_loss("50"))),
        seen(day=None),
    ),
    (
        "daily_drawdown",
        (shares(1), seen(day=after_loss("9.99", high="50"))),
        (shares(1), seen(day=after_loss("10", high="50"))),
        seen(day=None),
    ),
    (
        "loss_per_trade",
        (shares(1), seen(open_loss_usd=Decimal("19.99"))),
        (shares(1), seen(open_loss_usd=Decimal(20))),
        seen(open_loss_usd=None),
    ),
    (
        "consecutive_losses",
        (shares(1), seen(day=msgspec.structs.replace(DAY, consecutive_losses=3, paused_until_ns=NOW_NS))),
        (shares(1), seen(day=msgspec.structs.replace(DAY, consecutive_losses=3, paused_until_ns=NOW_NS + 1))),
        seen(day=None),
    ),
    ("breaker_state", (shares(1), FINE), (shares(1), seen(breaker="SAFE_MODE")), None),
    ("breaker_state", (shares(1), FINE), (shares(1), seen(breaker="HALT")), None),
    ("trading_paused", (shares(1), FINE), (shares(1), seen(pause="Ann")), None),
    ("contracts_per_order", (puts(10), FINE), (puts(11), FINE), None),
    (
        "contracts_per_leg",
        (order(VERTICAL), legs_reach(20)),
        (order(VERTICAL), legs_reach(21)),
        seen(exposure_after={}),
    ),
    (
        "option_defined_risk",
        (puts(), FINE),
        (puts(), at_risk(has_defined_risk=False)),
        seen(option_risk=None),
    ),
    (
        "option_loss_per_spread",
        (puts(), at_risk(order_loss_usd=Decimal(2_000))),
        (puts(), at_risk(order_loss_usd=Decimal("2000.01"))),
        at_risk(order_loss_usd=None),
    ),
    (
        "option_loss_per_underlying",
        (puts(), at_risk(underlying_loss_usd=Decimal(4_000))),
        (puts(), at_risk(underlying_loss_usd=Decimal("4000.01"))),
        at_risk(underlying_loss_usd=None),
    ),
    (
        "option_loss_total",
        (puts(), at_risk(total_loss_usd=Decimal(6_000))),
        (puts(), at_risk(total_loss_usd=Decimal("6000.01"))),
        at_risk(total_loss_usd=None),
    ),
    (
        "option_delta",
        (puts(), at_risk(delta_shares=-500.0)),
        (puts(), at_risk(delta_shares=-500.1)),
        at_risk(delta_shares=None),
    ),
    (
        "option_vega",
        (puts(), at_risk(vega_usd=500.0)),
        (puts(), at_risk(vega_usd=500.1)),
        at_risk(vega_usd=None),
    ),
]  # fmt: skip
IDS = [f"{case[0]}-{number}" for number, case in enumerate(CASES)]


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
    assert {case[0] for case in CASES} == set(RULES)


def test_a_refusal_reads_as_one_line_with_rule_value_limit_and_advice() -> None:
    lines: list[str] = []
    for name, _, (intent, snapshot), missing in CASES:
        for each in (snapshot, missing):
            if each is not None:
                verdict = _decide(RULES[name], intent, each)
                assert isinstance(verdict, Refused)
                lines.append(verdict.reason)
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


def test_a_number_that_is_no_number_refuses() -> None:
    assert isinstance(_decide(RULES["option_delta"], puts(), at_risk(delta_shares=float("nan"))), Refused)
    nan = seen(order_value_usd=Decimal("NaN"))
    assert isinstance(_decide(RULES["notional_per_order"], shares(1), nan), Refused)


def test_an_option_order_without_option_limits_is_refused() -> None:
    policy = Policy(limits(options=None))
    verdict = policy.decide(puts(limit_price=Decimal("5.00")), FINE)
    assert isinstance(verdict, Refused)
    assert MissingLimitError.__name__ in verdict.value


def test_stock_rules_skip_options_and_option_rules_skip_stocks() -> None:
    stock_rule, option_rule = RULES["shares_per_order"], RULES["contracts_per_order"]
    assert isinstance(_decide(stock_rule, puts(1_000), FINE), Approved)
    assert isinstance(_decide(option_rule, shares(1_000), FINE), Approved)


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
