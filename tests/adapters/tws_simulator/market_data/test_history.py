"""Historical data: bars, ticks, head time stamps, schedules, and IB's rules about them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.market_data.history_pacing import HistoryPacing, PacedRequest
from adapters.tws_simulator.market_data.history_request import Duration, parse_duration, parse_time
from adapters.tws_simulator.market_data.settings import HistorySettings
from adapters.tws_simulator.messages import IN, OUT
from market.time import to_ns
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, MarketInProcess, contract

SECOND = 10**9
NOON = to_ns("2026-01-02T12:00:00-05:00")


def ask(client: FakeSession, request_id: int = 5, con_id: int = AAPL, **fields: Any) -> None:
    wanted = {
        "barSizeSetting": "1 min",
        "duration": "1 D",
        "whatToShow": "TRADES",
        "useRTH": True,
        "formatDate": 2,
    } | fields
    client.request(
        OUT.REQ_HISTORICAL_DATA,
        "HistoricalDataRequest",
        reqId=request_id,
        contract=contract(con_id, "CBOE" if con_id == SPX else "SMART"),
        **wanted,
    )


def answer(tws: MarketInProcess, client: FakeSession, **fields: Any) -> list[Any]:
    client.take()
    ask(client, **fields)
    tws.run_for(0.05)
    found = client.take(IN.HISTORICAL_DATA)
    return list(found[0].historicalDataBars) if found else []


@pytest.fixture(scope="module")
def tws() -> MarketInProcess:
    return MarketInProcess(now_ns=NOON, data={"history": {"requests_per_ten_minutes_max": 10_000}})


@pytest.fixture
def client(tws: MarketInProcess) -> FakeSession:
    return tws.client(len(tws.broker.sessions.all()) + 1)


def test_bars_cover_the_session_in_order(tws: MarketInProcess, client: FakeSession) -> None:
    bars = answer(tws, client)
    times = [int(bar.date) for bar in bars]
    assert times[0] == to_ns("2026-01-02T09:30:00-05:00") // SECOND
    assert times == list(range(times[0], times[0] + 151 * 60, 60))[: len(times)]
    assert len(times) in {150, 151}
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.low <= float(bar.WAP) <= bar.high
        assert int(bar.volume) > 0
        assert bar.barCount > 0


def test_an_answer_ends_with_its_range_and_closes(tws: MarketInProcess, client: FakeSession) -> None:
    ask(client)
    assert tws.market.history.count(tws.session(client)) == 1
    tws.run_for(0.05)
    assert [number for number in client.ids() if number in {IN.HISTORICAL_DATA, IN.HISTORICAL_DATA_END}] == [
        IN.HISTORICAL_DATA,
        IN.HISTORICAL_DATA_END,
    ]
    end = client.take(IN.HISTORICAL_DATA_END)[0]
    assert end.startDateStr == "20260102 09:30:00 US/Eastern"
    assert tws.market.history.count(tws.session(client)) == 0


def test_a_bar_holds_the_ticks_of_its_time(tws: MarketInProcess, client: FakeSession) -> None:
    bars = answer(tws, client, barSizeSetting="5 mins", duration="3600 S")
    begin = int(bars[3].date) * SECOND
    trades = tws.origin.history.trades(AAPL, begin, begin + 300 * SECOND)
    prices = trades.price / 10_000
    assert (bars[3].open, bars[3].close) == (prices[0], prices[-1])
    assert (bars[3].high, bars[3].low) == (prices.max(), prices.min())
    assert (int(bars[3].volume), bars[3].barCount) == (int(trades.size.sum()), len(prices))


def test_longer_bars_join_shorter_ones(tws: MarketInProcess, client: FakeSession) -> None:
    minutes = answer(tws, client, barSizeSetting="1 min", duration="1 D")
    hours = answer(tws, client, barSizeSetting="1 hour", duration="1 D")
    assert [int(bar.date) % 3600 for bar in hours] == [1800, 0, 0, 0][: len(hours)]
    first = [bar for bar in minutes if int(bar.date) < int(hours[1].date)]
    assert hours[0].open == first[0].open
    assert hours[0].close == first[-1].close
    assert hours[0].high == max(bar.high for bar in first)
    assert int(hours[0].volume) == sum(int(bar.volume) for bar in first)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"barSizeSetting": "1 day", "duration": "1 W"}, 5),
        ({"barSizeSetting": "1 day", "duration": "10 D"}, 10),
        ({"barSizeSetting": "1 day", "duration": "1 Y"}, 251),
        ({"barSizeSetting": "1 week", "duration": "1 M"}, 5),
        ({"barSizeSetting": "1 month", "duration": "6 M"}, 7),
        ({"barSizeSetting": "30 mins", "duration": "2 D"}, 18),
        ({"barSizeSetting": "5 secs", "duration": "60 S"}, 13),
    ],
)
def test_durations_give_their_bars(
    tws: MarketInProcess, client: FakeSession, fields: dict[str, Any], count: int
) -> None:
    bars = answer(tws, client, **fields)
    assert abs(len(bars) - count) <= 1
    if "day" in fields["barSizeSetting"]:
        assert bars[-1].date == "20260102"
        assert all(len(bar.date) == 8 for bar in bars)


@pytest.mark.parametrize("kind", ["BID", "ASK", "MIDPOINT", "BID_ASK"])
def test_bars_of_quotes_have_no_volume(tws: MarketInProcess, client: FakeSession, kind: str) -> None:
    bars = answer(tws, client, whatToShow=kind, barSizeSetting="15 mins")
    assert bars
    assert {(bar.volume, bar.WAP, bar.barCount) for bar in bars} == {("-1", "-1", -1)}


def test_bids_lie_below_mids_below_asks(tws: MarketInProcess, client: FakeSession) -> None:
    found = {
        kind: answer(tws, client, whatToShow=kind, barSizeSetting="15 mins")
        for kind in ("BID", "MIDPOINT", "ASK")
    }
    for bid, mid, offer in zip(*found.values(), strict=True):
        assert bid.close < mid.close < offer.close
        assert bid.low <= mid.low <= offer.low


def test_dates_can_be_text(tws: MarketInProcess, client: FakeSession) -> None:
    bars = answer(tws, client, formatDate=1, barSizeSetting="1 hour")
    assert bars[0].date == "20260102 09:30:00 US/Eastern"


def test_outside_hours_come_when_asked(tws: MarketInProcess, client: FakeSession) -> None:
    bars = answer(tws, client, useRTH=False, barSizeSetting="1 hour")
    assert int(bars[0].date) == to_ns("2026-01-02T04:00:00-05:00") // SECOND


def test_an_end_in_the_past_ends_there(tws: MarketInProcess, client: FakeSession) -> None:
    bars = answer(tws, client, endDateTime="20251231 10:30:00 US/Eastern", duration="1800 S")
    assert int(bars[-1].date) == to_ns("2025-12-31T10:29:00-05:00") // SECOND
    assert len(bars) == 30


def test_volatility_is_historical_data_too(tws: MarketInProcess, client: FakeSession) -> None:
    for kind in ("OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY"):
        bars = answer(tws, client, whatToShow=kind, barSizeSetting="1 day", duration="1 M")
        assert len(bars) > 15
        assert all(0.03 < bar.close < 2 for bar in bars)


def test_options_and_indexes_have_a_past(tws: MarketInProcess, client: FakeSession) -> None:
    option = tws.universe.options_of(AAPL)[20]
    for con_id in (SPX, option.con_id):
        bars = answer(tws, client, con_id=con_id, barSizeSetting="1 hour")
        assert len(bars) in {3, 4}
        assert all(bar.low <= bar.close <= bar.high for bar in bars)


def test_a_schedule_lists_sessions(tws: MarketInProcess, client: FakeSession) -> None:
    client.take()
    ask(client, whatToShow="SCHEDULE", barSizeSetting="1 day", duration="3 D")
    tws.run_for(0.05)
    (schedule,) = client.take(IN.HISTORICAL_SCHEDULE)
    assert schedule.timeZone == "US/Eastern"
    assert [session.refDate for session in schedule.historicalSessions] == [
        "20251230",
        "20251231",
        "20260102",
    ]
    assert schedule.historicalSessions[0].startDateTime == "20251230-09:30:00"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"barSizeSetting": "7 mins"}, 321),
        ({"duration": "1 H"}, 321),
        ({"duration": "0 D"}, 321),
        ({"duration": "400 D"}, 321),
        ({"duration": "100000 S"}, 321),
        ({"duration": "30 Y"}, 162),
        ({"barSizeSetting": "1 secs", "duration": "1 D"}, 162),
        ({"barSizeSetting": "5 secs", "duration": "3601 S"}, 162),
        ({"whatToShow": "PRICES"}, 321),
        ({"whatToShow": "FEE_RATE"}, 162),
        ({"endDateTime": "yesterday"}, 10314),
        ({"endDateTime": "20260102 10:00:00 Mars/Base"}, 10314),
        ({"endDateTime": "20260102-10:00:00", "keepUpToDate": True}, 321),
        ({"endDateTime": "20260102-10:00:00", "whatToShow": "ADJUSTED_LAST"}, 321),
        ({"endDateTime": "19900102-10:00:00"}, 162),
        ({"con_id": SPX, "whatToShow": "BID"}, 162),
        ({"con_id": 5}, 200),
        ({"formatDate": 3}, 321),
    ],
)
def test_what_tws_refuses_is_refused(
    tws: MarketInProcess, client: FakeSession, fields: dict[str, Any], code: int
) -> None:
    client.take()
    ask(client, **fields)
    tws.run_for(0.05)
    assert client.take_errors() == [(5, code)]
    assert tws.market.history.count(tws.session(client)) == 0


def test_bars_are_kept_up_to_date_until_cancelled() -> None:
    tws = MarketInProcess(now_ns=NOON)
    client = tws.client(1)
    ask(client, keepUpToDate=True, duration="1800 S")
    tws.run_for(0.05)
    last = client.take(IN.HISTORICAL_DATA)[0].historicalDataBars[-1].date
    tws.run_for(125.0)
    dates = [update.historicalDataBar.date for update in client.take(IN.HISTORICAL_DATA_UPDATE)]
    assert len(dates) >= 25
    assert dates == sorted(dates)
    assert dates[0] == last
    assert int(dates[-1]) == (tws.broker.market_ns // SECOND - 5) // 60 * 60
    assert len(set(dates)) >= 3
    client.request(OUT.CANCEL_HISTORICAL_DATA, "CancelHistoricalData", reqId=5)
    client.request(OUT.CANCEL_HISTORICAL_DATA, "CancelHistoricalData", reqId=5)
    assert client.take_errors() == [(5, 162), (5, 366)]
    tws.run_for(10.0)
    assert client.take(IN.HISTORICAL_DATA_UPDATE) == []


def test_fifty_requests_may_be_open() -> None:
    tws = MarketInProcess(now_ns=NOON, data={"history": {"open_requests_max": 3}})
    first, second = tws.client(1), tws.client(2)
    for request_id in range(3):
        ask(first, request_id, keepUpToDate=True)
    ask(second, 9)
    assert second.take_errors() == [(9, 322)]
    first.disconnect()
    ask(second, 10)
    assert second.take_errors() == []


def test_a_head_time_stamp_is_the_first_price(tws: MarketInProcess, client: FakeSession) -> None:
    for form, length in ((1, 17), (2, 10)):
        wanted = {"contract": contract(AAPL), "whatToShow": "TRADES", "formatDate": form}
        client.request(OUT.REQ_HEAD_TIMESTAMP, "HeadTimestampRequest", reqId=form, **wanted)
        tws.run_for(0.05)
        (head,) = client.take(IN.HEAD_TIMESTAMP)
        assert len(head.headTimestamp) == length


def ticks(tws: MarketInProcess, client: FakeSession, kind: str, **fields: Any) -> list[Any]:
    client.take()
    wanted = {"contract": contract(AAPL), "numberOfTicks": 10, "whatToShow": kind} | fields
    client.request(OUT.REQ_HISTORICAL_TICKS, "HistoricalTicksRequest", reqId=7, **wanted)
    tws.run_for(0.05)
    for number in (IN.HISTORICAL_TICKS, IN.HISTORICAL_TICKS_BID_ASK, IN.HISTORICAL_TICKS_LAST):
        found = client.take(number)
        if found:
            assert found[0].isDone
            return list(found[0].ListFields()[1][1])
    return []


@pytest.mark.parametrize("kind", ["TRADES", "BID_ASK", "MIDPOINT"])
def test_ticks_end_or_begin_where_asked_with_whole_seconds(
    tws: MarketInProcess, client: FakeSession, kind: str
) -> None:
    moment = to_ns("2026-01-02T11:00:00-05:00") // SECOND
    before = ticks(tws, client, kind, endDateTime="20260102-16:00:00")
    assert len(before) >= 10
    assert all(tick.time < moment for tick in before)
    assert sum(tick.time > before[0].time for tick in before) < 10
    after = ticks(tws, client, kind, startDateTime="20260102 11:00:00 US/Eastern")
    assert len(after) >= 10
    assert all(tick.time >= moment for tick in after)
    assert [tick.time for tick in after] == sorted(tick.time for tick in after)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"numberOfTicks": 0, "endDateTime": "20260102-16:00:00"}, 321),
        ({"numberOfTicks": 1001, "endDateTime": "20260102-16:00:00"}, 321),
        ({}, 321),
        ({"startDateTime": "20260102-16:00:00", "endDateTime": "20260102-16:00:00"}, 321),
        ({"whatToShow": "ALL", "endDateTime": "20260102-16:00:00"}, 321),
    ],
)
def test_wrong_requests_for_ticks_are_refused(
    tws: MarketInProcess, client: FakeSession, fields: dict[str, Any], code: int
) -> None:
    client.take()
    wanted = {"contract": contract(AAPL), "numberOfTicks": 10, "whatToShow": "TRADES"} | fields
    client.request(OUT.REQ_HISTORICAL_TICKS, "HistoricalTicksRequest", reqId=7, **wanted)
    assert client.take_errors() == [(7, code)]


def test_small_bars_are_paced_and_long_ones_are_not() -> None:
    tws = MarketInProcess(now_ns=NOON)
    client = tws.client(1)
    for request_id in (1, 2):
        ask(client, request_id, barSizeSetting="5 secs", duration="60 S")
        ask(client, request_id + 10, barSizeSetting="1 min", duration="60 S")
    assert client.take_errors() == [(2, 162)]
    tws.run_for(15.1)
    client.take()
    ask(client, 3, barSizeSetting="5 secs", duration="60 S")
    assert client.take_errors() == []


requests = st.tuples(
    st.integers(0, 4 * SECOND), st.integers(1, 3), st.sampled_from(["TRADES", "BID_ASK"]), st.integers(1, 9)
)


@settings(max_examples=200)
@given(st.lists(requests, max_size=120))
def test_no_admitted_requests_break_a_pacing_rule(steps: list[tuple[int, int, str, int]]) -> None:
    rules = HistorySettings(requests_per_ten_minutes_max=20)
    pacing = HistoryPacing(rules)
    admitted: list[tuple[int, PacedRequest]] = []
    now = 0
    for gap, con_id, kind, variant in steps:
        now += gap
        request = PacedRequest((con_id, kind, variant), con_id, "SMART", kind)
        recent = [(ts, before) for ts, before in admitted if now - ts < 600 * SECOND]
        weight = 2 if kind == "BID_ASK" else 1
        same = [before for ts, before in recent if now - ts < 2 * SECOND and before[1:] == request[1:]]
        breaks = (
            sum(before.weight for _, before in recent) + weight > 20
            or any(before == request and now - ts < 15 * SECOND for ts, before in recent)
            or sum(before.weight for before in same) + weight >= 6
        )
        if breaks:
            with pytest.raises(Refused, match=r"162: .*pacing violation"):
                pacing.admit(request, now)
        else:
            pacing.admit(request, now)
            admitted.append((now, request))


def test_durations_and_times_are_understood() -> None:
    assert parse_duration("1800 S") == Duration(seconds=1800)
    assert parse_duration(" 2 D ") == Duration(sessions=2)
    assert parse_duration("1 Y") == Duration(days=365)
    assert parse_time("") is None
    assert parse_time("20230224 12:04:56 US/Eastern") == to_ns("2023-02-24T12:04:56-05:00")
    assert parse_time("20230224 12:04:56") == to_ns("2023-02-24T12:04:56-05:00")
    assert parse_time("20230224-12:04:56") == to_ns("2023-02-24T12:04:56Z")
    assert parse_time("20230224 12:04:56 UTC") == to_ns("2023-02-24T12:04:56Z")
