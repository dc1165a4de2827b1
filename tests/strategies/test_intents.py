from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from strategies.intents import Cancel, Decision, Enter, Exit, Hold, Intent, Replace, opposite


def test_a_decision_needs_a_snake_case_reason() -> None:
    assert Decision(Hold(), "spread_too_wide").reason == "spread_too_wide"
    for reason in ("", "too wide", "TooWide", "too-wide"):
        with pytest.raises(ValueError, match="snake_case"):
            Decision(Hold(), reason)


def untyped(kind: object) -> Any:
    """What an author without a type checker writes."""
    return kind


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: untyped(Decision)("buy", "seen"), "Decision intent is 'buy'"),
    (lambda: untyped(Decision)(Hold, "seen"), "Decision intent is <class"),
    (lambda: untyped(Decision)(Hold(), 7), "Decision reason is 7"),
    (lambda: untyped(Decision)(Hold(), "seen", {"spread": "wide"}), "Decision value 'spread' is 'wide'"),
    (lambda: untyped(Decision)(Hold(), "seen", {}, {"spread": None}), "Decision value 'spread' is None"),
    (lambda: untyped(Hold)(signal="up"), "Hold.signal is 'up', allowed: None, 'buy', 'sell'"),
    (lambda: untyped(Enter)(side="long", quantity=1), "Enter.side is 'long', allowed: 'buy', 'sell'"),
    (lambda: untyped(Enter)(side="buy", quantity="10"), "Enter.quantity is '10'"),
    (lambda: untyped(Enter)(side="buy", quantity=10.0), "Enter.quantity is 10.0"),
    (lambda: untyped(Enter)(side="buy", quantity=1, style="market"), "Enter.style is 'market'"),
    (lambda: untyped(Enter)(side="buy", quantity=1, limit_price=5.01), "Enter.limit_price is 5.01"),
    (lambda: untyped(Replace)(5.01), "Replace.limit_price is 5.01"),
    (lambda: untyped(Replace)(Decimal("NaN")), "Replace.limit_price is Decimal('NaN')"),
    (lambda: untyped(Exit)("now"), "Exit.style is 'now', allowed: 'passive', 'marketable', 'market'"),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_of_the_wrong_type_is_named_where_it_is_made(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_what_is_right_is_taken() -> None:
    price = Decimal("5.01")
    intents: list[Intent] = [
        Hold(),
        Hold("buy"),
        Enter(side="sell", quantity=1, limit_price=price),
        Replace(price),
    ]
    for intent in (*intents, Cancel(), Exit("market")):
        decision = Decision(intent, "told_to", {"spread_bps": 5}, {"imbalance": 0.5})
        assert decision.intent is intent


def test_the_other_side_of_a_buy_is_a_sell() -> None:
    assert opposite("buy") == "sell"
    assert opposite(opposite("buy")) == "buy"


def test_intents_are_values() -> None:
    assert Enter(side="buy", quantity=1) == Enter(side="buy", quantity=1)
    assert Hold() != Hold(signal="buy")
