"""The account's picture: each value of a snapshot, pauses, days and restarts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from market.time import NS_PER_SECOND, new_york_date, to_ns
from risk.account import Account
from risk.breaker_file import BreakerRecord, DayRecord
from risk.gatekeeper import Gatekeeper
from risk.intent import OrderIntent
from risk.session_view import SessionView
from risk.snapshot import DayResult, Exposure, Snapshot
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import (
    CLOSE_NS,
    LATER_NS,
    NOW_NS,
    OPEN_NS,
    TableMarket,
    bought,
    gatekeeper,
    option,
    order,
    quote,
    running,
    stock,
    verdict,
)

D = Decimal
F = stock()


def snapshot(keeper: Gatekeeper, intent: OrderIntent) -> Snapshot:
    account = keeper.account
    return account.snapshot(intent, account.market.session(NOW_NS), NOW_NS)


def test_the_snapshot_counts_values_at_the_worst_price_in_play(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    verdict(keeper, order(quantity=20, limit_price=D("5.04")))
    bought(keeper, 10, terms=stock("GE"))
    market.quotes["GE.SMART"] = quote("7.00", "7.10")
    seen = snapshot(keeper, order(quantity=30, limit_price=D("5.02")))
    assert seen.order_value_usd == D("150.60")
    assert seen.symbol_value_after_usd == 50 * D("5.04")
    assert seen.total_value_after_usd == 50 * D("5.04") + 71
    assert (seen.symbols_after, seen.open_orders_after) == (2, 2)


def test_a_market_order_is_valued_at_the_quote_it_takes(keeper: Gatekeeper) -> None:
    buy = snapshot(keeper, order(order_type="market"))
    sell = snapshot(keeper, order(order_type="market", side="sell"))
    assert (buy.order_value_usd, sell.order_value_usd) == (D("50.00"), D("49.90"))
    dear = snapshot(keeper, order(limit_price=D("9.00")))
    assert dear.symbol_value_after_usd == 90


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"trigger_price": D("0.01")}, "50.00"),  # fires at once, at the ask
        ({"trigger_price": D("5.03")}, "50.30"),
        ({"trigger_price": D("0.01"), "side": "sell"}, "49.90"),
        ({"trigger_price": D("5.03"), "side": "sell"}, "50.30"),
        ({"trigger_price": D("5.03"), "order_type": "stop_limit", "limit_price": D("5.04")}, "50.40"),
        ({"order_type": "trailing"}, "50.00"),
    ],
)
def test_an_order_without_a_limit_is_worth_the_touch_or_its_trigger(
    keeper: Gatekeeper, market: TableMarket, fields: dict[str, Any], value: str
) -> None:
    stop = order(**({"order_type": "stop", "limit_price": None} | fields))
    assert snapshot(keeper, stop).order_value_usd == D(value)
    market.quotes["F.SMART"] = None
    assert (snapshot(keeper, stop).order_value_usd is None) == (stop.limit_price is None)


def test_all_listings_of_a_symbol_count_together(keeper: Gatekeeper, market: TableMarket) -> None:
    """Shares bought in one place and sold short in another do not net."""
    elsewhere = msgspec.structs.replace(F, instrument_id="F.NYSE")
    market.quotes["F.NYSE"] = quote("5.10", "5.11")
    bought(keeper, 10, terms=elsewhere)
    keeper.adopt_order(order(elsewhere, 7, side="sell", strategy_id="T"), filled=0)
    keeper.adopt_position("T", option(400, symbol="F"), 1, D(1))
    bought(keeper, 3, terms=stock("GE"))
    seen = snapshot(keeper, order(quantity=20))
    assert seen.exposure_after == {"F.SMART": Exposure(30, 7)}
    assert seen.symbol_value_after_usd == 100 + D("51.10")
    assert seen.total_value_after_usd == 100 + D("51.10") + 15
    more = snapshot(keeper, order(elsewhere, quantity=20))
    assert (more.exposure_after, more.symbol_value_after_usd) == (
        {"F.NYSE": Exposure(30, 7)},
        30 * D("5.11"),
    )
    market.quotes["F.NYSE"] = None
    assert snapshot(keeper, order(quantity=20)).symbol_value_after_usd is None


def test_all_listings_of_an_option_count_together(keeper: Gatekeeper) -> None:
    """Another strike, expiry or right is another contract."""
    put = option(400)
    elsewhere = msgspec.structs.replace(put, instrument_id="SPYCP400.CBOE")
    for terms in (elsewhere, option(395), option(400, "call"), option(400, expiration_ns=LATER_NS)):
        bought(keeper, 3, terms=terms)
    bought(keeper, 5, terms=stock("SPY"))
    assert snapshot(keeper, order(put, 2)).exposure_after == {put.instrument_id: Exposure(5, 0)}


def test_two_listings_of_a_symbol_share_the_position_limit(keeper: Gatekeeper) -> None:
    elsewhere = msgspec.structs.replace(F, instrument_id="F.NYSE")
    seen = [verdict(keeper, order(terms, 100)) for terms in (elsewhere, F)]
    assert seen == ["approved", "approved"]
    assert verdict(keeper, order(elsewhere, 1)) == "position_per_symbol"
    assert verdict(keeper, order(F, 1)) == "position_per_symbol"


@pytest.mark.parametrize(("held_elsewhere", "passes"), [(0, True), (100, True), (101, False)])
def test_closing_again_reaches_no_further_than_the_limit_of_all_listings(
    keeper: Gatekeeper, held_elsewhere: int, passes: bool
) -> None:
    elsewhere = msgspec.structs.replace(F, instrument_id="F.NYSE")
    if held_elsewhere:
        bought(keeper, -held_elsewhere, terms=elsewhere)
    bought(keeper, 100)
    close = order(quantity=100, side="sell")
    verdict(keeper, close)
    keeper.cancel(close.order_id, NOW_NS)
    assert keeper.account.is_reducing(order(quantity=100, side="sell")) == passes


def test_without_quotes_values_are_unknown(keeper: Gatekeeper, market: TableMarket) -> None:
    bought(keeper, 10, terms=stock("GE"))
    market.quotes["F.SMART"] = None
    seen = snapshot(keeper, order(order_type="market"))
    assert (seen.order_value_usd, seen.symbol_value_after_usd) == (None, None)
    assert snapshot(keeper, order()).total_value_after_usd is None
    market.quotes = {"GE.SMART": None}
    seen = snapshot(keeper, order())
    assert (seen.total_value_after_usd, seen.day, seen.open_loss_usd) == (None, None, D(0))


def test_the_open_loss_is_the_symbols_at_the_touch(keeper: Gatekeeper, market: TableMarket) -> None:
    bought(keeper, 10, price="6.00")
    bought(keeper, -10, terms=stock("GE"), price="4.00")
    assert snapshot(keeper, order()).open_loss_usd == D("10.10")
    assert snapshot(keeper, order(stock("GE"))).open_loss_usd == D("10.00")
    for bid in ("6.50", "6.05"):
        market.quotes["F.SMART"] = quote(bid, "6.60")
        assert snapshot(keeper, order()).open_loss_usd == 0
    market.quotes["F.SMART"] = None
    assert snapshot(keeper, order()).open_loss_usd is None


def test_each_value_of_a_snapshot_lands_in_its_field(market: TableMarket) -> None:
    keeper = gatekeeper(limits(duplicate_window_ms=60_000), market)
    bought(keeper, 10, terms=stock("GE"), price="4.00")
    held = order(quantity=4, limit_price=D("4.95"), idempotency_key="decision:1")
    assert verdict(keeper, held) == "approved"
    for _ in range(3):
        keeper.cancel("elsewhere", NOW_NS)
    market.last_prices["F.SMART"] = D("4.98")
    market.funds = D(1_234)
    market.view = SessionView("no_trade", False, None)
    seen = snapshot(keeper, order(quantity=20, idempotency_key="decision:1"))
    assert seen == Snapshot(
        now_ns=NOW_NS,
        breaker=keeper.account.breaker,
        pause=None,
        session=market.view,
        allowed_symbols=keeper.account.allowed_symbols,
        quote=market.default_quote,
        last_price=D("4.98"),
        order_value_usd=D("100.00"),
        exposure_after={"F.SMART": Exposure(24, 0)},
        symbol_value_after_usd=D("120.00"),
        total_value_after_usd=D("170.00"),
        symbols_after=2,
        open_orders_after=2,
        orders_last_second=1,
        replaces_last_minute=3,
        duplicate_of=held.order_id,
        funds_usd=D(1_234),
        day=DayResult(profit_usd=D("9.90"), high_usd=D(0), consecutive_losses=0, paused_until_ns=None),
        open_loss_usd=D(0),
        option_risk=None,
    )


def test_an_order_in_a_new_symbol_counts_one_symbol_more(keeper: Gatekeeper) -> None:
    assert snapshot(keeper, order()).symbols_after == 1
    bought(keeper, 3, terms=stock("GE"))
    seen = [snapshot(keeper, order(terms)).symbols_after for terms in (F, stock("GE"))]
    assert seen == [2, 1]


def test_pauses_show_in_the_snapshot(keeper: Gatekeeper) -> None:
    keeper.account.paused_symbols["F"] = "Ann"
    assert snapshot(keeper, order()).pause == "F, by Ann"
    assert snapshot(keeper, order(stock("GE"))).pause is None
    keeper.account.all_paused_by = "Bob"
    assert snapshot(keeper, order(stock("GE"))).pause == "everything, by Bob"


def test_a_position_without_a_quote_has_the_time_of_a_silence_from_the_opening(keeper: Gatekeeper) -> None:
    account, silence_ns = keeper.account, LIMITS.max_data_silence_seconds * NS_PER_SECOND
    account.roll_day(OPEN_NS - silence_ns)
    keeper.adopt_position("S-ONE", F, 10, D("5.00"))
    assert account.unpriced(OPEN_NS + silence_ns - 1) == []
    assert account.unpriced(OPEN_NS + silence_ns) == ["F.SMART"]


def test_no_quote_is_missed_in_the_evening_of_a_trading_day(keeper: Gatekeeper, market: TableMarket) -> None:
    account, evening_ns = keeper.account, CLOSE_NS + NS_PER_SECOND
    account.roll_day(OPEN_NS)
    keeper.adopt_position("S-ONE", F, 10, D("5.00"))
    assert account.unpriced(evening_ns) == ["F.SMART"]
    market.view = SessionView("closed", False, market.view.day)
    assert account.unpriced(evening_ns) == []
    market.view = SessionView(None, False, None)
    assert account.unpriced(evening_ns) == []


# -- Days and restarts ----------------------------------------------------------------------------


def restarted(record: BreakerRecord) -> Account:
    return Account(LIMITS, TableMarket(), allowed_symbols=frozenset({"F"}), record=record)


def test_a_restart_on_the_same_day_keeps_its_loss_and_pauses() -> None:
    day = DayRecord(
        day=date(2024, 3, 5), realized_usd=D(-45), high_usd=D(2), consecutive_losses=2, paused_until_ns=7
    )
    record = msgspec.structs.replace(
        running(), day=day, paused_symbols={"F": "Ann"}, all_paused_by="loss_per_trade"
    )
    account = restarted(record)
    account.roll_day(NOW_NS)
    result = account.performance.result()
    assert (result.loss_usd, result.drawdown_usd, result.consecutive_losses) == (D(45), D(47), 2)
    assert result.paused_until_ns == 7
    assert (account.paused_symbols, account.all_paused_by) == ({"F": "Ann"}, "loss_per_trade")
    assert account.day == date(2024, 3, 5)


def test_a_restart_on_another_day_starts_afresh() -> None:
    day = DayRecord(day=date(2024, 3, 4), realized_usd=D(-45), high_usd=D(2), consecutive_losses=2)
    account = restarted(msgspec.structs.replace(running(), day=day))
    account.roll_day(NOW_NS)
    assert account.performance.realized_usd == 0
    assert (account.paused_symbols, account.all_paused_by) == ({}, None)


def test_the_day_rolls_at_midnight_in_new_york(keeper: Gatekeeper) -> None:
    account = keeper.account
    bought(keeper, 10)
    bought(keeper, -10, price="4.00")
    account.roll_day(to_ns("2024-03-05T23:59:59-05:00"))
    assert account.performance.realized_usd == -10
    account.roll_day(to_ns("2024-03-06T00:00:00-05:00"))
    assert account.performance.realized_usd == 0
    assert account.day == date(2024, 3, 6)


def test_the_calendar_is_asked_once_a_day(keeper: Gatekeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every intent rolls the day, and a date in New York costs more than most rules."""
    asked: list[int] = []

    def date_of(now_ns: int) -> date:
        asked.append(now_ns)
        return new_york_date(now_ns)

    monkeypatch.setattr("risk.account.new_york_date", date_of)
    midnight_ns = to_ns("2024-03-06T00:00:00-05:00")
    for now_ns in (midnight_ns, midnight_ns, midnight_ns + 1, to_ns("2024-03-06T23:59:59-05:00")):
        keeper.account.roll_day(now_ns)
    assert asked == [midnight_ns]
