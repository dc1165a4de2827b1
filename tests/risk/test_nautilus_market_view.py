"""What the gate sees of the market in Nautilus' cache: trades, quotes, greeks, funds, sessions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Money

from market.calendar import Session, TradingCalendar
from market.time import NS_PER_SECOND, to_ns
from risk.drills.nautilus_options import option_quotes, put
from risk.market_view import Greeks
from risk.snapshot import Quote, Touch
from tests.risk.nautilus_rig import START_NS, F, Rig, buy, quotes, scripted, shares, usd
from tests.risk.table_market import stock


def test_the_last_trade_is_a_collar_too() -> None:
    trade = TradeTick(F, usd("4.0000"), shares(100), AggressorSide.BUYER, TradeId("1"), START_NS, START_NS)
    rig = Rig(data=quotes("F", count=5))
    rig.engine.add_data([trade])
    rig.run(scripted({2: lambda each: each.submit_order(buy(each, 10))}))
    assert rig.rules() == ["price_collar"]
    assert "last trade 4," in rig.recorder.refusals[0].reason


def test_without_a_source_of_greeks_they_are_unknown() -> None:
    rig = Rig()
    assert rig.gate.keeper.account.market.greeks(stock()) is None
    known = Rig(greeks=lambda _: Greeks(0.5, 0.1))
    assert known.gate.keeper.account.market.greeks(stock()) == Greeks(0.5, 0.1)


def test_funds_are_unknown_without_exactly_one_account() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view = rig.gate.keeper.account.market
    assert view.funds_usd() == 100_000
    accounts = rig.engine.cache.accounts()
    view._cache = SimpleNamespace(accounts=list)  # type: ignore[attr-defined]
    assert view.funds_usd() is None
    view._cache = SimpleNamespace(accounts=lambda: accounts * 2)  # type: ignore[attr-defined]
    assert view.funds_usd() is None
    empty = [SimpleNamespace(balance_total=lambda _currency: None)]
    view._cache = SimpleNamespace(accounts=lambda: empty)  # type: ignore[attr-defined]
    assert view.funds_usd() is None


def test_funds_follow_the_balance_of_the_account() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view = rig.gate.keeper.account.market
    balances = [Money(50, USD), Money(50, USD), Money(40, USD)]
    account = SimpleNamespace(balance_total=lambda _currency: balances[0])
    view._cache = SimpleNamespace(accounts=lambda: [account])  # type: ignore[attr-defined]
    seen = []
    while balances:
        seen.append(view.funds_usd())
        balances.pop(0)
    assert seen == [50, 50, 40]


def test_a_quote_is_converted_once_and_again_when_it_changes() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view, cache = rig.gate.keeper.account.market, rig.engine.cache
    first = view.quote(rig.gate.instruments.terms(F))
    assert view.quote(rig.gate.instruments.terms(F)) is first
    later = quotes("F", count=1, bid="4.9500", ask="4.9700")[0]
    cache.add_quote_tick(later)
    assert view.quote(rig.gate.instruments.terms(F)) == Quote(
        Decimal("4.95"), Decimal("4.97"), 10_000, 10_000, later.ts_event
    )


def test_days_without_a_session_are_closed_and_the_calendar_follows_the_clock() -> None:
    view = Rig().gate.keeper.account.market
    saturday = view.session(to_ns("2024-03-09T11:00:00-05:00"))
    assert (saturday.phase, saturday.entries_allowed, saturday.day) == ("closed", False, None)
    monday = view.session(to_ns("2024-03-11T11:00:00-04:00"))
    assert (monday.phase, monday.entries_allowed) == ("trading", True)
    assert monday.day is not None
    assert monday.day.close_ns == to_ns("2024-03-11T16:00:00-04:00")
    assert view.session(to_ns("2024-03-11T15:35:00-04:00")).phase == "close_cutoff"
    years_later = view.session(to_ns("2026-07-02T11:00:00-04:00"))
    assert years_later.phase == "trading"


def test_option_quotes_reach_the_view() -> None:
    option = put(500)
    rig = Rig(symbols=(), others=(option,), data=option_quotes(option.id, "1.00", "1.10", count=3))
    rig.engine.run()
    quote = rig.gate.keeper.account.market.quote(rig.gate.instruments.terms(option.id))
    assert quote is not None
    assert (quote.bid, quote.ask, quote.bid_size) == (Decimal("1.00"), Decimal("1.10"), 50)


def test_an_instrument_without_quotes_has_none() -> None:
    assert Rig().gate.keeper.account.market.quote(stock("GE")) is None


def test_the_last_price_may_be_asked_for_before_any_quote() -> None:
    assert Rig().gate.keeper.account.market.last_price(stock("GE")) is None


class SaturdayMarket(TradingCalendar):
    """A calendar of one Saturday that has a session; notes which days are asked for."""

    def __init__(self) -> None:
        self.start = self.end = date(2024, 3, 9)
        self.asked: list[date] = []

    def session_on(self, day: date) -> Session:
        self.asked.append(day)
        open_ns = to_ns("2024-03-09T09:30:00-05:00")
        return Session(day, open_ns, open_ns + 6 * 3600 * NS_PER_SECOND, False)


def test_a_days_windows_are_made_once_and_by_the_calendar_that_was_given() -> None:
    calendar = SaturdayMarket()
    view = Rig(calendar=calendar).gate.keeper.account.market
    for time in ("00:00:00", "00:00:00", "11:00:00", "23:59:59"):
        phase = view.session(to_ns(f"2024-03-09T{time}-05:00")).phase
        assert phase == ("trading" if time == "11:00:00" else "closed")
    assert calendar.asked == [date(2024, 3, 9)]


def test_each_day_has_its_own_session() -> None:
    view = Rig().gate.keeper.account.market
    for day in ("05", "06", "07"):
        session = view.session(to_ns(f"2024-03-{day}T11:00:00-05:00")).day
        assert session is not None
        assert session.close_ns == to_ns(f"2024-03-{day}T16:00:00-05:00")
    assert view.session(to_ns("2024-03-09T11:00:00-05:00")).phase == "closed"


@pytest.mark.parametrize(
    ("bid", "ask", "of_stock", "of_option"),
    [
        ("4.9900", "5.0000", True, True),
        ("5.0000", "5.0000", True, True),
        ("5.0100", "5.0000", False, False),
        ("0.0000", "5.0000", False, True),
        ("-1.0000", "5.0000", False, False),
        ("0.0000", "-1.0000", False, False),
    ],
)
def test_a_touch_is_unknown_where_it_crosses_and_of_a_stock_without_a_bid(
    bid: str, ask: str, of_stock: bool, of_option: bool
) -> None:
    """An option that nobody bids for may be worth nothing; a stock without a bid has no price."""
    option = put(500)
    rig = Rig(others=(option,), data=quotes("F", count=1, bid=bid, ask=ask))
    market, cache = rig.gate.keeper.account.market, rig.engine.cache
    for instrument_id, is_known in ((F, of_stock), (option.id, of_option)):
        size = shares(1)
        cache.add_quote_tick(QuoteTick(instrument_id, usd(bid), usd(ask), size, size, START_NS, START_NS))
        touch = market.touch(rig.gate.instruments.terms(instrument_id))
        assert touch == (Touch(Decimal(bid), Decimal(ask)) if is_known else None)


def test_the_phase_follows_the_clock_forwards_and_backwards() -> None:
    view = Rig().gate.keeper.account.market
    times = ("11:00:00", "15:29:59.999999999", "15:30:00", "15:50:00", "16:00:00", "23:59:59", "09:30:00")
    phases = [view.session(to_ns(f"2024-03-05T{time}-05:00")).phase for time in times]
    assert phases == [
        "trading", "trading", "close_cutoff", "flatten", "closed", "closed", "open_ramp",
    ]  # fmt: skip
    assert view.session(to_ns("2024-03-05T09:29:59.999999999-05:00")).phase == "closed"
    assert view.session(to_ns("2024-03-05T11:00:00-05:00")).entries_allowed


def test_a_quote_that_the_cache_forgets_is_unknown() -> None:
    rig = Rig()
    rig.run(scripted({}))
    view, terms = rig.gate.keeper.account.market, rig.gate.instruments.terms(F)
    assert (view.quote(terms) is None, view.touch(terms) is None) == (False, False)
    view._quote_tick = lambda _id: None  # type: ignore[attr-defined]
    assert (view.quote(terms), view.touch(terms)) == (None, None)
