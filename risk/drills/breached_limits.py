"""Drill: every limit is breached once, all rules asked; the rule that guards it must refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from market.time import NS_PER_SECOND, to_ns
from risk.breaker import Breaker
from risk.decision import Refused
from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import LIMITS, limits
from risk.intent import InstrumentTerms, OrderIntent
from risk.policy import Policy
from risk.rules import ALL_RULES
from risk.session_view import SessionView
from risk.snapshot import DayResult, Exposure, OptionRisk, Quote, Snapshot

_NOW_NS = to_ns("2024-03-05T10:00:00-05:00")
_D = Decimal
_QUOTE = Quote(_D("4.99"), _D("5.00"), 1_000, 1_000, _NOW_NS)
_DAY = DayResult(profit_usd=_D(0), high_usd=_D(0), consecutive_losses=0, paused_until_ns=None)
_RISK = OptionRisk(
    order_loss_usd=_D(100),
    underlying_loss_usd=_D(100),
    total_loss_usd=_D(100),
    has_defined_risk=True,
    delta_shares=1.0,
    vega_usd=1.0,
)
_STOCK = InstrumentTerms(instrument_id="F.SMART", symbol="F", kind="stock", price_increment=_D("0.01"))
_PUT = InstrumentTerms(
    instrument_id="F P5.SMART",
    symbol="F",
    kind="option",
    price_increment=_D("0.01"),
    multiplier=100,
    right="put",
    strike=_D(5),
    expiration_ns=_NOW_NS + 86_400 * NS_PER_SECOND,
)
_BREAKER = Breaker(state="RUNNING", causes=(), changed_at_ns=_NOW_NS, changed_by="drill", reason="drill")
_FINE = Snapshot(
    now_ns=_NOW_NS,
    breaker=_BREAKER,
    pause=None,
    session=SessionView("trading", True, None),
    allowed_symbols=frozenset({"F", "GME"}),
    quote=_QUOTE,
    last_price=_D(5),
    order_value_usd=_D(50),
    exposure_after={_STOCK.instrument_id: Exposure(10, 0), _PUT.instrument_id: Exposure(1, 0)},
    symbol_value_after_usd=_D(50),
    total_value_after_usd=_D(50),
    symbols_after=1,
    open_orders_after=1,
    orders_last_second=0,
    replaces_last_minute=0,
    duplicate_of=None,
    funds_usd=_D(100_000),
    day=_DAY,
    open_loss_usd=_D(0),
    option_risk=_RISK,
)


def _order(terms: InstrumentTerms = _STOCK, **fields: Any) -> OrderIntent:
    values: dict[str, Any] = {
        "order_id": "DRILL-1",
        "strategy_id": "DRILL",
        "terms": terms,
        "side": "buy",
        "quantity": 1,
        "order_type": "limit",
        "time_in_force": "day",
        "limit_price": _D(5),
    }
    return OrderIntent(**(values | fields))


def _quote(**fields: Any) -> dict[str, Any]:
    return {"quote": msgspec.structs.replace(_QUOTE, **fields)}


def _day(**fields: Any) -> dict[str, Any]:
    return {"day": msgspec.structs.replace(_DAY, **fields)}


def _risk(**fields: Any) -> dict[str, Any]:
    return {"option_risk": msgspec.structs.replace(_RISK, **fields)}


def _put(**fields: Any) -> OrderIntent:
    return _order(_PUT, **fields)


_GME = msgspec.structs.replace(_STOCK, symbol="GME")
_OTHER = msgspec.structs.replace(_STOCK, symbol="XYZ")

BREACHES: dict[str, tuple[OrderIntent, dict[str, Any]]] = {
    "breaker_state": (_order(), {"breaker": Breaker.at_start(_NOW_NS)}),
    "trading_paused": (_order(), {"pause": "an operator"}),
    "symbol_prohibited": (_order(_GME), {}),
    "symbol_allowed": (_order(_OTHER), {}),
    "options_allowed": (_put(), {}),
    "session_window": (_order(), {"session": SessionView("close_cutoff", False, None)}),
    "duplicate_intent": (_order(), {"duplicate_of": "DRILL-0"}),
    "order_rate": (_order(), {"orders_last_second": LIMITS.max_orders_per_second}),
    "replace_rate": (_order(), {"replaces_last_minute": LIMITS.max_replaces_per_minute + 1}),
    "open_orders": (_order(), {"open_orders_after": LIMITS.max_open_orders + 1}),
    "quote_age": (_order(), _quote(ts_ns=_NOW_NS - 3_600 * NS_PER_SECOND)),
    "quote_spread": (_order(), _quote(ask=_D("5.20"))),
    "displayed_liquidity": (_order(), _quote(ask_size=1)),
    "price_band": (_order(), _quote(bid=_D("10.00"), ask=_D("10.01"))),
    "price_collar": (_order(limit_price=_D("5.50")), {}),
    "shares_per_order": (_order(quantity=LIMITS.max_shares_per_order + 1), {}),
    "notional_per_order": (_order(), {"order_value_usd": LIMITS.max_notional_usd_per_order + 1}),
    "position_per_symbol": (
        _order(),
        {"exposure_after": {"F.SMART": Exposure(0, LIMITS.max_position_shares_per_symbol + 1)}},
    ),
    "notional_per_symbol": (_order(), {"symbol_value_after_usd": LIMITS.max_notional_usd_per_symbol + 1}),
    "notional_total": (_order(), {"total_value_after_usd": LIMITS.max_notional_usd_total + 1}),
    "concurrent_positions": (_order(), {"symbols_after": LIMITS.max_positions + 1}),
    "daily_loss": (_order(), _day(profit_usd=-LIMITS.max_daily_loss_usd)),
    "daily_drawdown": (_order(), _day(high_usd=LIMITS.max_daily_drawdown_usd)),
    "loss_per_trade": (_order(), {"open_loss_usd": LIMITS.max_loss_usd_per_trade}),
    "consecutive_losses": (_order(), _day(consecutive_losses=3, paused_until_ns=_NOW_NS + 1)),
    "contracts_per_order": (_put(quantity=11), {}),
    "contracts_per_leg": (_put(), {"exposure_after": {_PUT.instrument_id: Exposure(21, 0)}}),
    "option_defined_risk": (_put(), _risk(has_defined_risk=False)),
    "option_loss_per_spread": (_put(), _risk(order_loss_usd=_D(2_001))),
    "option_loss_per_underlying": (_put(), _risk(underlying_loss_usd=_D(4_001))),
    "option_loss_total": (_put(), _risk(total_loss_usd=_D(6_001))),
    "option_delta": (_put(), _risk(delta_shares=-501.0)),
    "option_vega": (_put(), _risk(vega_usd=501.0)),
    "buying_power": (_order(), {"funds_usd": _D(1)}),
}
"""For each rule an order and a state of the account that breach its limit and no other."""
OTHER_LIMITS = {"options_allowed": limits(options=None)}
"""Limits under which a rule is breached, where those of the drills have nothing to breach."""


def rehearse() -> list[Check]:
    """Breach each limit in turn, and show first that nothing is refused without a breach."""
    policy = Policy(LIMITS)
    checks = [
        equal(
            f"{terms.kind} order within all limits passes",
            _verdict(policy, _order(terms), _FINE),
            "approved",
        )
        for terms in (_STOCK, _PUT)
    ]
    for rule in ALL_RULES:
        intent, changes = BREACHES[rule.name]
        policy = Policy(OTHER_LIMITS.get(rule.name, LIMITS))
        seen = _verdict(policy, intent, msgspec.structs.replace(_FINE, **changes))
        checks.append(Check(f"{rule.name} refuses its breach", seen.startswith(f"{rule.name}: "), seen))
    return checks


def _verdict(policy: Policy, intent: OrderIntent, snapshot: Snapshot) -> str:
    verdict = policy.decide(intent, snapshot)
    return verdict.reason if isinstance(verdict, Refused) else "approved"


DRILL = Drill(name="breached-limits", incident="Every limit is breached once, on purpose.", rehearse=rehearse)
