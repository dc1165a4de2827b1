from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.data import Bar, BarType, OrderBookDeltas
from nautilus_trader.model.enums import RecordFlag
from nautilus_trader.model.objects import Price, Quantity

from catalog.recording.stamps import Stamps
from tests.catalog.recording.records import BAC, content, delta, greeks, message, quote, trade

MAKERS: list[Callable[[int], Any]] = [quote, trade, delta, message, greeks]
LAST = int(RecordFlag.F_LAST)


def _times(record: Any) -> list[int]:
    if isinstance(record, OrderBookDeltas):
        return [each.ts_init for each in record.deltas]
    return [record.ts_init]


@given(st.lists(st.tuples(st.sampled_from(MAKERS), st.integers(1, 40)), max_size=80), st.integers(0, 30))
def test_every_stamp_is_later_than_all_before_it_and_never_before_the_record(
    feed: list[tuple[Callable[[int], Any], int]], after_ns: int
) -> None:
    stamps, last_ns = Stamps(after_ns=after_ns), after_ns
    for make, ts_ns in feed:
        for stamp in _times(stamps.stamped(make(ts_ns))):
            assert stamp > last_ns
            assert stamp >= ts_ns
            last_ns = stamp
    assert stamps.last_ns == last_ns


@given(st.lists(st.integers(1, 10**6), unique=True, max_size=50))
def test_times_that_already_increase_are_kept(times: list[int]) -> None:
    stamps = Stamps()
    ordered = sorted(times)
    quotes = [quote(ts_ns) for ts_ns in ordered]
    assert [stamps.stamped(each) for each in quotes] == quotes
    assert all(stamps.stamped(quote(stamps.last_ns + 1)) is not None for _ in range(2))
    assert stamps.delay_ns_max == 0


@pytest.mark.parametrize("make", [quote, trade, greeks])
def test_only_the_stamp_of_a_record_that_comes_too_early_changes(make: Callable[[int], Any]) -> None:
    stamps = Stamps(after_ns=1_000)
    before, after = make(400), stamps.stamped(make(400))
    assert after.ts_init == 1_001
    assert content(after) == content(before) | {"ts_init": 1_001}
    assert stamps.delay_ns_max == 601


def test_a_record_that_comes_in_time_is_not_copied() -> None:
    tick = quote(5)
    assert Stamps().stamped(tick) is tick


def test_the_last_delta_of_a_message_is_flagged_and_no_other() -> None:
    stamped = Stamps().stamped(message(9, count=4))
    assert [each.flags & LAST for each in stamped.deltas] == [0, 0, 0, LAST]
    assert [each.ts_init for each in stamped.deltas] == [9, 10, 11, 12]
    assert stamped.ts_init == 12
    assert Stamps().stamped(delta(9)).flags == LAST


def test_kinds_that_are_not_recorded_pass_untouched() -> None:
    price = Price.from_str("13.9000")
    bar = Bar(BarType.from_str(f"{BAC}-1-MINUTE-LAST-EXTERNAL"), *[price] * 4, Quantity.from_int(1), 3, 3)
    stamps = Stamps(after_ns=100)
    assert stamps.stamped(bar) is bar
    assert stamps.last_ns == 100
