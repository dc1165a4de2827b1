"""The hash sees every fact of a run, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from audit.events import DecisionRecord
from backtests.fills import Fill
from backtests.outcome import OrderOutcome, Outcome, RefusalOutcome
from backtests.result_hash import result_hash

FILL = Fill(
    trade_id="T-1",
    client_order_id="O-1",
    strategy_id="S",
    instrument_id="ZVZZT.SMART",
    side="BUY",
    quantity=10,
    price=Decimal("9.01"),
    commission_usd=Decimal("0.35"),
    liquidity="TAKER",
    ts_ns=5,
    correlation_id="c",
)
ORDER = OrderOutcome(
    client_order_id="O-1",
    strategy_id="S",
    instrument_id="ZVZZT.SMART",
    side="BUY",
    type="LIMIT",
    quantity=10,
    filled_quantity=10,
    limit_price=Decimal("9.01"),
    status="FILLED",
    ts_submitted_ns=1,
    ts_last_ns=5,
    correlation_id="c",
    tags=("decision:c",),
    deny_reason=None,
    events=({"type": "OrderFilled", "last_px": "9.01"},),
)
DECISION = DecisionRecord(
    correlation_id="c",
    ts_ns=1,
    strategy_id="S",
    instrument_id="ZVZZT.SMART",
    action="enter",
    reason="pressure_agrees",
    outcome="sent",
    features={"mid": 9.005, "imbalance": 0.1},
)
REFUSAL = RefusalOutcome(
    ts_ns=2, rule="r", value="11", limit="10", instrument_id="ZVZZT.SMART", client_order_id="O-2", reason="r"
)
OUTCOME = Outcome(
    decisions=(DECISION,),
    orders=(ORDER,),
    fills=(FILL,),
    refusals=(REFUSAL,),
    breaker_changes=(),
    starting_balance_usd=Decimal(1000),
    closing_balance_usd=Decimal("999.65"),
    events_processed=100,
)


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("decisions", "reason", "another"),
        ("decisions", "features", {"mid": 9.005, "imbalance": 0.10000000000000002}),
        ("orders", "status", "CANCELED"),
        ("orders", "events", ({"type": "OrderFilled", "last_px": "9.02"},)),
        ("fills", "price", Decimal("9.02")),
        ("fills", "ts_ns", 6),
        ("refusals", "value", "12"),
    ],
)
def test_changes_with_every_fact(section: str, field: str, value: Any) -> None:
    (record,) = getattr(OUTCOME, section)
    changed = msgspec.structs.replace(
        OUTCOME, **{section: (msgspec.structs.replace(record, **{field: value}),)}
    )
    assert result_hash(changed) != result_hash(OUTCOME)


def test_changes_with_the_closing_balance_and_with_a_missing_record() -> None:
    hashes = {
        result_hash(OUTCOME),
        result_hash(msgspec.structs.replace(OUTCOME, closing_balance_usd=Decimal("999.66"))),
        result_hash(msgspec.structs.replace(OUTCOME, decisions=())),
        result_hash(msgspec.structs.replace(OUTCOME, fills=(FILL, FILL))),
    }
    assert len(hashes) == 4


def test_does_not_depend_on_the_order_of_names_nor_on_the_venues_trade_ids() -> None:
    turned = msgspec.structs.replace(DECISION, features={"imbalance": 0.1, "mid": 9.005})
    same = msgspec.structs.replace(
        OUTCOME, decisions=(turned,), fills=(msgspec.structs.replace(FILL, trade_id="T-2"),)
    )
    assert result_hash(same) == result_hash(OUTCOME)


def test_is_sixty_four_hexadecimal_digits() -> None:
    assert len(result_hash(OUTCOME)) == 64
    int(result_hash(OUTCOME), 16)
