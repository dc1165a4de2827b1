from __future__ import annotations

import pytest

from strategies.intents import Decision, Enter, Hold, opposite


def test_a_decision_needs_a_snake_case_reason() -> None:
    assert Decision(Hold(), "spread_too_wide").reason == "spread_too_wide"
    for reason in ("", "too wide", "TooWide", "too-wide"):
        with pytest.raises(ValueError, match="snake_case"):
            Decision(Hold(), reason)


def test_the_other_side_of_a_buy_is_a_sell() -> None:
    assert opposite("buy") == "sell"
    assert opposite(opposite("buy")) == "buy"


def test_intents_are_values() -> None:
    assert Enter(side="buy", quantity=1) == Enter(side="buy", quantity=1)
    assert Hold() != Hold(signal="buy")
