"""One decision makes one order, and no order repeats at once; what is remembered is bounded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from market.time import NS_PER_MS
from risk.gatekeeper import Gatekeeper
from risk.performance import Fill
from risk.sent_intents import SentIntents
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import NOW_NS, TableMarket, gatekeeper, order, stock, verdict

D = Decimal


def test_a_rejected_decision_may_be_sent_again(keeper: Gatekeeper) -> None:
    intent = order(idempotency_key="decision:1")
    verdict(keeper, intent)
    again = msgspec.structs.replace(intent, order_id="again")
    assert verdict(keeper, again) == "duplicate_intent"
    keeper.rejected(intent.order_id, NOW_NS)
    assert keeper.account.rejects.count(NOW_NS) == 1
    assert verdict(keeper, again) == "approved"
    keeper.rejected("unknown", NOW_NS)


@pytest.mark.parametrize(("is_certain", "free_after_ms"), [(True, 0), (False, 2_000)])
def test_a_rejection_that_is_only_supposed_frees_shares_and_decision_after_the_grace_period(
    market: TableMarket, is_certain: bool, free_after_ms: int
) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000, max_quote_age_ms=60_000), market)
    intent = order(quantity=100, idempotency_key="k")
    verdict(keeper, intent)
    keeper.rejected(intent.order_id, NOW_NS, is_certain=is_certain)
    seen = []
    for after_ms in (free_after_ms - 1, free_after_ms):
        again = msgspec.structs.replace(intent, order_id=f"again-{after_ms}")
        now_ns = NOW_NS + after_ms * NS_PER_MS
        keeper.account.ledger.release_expired(now_ns)
        counted = keeper.account.ledger.exposure("F.SMART").worst_long
        seen.append((counted, verdict(keeper, again, now_ns)))
    assert seen[1] == (0, "approved")
    if not is_certain:
        assert seen[0] == (100, "duplicate_intent")


def test_a_rejected_order_that_fills_after_all_was_sent(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000, max_quote_age_ms=60_000), market)
    intent = order(quantity=50, idempotency_key="k")
    verdict(keeper, intent)
    keeper.rejected(intent.order_id, NOW_NS)
    fill = Fill(strategy_id="S-ONE", terms=stock(), signed_quantity=50, price=D(5))
    keeper.filled(intent.order_id, "T-1", fill, NOW_NS + NS_PER_MS)
    again = msgspec.structs.replace(intent, order_id="again")
    assert verdict(keeper, again, NOW_NS + 3_000 * NS_PER_MS) == "duplicate_intent"
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 50


def test_an_order_that_has_filled_is_not_certain_to_be_dead(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), market)
    intent = order(quantity=50)
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=stock(), signed_quantity=1, price=D(5))
    keeper.filled(intent.order_id, "T-1", fill, NOW_NS)
    keeper.rejected(intent.order_id, NOW_NS, is_certain=True)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 50


def test_an_equal_order_is_a_duplicate_until_the_window_has_passed(keeper: Gatekeeper) -> None:
    intent = order()
    verdict(keeper, intent)
    window_ns = LIMITS.duplicate_window_ms * NS_PER_MS
    later = [msgspec.structs.replace(intent, order_id=name) for name in ("a", "b")]
    assert verdict(keeper, later[0], NOW_NS + window_ns - 1) == "duplicate_intent"
    assert verdict(keeper, later[1], NOW_NS + window_ns) == "approved"


@pytest.mark.parametrize(
    "change",
    [
        {"side": "sell"},
        {"quantity": 11},
        {"strategy_id": "T"},
        {"limit_price": D("4.99")},
        {"terms": stock("GE")},
    ],
)
def test_an_order_that_differs_is_no_duplicate(keeper: Gatekeeper, change: dict[str, Any]) -> None:
    intent = order()
    verdict(keeper, intent)
    other = msgspec.structs.replace(intent, order_id="other", **change)
    assert verdict(keeper, other) == "approved"


def test_one_decision_may_have_an_order_on_each_side() -> None:
    sent = SentIntents(window_ns=1)
    intent = order(idempotency_key="k")
    sent.remember(intent, 1)
    assert sent.earlier(intent, 10) is None
    assert sent.earlier(msgspec.structs.replace(intent, order_id="x"), 10) == intent.order_id
    assert sent.earlier(msgspec.structs.replace(intent, order_id="x", side="sell"), 10) is None
    sent.forget("another", 0)
    assert sent.earlier(msgspec.structs.replace(intent, order_id="x"), 10) == intent.order_id


def test_a_decision_is_free_from_the_time_on_that_its_order_counts_no_more() -> None:
    sent = SentIntents(window_ns=1_000)
    intent = order(idempotency_key="k")
    sent.remember(intent, 1)
    sent.forget(intent.order_id, 10)
    by_decision = order(quantity=11, idempotency_key="k")
    by_content = msgspec.structs.replace(intent, order_id="x", idempotency_key=None)
    for again in (by_decision, by_content):
        assert [sent.earlier(again, now_ns) for now_ns in (9, 10)] == [intent.order_id, None]
    sent.recall(intent.order_id)
    assert [sent.earlier(again, 10) for again in (by_decision, by_content)] == [intent.order_id] * 2


def test_memory_of_sent_orders_keeps_the_nine_tenths_sent_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.sent_intents.MAX_REMEMBERED", 10)
    sent = SentIntents(window_ns=1)
    intents = [order(quantity=number, idempotency_key=str(number)) for number in range(1, 12)]
    for intent in intents[:10]:
        sent.remember(intent, 1)
    assert all(sent.has_order(intent.order_id) for intent in intents[:10])
    sent.remember(intents[10], 1)
    kept = [sent.has_order(intent.order_id) for intent in intents]
    assert kept == [False, False] + [True] * 9
    repeats = [order(quantity=number, idempotency_key=str(number)) for number in (2, 3)]
    assert [sent.earlier(repeat, 1) for repeat in repeats] == [None, intents[2].order_id]


def test_the_last_million_orders_are_remembered() -> None:
    sent = SentIntents(window_ns=1)
    sent._order_ids.update(dict.fromkeys(map(str, range(999_999))))
    sent.remember(order(), 1)
    assert sent.has_order("0")
    sent.remember(order(), 2)
    assert not sent.has_order("0")


def test_each_memory_of_sent_orders_is_bounded_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.sent_intents.MAX_REMEMBERED", 10)
    sent = SentIntents(window_ns=10)
    alike = [order(quantity=5) for _ in range(11)]
    for intent in alike:
        sent.remember(intent, 1)
    assert sum(sent.has_order(intent.order_id) for intent in alike) == 9
    assert sent.earlier(order(quantity=5), 2) == alike[-1].order_id
