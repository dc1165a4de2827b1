"""Differences by hand, one each: what is matched with what, which cause is named, and with which amount."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from audit.reconciliation import TO_DO, Difference, Execution, Ledger, reconcile
from audit.reconciliation.matching import match
from market.time import NS_PER_MINUTE, NS_PER_SECOND, to_ns

DAY = date(2024, 3, 5)
TEN = to_ns("2024-03-05T10:00:00-05:00")
MINUTE = NS_PER_MINUTE
HOUR = 60 * MINUTE


def execution(**terms: Any) -> Execution:
    plain: dict[str, Any] = {
        "where": "here",
        "symbol": "BAC.SMART",
        "side": "BUY",
        "quantity": Decimal(100),
        "price": Decimal("35.10"),
        "ts_ns": TEN,
        "commission_usd": Decimal("1.00"),
    }
    return Execution(**plain | terms)


def ours(*executions: Execution, **terms: Any) -> Ledger:
    days = {"first_day": DAY, "last_day": DAY}
    return Ledger(name="journal", executions=executions, **days | terms)


def broker(*executions: Execution, **terms: Any) -> Ledger:
    days = {"first_day": DAY, "last_day": DAY}
    return Ledger(name="statement", executions=executions, **days | terms)


def differences(journal: Ledger, statement: Ledger) -> tuple[Difference, ...]:
    return reconcile(journal, statement=statement).differences


def causes(journal: Ledger, statement: Ledger) -> list[str]:
    return [difference.cause for difference in differences(journal, statement)]


def test_every_cause_says_what_to_do() -> None:
    assert all(text.endswith(".") and len(text) > 20 for text in TO_DO.values())
    own = Difference(other_side="engine", what="cash", cause="fee", why="x", do="Look.")
    assert own.do == "Look."


def test_a_trade_that_the_journal_lacks_may_be_one_by_hand() -> None:
    own, by_hand = execution(), execution(ts_ns=TEN + HOUR // 3)
    (difference,) = differences(ours(own), broker(own, by_hand))
    assert difference.cause == "missing_in_journal"
    assert "traded by hand" in difference.do


def test_a_field_that_the_query_lacks_is_named_and_not_its_consequences() -> None:
    bought = execution(exec_id="a", commission_usd=None)
    sold = execution(
        exec_id="b", side="SELL", price=Decimal("35.20"), ts_ns=TEN + MINUTE, commission_usd=None
    )
    journal = [msgspec.structs.replace(each, commission_usd=Decimal("1.00")) for each in (bought, sold)]
    statement = broker(
        bought,
        sold,
        realized_usd=Decimal("8.00"),
        starting_cash_usd=Decimal(25_000),
        ending_cash_usd=Decimal("25008.00"),
    )
    result = reconcile(ours(*journal, starting_cash_usd=Decimal(25_000)), statement=statement)
    assert result.agrees
    (remark,) = result.not_compared
    assert "2 of its trades say no commission" in remark
    assert "ibCommission" in remark


def test_what_follows_from_an_execution_told_wrongly_is_not_told_again() -> None:
    bought = execution(exec_id="a")
    sold = execution(exec_id="b", side="SELL", price=Decimal("35.30"), ts_ns=TEN + MINUTE)
    sums = {
        "starting_cash_usd": Decimal(25_000),
        "ending_cash_usd": Decimal("25018.00"),
        "positions": {},
        "realized_usd": Decimal("18.00"),
    }
    journal = ours(bought, sold, starting_cash_usd=Decimal(25_000))
    assert causes(journal, broker(bought, sold, **sums)) == []
    misprinted = msgspec.structs.replace(sold, price=Decimal("35.90"))
    assert causes(journal, broker(bought, misprinted, **sums)) == ["wrong_price"]
    assert causes(journal, broker(bought, **sums)) == ["missing_at_broker"]


def test_the_largest_distance_of_a_sum_is_told() -> None:
    own = execution(exec_id="a", commission_usd=Decimal("1.00"))
    other = execution(exec_id="a", commission_usd=Decimal("1.0049"))
    result = reconcile(ours(own), statement=broker(other))
    assert result.agrees
    assert result.apart_usd == Decimal("0.0049")
    assert {total.name: total.apart for total in result.totals}["shares and contracts"] == 0
    assert reconcile(ours()).apart_usd == 0


def test_a_late_trade_is_of_the_next_day_s_statement() -> None:
    late = execution(ts_ns=to_ns("2024-03-05T20:21:00-05:00"))
    assert causes(ours(late), broker()) == ["another_period"]
    assert causes(ours(execution()), broker()) == ["missing_at_broker"]
    assert causes(ours(execution(ts_ns=None)), broker()) == ["missing_at_broker"]
    two_days = broker(last_day=date(2024, 3, 6))
    assert causes(ours(late), two_days) == ["missing_at_broker"]
    before = execution(ts_ns=TEN - 24 * HOUR)
    (difference,) = differences(ours(before), broker(last_day=date(2024, 3, 6)))
    assert "2024-03-05 to 2024-03-06" in difference.why


def test_a_broker_s_trade_outside_the_journal_is_of_another_period() -> None:
    own = execution(exec_id="a")
    other = execution(ts_ns=TEN - 24 * HOUR, quantity=Decimal(7))
    assert causes(ours(own), broker(own, other, first_day=date(2024, 3, 4))) == ["another_period"]
    undated = execution(ts_ns=None, quantity=Decimal(7))
    assert causes(ours(own), broker(own, undated)) == ["missing_in_journal"]


def test_whose_trade_it_is_is_told_by_reference_then_by_hand_then_by_symbol() -> None:
    own = execution(exec_id="a", client_order_id="O-1")
    same = execution(exec_id="a")

    def unknown(**terms: Any) -> list[str]:
        extra = execution(exec_id="b", ts_ns=TEN + 9 * MINUTE, **terms)
        return causes(ours(own, ordered={"O-2": Decimal(5)}), broker(same, extra))

    assert unknown(client_order_id="O-1") == ["missing_in_journal"]
    assert unknown(client_order_id="O-2") == ["missing_in_journal"]
    assert unknown(client_order_id="X-7") == ["other_client"]
    assert unknown(is_api_order=False) == ["other_client"]
    assert unknown(is_api_order=True) == ["missing_in_journal"]
    assert unknown(symbol="KO.SMART") == ["other_client"]


def test_what_engine_and_broker_have_the_journal_lost() -> None:
    known, lost = execution(exec_id="a"), execution(exec_id="b", ts_ns=TEN + MINUTE)
    engine = Ledger(name="engine", executions=(known, lost))
    found = reconcile(ours(known), engine=engine, statement=broker(known, lost)).differences
    assert [(each.other_side, each.cause) for each in found] == [
        ("engine", "missing_in_journal"),
        ("statement", "missing_in_journal"),
    ]
    assert "so has the engine" in found[1].why


@pytest.mark.parametrize(
    ("terms", "cause"),
    [
        ({"price": Decimal("35.11")}, "wrong_price"),
        ({"price": Decimal("35.105")}, "price_rounding"),
        ({"price": Decimal("35.10004")}, None),
        ({"quantity": Decimal(90)}, "wrong_quantity"),
        ({"side": "SELL"}, "wrong_side"),
        ({"multiplier": 10}, "contract_size"),
        ({"currency": "EUR"}, "currency"),
        ({"stated_value_usd": Decimal("-3510.02")}, "price_rounding"),
        ({"ts_ns": TEN + 60 * NS_PER_SECOND}, None),
        ({"ts_ns": TEN - 61 * NS_PER_SECOND}, "clock"),
        ({"ts_ns": TEN - 5 * HOUR}, "time_zone"),
        ({"ts_ns": TEN + 14 * HOUR}, "time_zone"),
        ({"ts_ns": TEN + 24 * HOUR}, "another_day"),
        ({"ts_ns": TEN + 30 * HOUR + 7 * MINUTE}, "another_day"),
        ({"ts_ns": None}, None),
        ({"commission_usd": None}, None),
        ({"commission_usd": Decimal("1.0049")}, None),
        ({"commission_usd": Decimal("1.01")}, "commission_differs"),
    ],
)
def test_one_term_told_otherwise_has_one_cause(terms: dict[str, Any], cause: str | None) -> None:
    other = execution(exec_id="a", **terms)
    statement = broker(other, last_day=date(2024, 3, 7))
    assert causes(ours(execution(exec_id="a")), statement) == ([cause] if cause else [])


def test_a_correction_of_a_correction_keeps_its_stem() -> None:
    own = execution(exec_id="0000e0c2.65e6f001.01.01")
    same_terms = execution(exec_id="0000e0c2.65e6f001.01.02")
    assert causes(ours(own), broker(same_terms)) == []
    other = execution(exec_id="0000e0c2.65e6f001.01.02", price=Decimal("34.00"))
    assert causes(ours(own), broker(other)) == ["correction"]
    marked = execution(exec_id="0000e0c2.65e6f001.01.01", price=Decimal("34.00"), event="correction")
    assert causes(ours(own), broker(marked)) == ["correction"]


def test_ids_of_different_executions_are_matched_by_equal_terms_alone() -> None:
    own = execution(exec_id="made-at-start-up")
    assert causes(ours(own), broker(execution(exec_id="0000e0c2.1.01.01"))) == []
    near = broker(execution(exec_id="0000e0c2.1.01.01", price=Decimal("35.20")))
    assert causes(ours(own), near) == ["missing_at_broker", "missing_in_journal"]


def test_an_option_s_end_is_matched_with_no_order() -> None:
    call = "AAPL  240315C00170000.SMART"
    own = execution(symbol=call, multiplier=100, price=Decimal("0.01"))
    end = execution(symbol=call, multiplier=100, price=Decimal(0), event="expiry")
    assert causes(ours(own), broker(end)) == ["missing_at_broker", "expiry"]


def test_trades_hours_apart_are_not_one_trade_unless_the_hours_are_whole() -> None:
    own = execution()
    assert causes(ours(own), broker(execution(ts_ns=TEN + HOUR))) == ["time_zone"]
    odd = broker(execution(ts_ns=TEN + HOUR + 20 * MINUTE))
    assert causes(ours(own), odd) == ["missing_at_broker", "missing_in_journal"]


def test_trades_that_differ_in_two_terms_are_two_trades() -> None:
    other = broker(execution(side="SELL", price=Decimal("36.00")))
    assert causes(ours(execution()), other) == ["missing_at_broker", "missing_in_journal"]


def test_equal_terms_are_paired_in_order_of_time() -> None:
    mine = [execution(where=f"mine {minute}", ts_ns=TEN + minute * MINUTE) for minute in (0, 10, 20)]
    theirs = [execution(where=f"theirs {minute}", ts_ns=TEN + minute * MINUTE) for minute in (10, 20)]
    found = match(mine, theirs, window_ns=MINUTE)
    assert [pair.theirs.where[7:] for pair in found.matches] == [
        pair.ours[0].where[5:] for pair in found.matches
    ]
    assert [each.where for each in found.only_ours] == ["mine 0"]


def test_of_several_likely_pairs_the_nearest_is_taken() -> None:
    mine = [execution(where="mine", quantity=Decimal(90))]
    theirs = [execution(where=f"theirs {late}", ts_ns=TEN + late * NS_PER_SECOND) for late in (40, 5)]
    found = match(mine, theirs, window_ns=MINUTE)
    assert [(pair.theirs.where, pair.by) for pair in found.matches] == [("theirs 5", "likeness")]
    assert [each.where for each in found.only_theirs] == ["theirs 40"]


def order_row(**terms: Any) -> Execution:
    return execution(**{"is_order": True, "price": Decimal("35.1333"), "quantity": Decimal(300)} | terms)


FILLS = tuple(
    execution(
        where=f"record {number}",
        exec_id=f"id-{number}",
        client_order_id="O-1",
        order_id="77",
        ts_ns=TEN + number * NS_PER_SECOND,
        price=price,
    )
    for number, price in enumerate((Decimal("35.10"), Decimal("35.10"), Decimal("35.20")), start=1)
)
ORDERED = {"O-1": Decimal(300)}


@pytest.mark.parametrize("name", [{"client_order_id": "O-1"}, {"order_id": "77"}, {}])
def test_a_row_of_an_order_is_all_its_executions(name: dict[str, str]) -> None:
    value = Decimal("-10540.00")
    row = order_row(
        commission_usd=Decimal("3.00"), stated_value_usd=value, ts_ns=TEN + 3 * NS_PER_SECOND, **name
    )
    found = match(FILLS, [row], window_ns=MINUTE)
    assert [pair.total.where for pair in found.matches] == ["record 1 to 3"]
    assert causes(ours(*FILLS, ordered=ORDERED), broker(row)) == []


def test_an_order_s_row_of_an_unknown_order_is_not_taken_by_name() -> None:
    row = order_row(client_order_id="O-9", price=Decimal("30.00"), quantity=Decimal(7), ts_ns=TEN + HOUR // 2)
    assert causes(ours(*FILLS, ordered=ORDERED), broker(row)) == [*["missing_at_broker"] * 3, "other_client"]


def test_a_fill_that_is_missing_in_an_order_s_row_is_told_from_a_wrong_quantity() -> None:
    three = {"commission_usd": Decimal("3.00"), "ts_ns": TEN + 2 * NS_PER_SECOND}
    whole = broker(order_row(**three))
    (missing,) = differences(ours(*FILLS[:2], ordered=ORDERED), whole)
    assert missing.cause == "missing_in_journal"
    assert "a fill of 100" in missing.why
    short = broker(order_row(**three | {"quantity": Decimal(200), "price": Decimal("35.10")}))
    assert causes(ours(*FILLS, ordered=ORDERED), short) == ["missing_at_broker"]
    more = broker(order_row(**three | {"quantity": Decimal(310)}))
    assert causes(ours(*FILLS, ordered=ORDERED), more) == ["wrong_quantity"]
    less = broker(order_row(**three | {"quantity": Decimal(290)}))
    assert causes(ours(*FILLS, ordered=ORDERED), less) == ["wrong_quantity"]


def test_an_order_s_time_lies_between_its_fills_or_beside_them() -> None:
    row = order_row(commission_usd=Decimal("3.00"), stated_value_usd=Decimal("-10540.00"))
    before = msgspec.structs.replace(row, ts_ns=TEN - 5 * HOUR)
    assert causes(ours(*FILLS, ordered=ORDERED), broker(before)) == ["time_zone"]
    after = msgspec.structs.replace(row, ts_ns=TEN + 5 * HOUR)
    assert causes(ours(*FILLS, ordered=ORDERED), broker(after)) == ["time_zone"]


def test_a_wrong_zone_is_one_difference() -> None:
    mine = [execution(exec_id=str(number), ts_ns=TEN + number * MINUTE) for number in range(5)]
    moved = [msgspec.structs.replace(each, ts_ns=(each.ts_ns or 0) + HOUR) for each in mine]
    (difference,) = differences(ours(*mine), broker(*moved))
    assert difference.cause == "time_zone"
    assert "5 executions are +1 hours" in difference.why
    assert difference.symbol is None


def test_a_broker_s_fractions_of_a_cent_agree_up_to_half_a_cent_a_fill() -> None:
    mine = [execution(exec_id=str(number), client_order_id="O-1") for number in range(3)]
    theirs = [msgspec.structs.replace(each, commission_usd=Decimal("1.0048")) for each in mine]
    assert causes(ours(*mine), broker(*theirs)) == []
    theirs = [msgspec.structs.replace(each, commission_usd=Decimal("1.0058")) for each in mine]
    assert causes(ours(*mine), broker(*theirs)) == ["commission_differs"]


def test_commissions_before_the_first_known_rates_are_compared_too() -> None:
    long_ago = to_ns("2010-03-05T10:00:00-05:00")
    days = {"first_day": date(2010, 3, 5), "last_day": date(2010, 3, 5)}
    for ts_ns in (long_ago, None):
        own = execution(exec_id="a", ts_ns=ts_ns)
        other = execution(exec_id="a", ts_ns=ts_ns, commission_usd=Decimal("7.77"))
        assert causes(ours(own, **days), broker(other, **days)) == ["commission_differs"]


def test_an_option_s_commission_is_not_compared_with_lists_for_stocks() -> None:
    call = "AAPL  240315C00170000.SMART"
    own = execution(
        exec_id="a", symbol=call, multiplier=100, quantity=Decimal(1), commission_usd=Decimal("0.65")
    )
    other = msgspec.structs.replace(own, commission_usd=Decimal("1.00"))
    assert causes(ours(own), broker(other)) == ["commission_differs"]


def test_rows_of_another_account_are_set_apart() -> None:
    own = execution(exec_id="a", account="U1")
    foreign = execution(exec_id="b", account="U2", symbol="KO.SMART")
    (difference,) = differences(ours(own, account="U1"), broker(own, foreign, account="U1"))
    assert (difference.cause, difference.other) == ("another_account", "U2")


def test_another_account_or_period_compares_nothing_else() -> None:
    result = reconcile(ours(execution(), account="U1"), statement=broker(account="U2"))
    assert [each.cause for each in result.differences] == ["another_account"]
    assert result.not_compared[0].startswith("All else of the statement")
    early = broker(first_day=date(2024, 3, 1), last_day=date(2024, 3, 2))
    assert causes(ours(execution()), early) == ["another_period"]


def test_realized_profit_that_cannot_follow_is_said() -> None:
    own = execution(exec_id="a")
    kept = {"realized_usd": Decimal("5.00")}
    for statement in (
        broker(own, **kept, corporate_actions={"BAC.SMART": "SPLIT"}),
        broker(msgspec.structs.replace(own, is_order=True), **kept),
        broker(own, **kept, positions={}),
        broker(own, execution(exec_id="e", event="assignment"), **kept),
    ):
        result = reconcile(ours(own), statement=statement)
        assert any(remark.startswith("Realized profit") for remark in result.not_compared)
        assert "lot_method" not in [each.cause for each in result.differences]
    exact = broker(own, realized_usd=Decimal("0.005"))
    assert causes(ours(own), exact) == []
    cents = msgspec.structs.replace(own, realized_usd=Decimal("0.00"))
    assert causes(ours(own), broker(cents, realized_usd=Decimal("0.01"))) == ["lot_method"]


def test_movements_have_their_causes() -> None:
    from audit.reconciliation.ledger import CashMovement

    kinds = ("deposit", "dividend", "interest", "fee", "tax", "transfer", "currency", "other")
    moved = tuple(
        CashMovement(where=f"line {number}", label=kind, amount_usd=Decimal(number), kind=kind)  # type: ignore[arg-type]
        for number, kind in enumerate(kinds, start=1)
    )
    statement = broker(movements=moved, starting_cash_usd=Decimal(100), ending_cash_usd=Decimal(136))
    assert causes(ours(starting_cash_usd=Decimal("100.004")), statement) == [*kinds[:-1], "cash_other"]
