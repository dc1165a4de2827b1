"""The Nautilus shell in a real backtest engine."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from nautilus_trader.model.data import BookOrder, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OrderSide,
    OrderStatus,
    OrderType,
    RecordFlag,
)
from nautilus_trader.model.events import OrderUpdated
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import Price, Quantity

from audit.events import ALERTS_TOPIC, AlertRecord
from market.errors import ConfigError, StrategyError
from market.time import NS_PER_SECOND
from strategies.intraday.correlation import correlation_id_of
from strategies.intraday.strategy import IntradayStrategy
from tests.strategies.builders import TEN_NS, at_new_york
from tests.strategies.engine import BAC, Run, new_engine, play, quote, quotes, strategy

pytestmark = pytest.mark.usefixtures("scripted")

ALWAYS: dict[str, Any] = {"enter_at_ns": TEN_NS, "enter_until_ns": at_new_york(16)}
SECOND = NS_PER_SECOND
SCRIPTED = Path(__file__).parents[1] / "decisions" / "scripted.py"


def test_a_round_trip_leaves_orders_and_records_that_tell_of_each_other() -> None:
    run = play(quotes(TEN_NS, 60), strategy(**ALWAYS, exit_at_ns=TEN_NS + 30 * SECOND, cooldown_ms=3_600_000))
    assert run.told()[:2] == [("enter", "sent", "told_to"), ("exit", "sent", "told_to")]
    assert [correlation_id_of(order.tags) for order in run.orders] == [
        record.correlation_id for record in run.records if record.outcome == "sent"
    ]
    assert [order.status for order in run.orders] == [OrderStatus.FILLED] * 2
    assert run.records[0].strategy_id == str(run.orders[0].strategy_id) == "IntradayStrategy-test"
    assert run.records[0].features["bid"] == 5.00
    assert run.net() == 0


def test_decisions_keep_their_cadence_in_event_time() -> None:
    data = quotes(TEN_NS, 20, every_ms=100)
    run = play(data, strategy(**ALWAYS, decision_interval_ms=7_000))
    assert (run.records[0].ts_ns - TEN_NS) % (100 * 1_000_000) == 0
    slow = play(
        data,
        strategy(enter_at_ns=TEN_NS + SECOND, enter_until_ns=at_new_york(16), decision_interval_ms=7_000),
    )
    assert slow.records[0].ts_ns >= TEN_NS + 7 * SECOND


def test_an_order_that_nautilus_denies_is_recorded_and_backs_off() -> None:
    run = play(
        quotes(TEN_NS, 10),
        strategy(**ALWAYS, rejection_backoff_ms=4_000),
        account_type=AccountType.CASH,  # on margin Nautilus ignores the notional
        max_notional_per_order=10,
    )
    assert run.told()[:2] == [("enter", "sent", "told_to"), ("enter", "refused", "order_denied")]
    assert "NOTIONAL_EXCEEDS_MAX_PER_ORDER" in str(run.records[1].refused_by)
    assert ("enter", "suppressed", "backing_off_after_rejection") in run.told()
    assert len(run.orders) < 4
    assert run.net() == 0


def test_an_order_that_the_venue_rejects_is_recorded_and_backs_off() -> None:
    run = play(
        quotes(TEN_NS, 10),
        strategy(**ALWAYS, side="sell", allow_short=True, rejection_backoff_ms=60_000),
        account_type=AccountType.CASH,
    )
    assert run.told()[1][:2] == ("enter", "refused")
    assert run.orders[0].status in (OrderStatus.REJECTED, OrderStatus.DENIED)
    assert len(run.orders) == 1


def test_a_marketable_entry_takes_what_is_there_and_that_much_is_exited() -> None:
    run = play(
        quotes(TEN_NS, 60, sizes=(500, 4)),
        strategy(**ALWAYS, exit_at_ns=TEN_NS + 30 * SECOND, marketable_offset_ticks=0),
    )
    entry, leave = run.orders[:2]
    assert entry.status == OrderStatus.CANCELED
    assert (int(entry.filled_qty), int(leave.quantity), int(leave.filled_qty)) == (4, 4, 4)
    assert run.net() == 0


def test_a_passive_entry_follows_the_bid_within_its_rate() -> None:
    data = [quote(TEN_NS + step * SECOND, 5.00 + step / 100, 5.01 + step / 100) for step in range(20)]
    run = play(
        data,
        strategy(
            **ALWAYS, entry_style="passive", follows=True, entry_timeout_ms=60_000, replaces_per_minute_max=5
        ),
    )
    assert [record.action for record in run.records if record.outcome == "sent"][:6] == ["enter"] + [
        "replace"
    ] * 5
    assert ("replace", "suppressed", "replace_rate") in run.told()
    assert float(run.orders[0].price) == pytest.approx(5.06)  # entered at 5.01


def test_an_entry_follows_on_although_the_venue_writes_its_price_with_fewer_decimals() -> None:
    data = [quote(TEN_NS + step * SECOND, 5.07 + step / 100, 5.08 + step / 100) for step in range(8)]
    made = strategy(**ALWAYS, entry_style="passive", follows=True, entry_timeout_ms=60_000)
    run = new_engine(data, [made])

    def shorten(event: Any) -> None:  # 5.1000 as 5.1
        if isinstance(event, OrderUpdated):
            values = OrderUpdated.to_dict(event)
            values["price"] = f"{float(event.price):g}"
            run.engine.cache.order(event.client_order_id).apply(OrderUpdated.from_dict(values))

    run.engine.kernel.msgbus.subscribe("events.order.*", shorten, priority=100)
    run.engine.run()
    assert str(run.orders[0].price) == "5.14"
    assert ("replace", "refused", "replace_rejected") not in run.told()


def test_an_entry_that_does_not_fill_is_withdrawn() -> None:
    run = play(
        quotes(TEN_NS, 10),
        strategy(**ALWAYS, entry_style="passive", entry_timeout_ms=3_000),
    )
    assert ("cancel", "sent", "entry_timeout") in run.told()
    assert run.orders[0].status == OrderStatus.CANCELED


def test_a_passive_exit_is_worked_to_the_market() -> None:
    falling = [quote(TEN_NS + step * SECOND // 2, 5.00, 5.01, sizes=(500, 500)) for step in range(60)]
    run = play(
        falling,
        strategy(**ALWAYS, exit_at_ns=TEN_NS + 5 * SECOND, exit_style="passive", exit_reprice_ms=1_000),
    )
    assert ("replace", "sent", "exit_repriced") in run.told()
    assert run.net() == 0


@pytest.mark.parametrize(
    ("day", "flat_at", "last"),
    [
        (date(2013, 10, 7), (15, 55), (15, 59)),
        (date(2013, 11, 29), (12, 55), (12, 59)),  # early close at 13:00
    ],
)
def test_what_is_held_is_sold_at_the_flat_time(
    day: date, flat_at: tuple[int, int], last: tuple[int, int]
) -> None:
    start = at_new_york(12, 30, day=day)
    data = quotes(start, (at_new_york(*last, day=day) - start) / SECOND, every_ms=5_000)
    run = play(data, strategy(enter_at_ns=start, enter_until_ns=start + 60 * SECOND))
    leave = run.orders[-1]
    assert run.told()[-1] == ("exit", "sent", "flat_before_close")
    assert leave.ts_init == at_new_york(*flat_at, day=day)
    assert run.net() == 0


def test_what_is_held_is_sold_at_the_flat_time_although_ticks_have_stopped() -> None:
    run = play(quotes(TEN_NS, 60), strategy(**ALWAYS), end_ns=at_new_york(16))
    leave = run.orders[-1]
    assert leave.order_type == OrderType.MARKET  # the last quote is hours old
    assert leave.ts_init == at_new_york(15, 55)
    assert run.net() == 0


def test_no_entry_in_the_open_ramp_or_after_the_cutoff() -> None:
    data = quotes(at_new_york(9, 20), 20 * 60, every_ms=5_000) + quotes(
        at_new_york(15, 40), 25 * 60, every_ms=5_000
    )
    run = play(data, strategy(enter_at_ns=1, enter_until_ns=at_new_york(17), cooldown_ms=0, exit_at_ns=1))
    entries = [
        record.ts_ns for record in run.records if record.action == "enter" and record.outcome == "sent"
    ]
    assert min(entries) >= at_new_york(9, 35)
    assert max(entries) < at_new_york(15, 45)
    assert all(order.ts_init < at_new_york(16) for order in run.orders)


def test_a_session_does_not_see_the_day_before() -> None:
    tomorrow = date(2013, 10, 8)
    data = quotes(TEN_NS, 30) + quotes(at_new_york(10, day=tomorrow), 30)
    run = play(
        data, strategy(enter_at_ns=at_new_york(9, day=tomorrow), enter_until_ns=at_new_york(16, day=tomorrow))
    )
    assert "momentum_bps" not in run.records[0].features


def test_stopping_closes_what_is_open() -> None:
    run = play(quotes(TEN_NS, 10), strategy(**ALWAYS))
    assert run.told()[-1] == ("exit", "sent", "standing_down")
    assert run.net() == 0


def test_stopping_leaves_the_position_when_told_to() -> None:
    run = play(quotes(TEN_NS, 10), strategy(**ALWAYS, flattens_on_stop=False))
    assert run.net() == 10


def told_and_traded(run: Run) -> Any:
    return list(run.records), [
        (order.client_order_id.value, order.status, str(order.filled_qty), order.avg_px)
        for order in run.orders
    ]


def restless(seed: int) -> list[QuoteTick]:
    """Return four quotes a second of a price and of queues that wander at random."""
    chance, cents, ticks = Random(seed), 500, []
    for step in range(2_000):
        cents += chance.choice((-1, 0, 0, 0, 1))
        sizes = (chance.randrange(100, 1_000), chance.randrange(100, 1_000))
        ticks.append(quote(TEN_NS + step * SECOND // 4, cents / 100, (cents + 1) / 100, sizes=sizes))
    return ticks


def busy() -> IntradayStrategy:
    return strategy(
        "harvester",
        imbalance_min=0.2,
        order_flow_ratio_min=0.0,
        momentum_bps_min=0.0,
        spread_bps_max=100.0,
        stop_loss_bps=150.0,
        volatility_bps_max=900.0,
        cooldown_ms=1_000,
        time_stop_ms=5_000,
        momentum_horizon_ms=1_000,
        volatility_window_ms=5_000,
        volatility_bps_min=0.0,
        entry_style="marketable",
    )


def test_the_same_day_gives_the_same_decisions_run_after_run() -> None:
    first, second = (told_and_traded(play(restless(11), busy())) for _ in range(2))
    assert first == second
    assert len(first[1]) > 10


def test_a_reset_engine_repeats_the_run() -> None:
    run = new_engine(restless(11), [busy()])
    run.engine.run()
    first = told_and_traded(run)
    run.records.clear()
    run.engine.reset()
    run.engine.run()
    assert told_and_traded(run) == first


def test_symbols_do_not_touch_each_other() -> None:
    spy = InstrumentId.from_str("SPY.SMART")
    other = quotes(TEN_NS + 1, 60, instrument_id=spy, bid=7.00, ask=7.01)
    run = play(
        quotes(TEN_NS, 60) + other,
        strategy(**ALWAYS, instrument_ids=("BAC.SMART", "SPY.SMART"), flattens_on_stop=False),
    )
    bought = {str(order.instrument_id): order.avg_px for order in run.orders}
    assert bought == {"BAC.SMART": 5.01, "SPY.SMART": 7.01}
    assert {record.correlation_id.split("-")[1] for record in run.records} == {"BAC", "SPY"}


def delta(ts_ns: int, side: OrderSide, price: float, size: int) -> OrderBookDelta:
    order = BookOrder(side, Price(price, 4), Quantity.from_int(size), 0)
    return OrderBookDelta(BAC, BookAction.ADD, order, RecordFlag.F_LAST, 0, ts_ns, ts_ns)


def test_depth_is_seen_where_it_is_there() -> None:
    book = [
        delta(TEN_NS - 4, OrderSide.BUY, 5.00, 500),
        delta(TEN_NS - 3, OrderSide.BUY, 4.99, 400),
        delta(TEN_NS - 2, OrderSide.SELL, 5.01, 100),
        delta(TEN_NS - 1, OrderSide.SELL, 5.02, 200),
    ]
    run = play(
        book + quotes(TEN_NS, 10),
        strategy(**ALWAYS, has_depth=True, book_levels=2),
        book_type=BookType.L2_MBP,
    )
    assert run.records[0].features["book_imbalance"] == pytest.approx((900 - 300) / 1_200)
    assert run.orders[0].status == OrderStatus.FILLED


def test_trades_of_the_session_make_its_vwap() -> None:
    def trade(ts_ns: int, price: float, size: int) -> TradeTick:
        return TradeTick(
            BAC,
            Price(price, 4),
            Quantity.from_int(size),
            AggressorSide.BUYER,
            TradeId(str(ts_ns)),
            ts_ns,
            ts_ns,
        )

    before_the_open = trade(at_new_york(9), 9.00, 100)
    trades = [trade(TEN_NS + 2, 5.00, 100), trade(TEN_NS + 3, 5.04, 300)]
    run = play([before_the_open, *trades, *quotes(TEN_NS, 10)], strategy(**ALWAYS))
    assert run.records[0].features["vwap"] == pytest.approx(5.03)


def test_an_instrument_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"SPY\.SMART is not among the instruments"):
        play(quotes(TEN_NS, 1), strategy(instrument_ids=("SPY.SMART",)))


def test_a_decision_that_raises_ends_the_run_and_its_author_reads_where() -> None:
    with pytest.raises(StrategyError) as raised:
        play(quotes(TEN_NS, 10), strategy(raise_at_ns=TEN_NS + 5 * SECOND))
    lines = SCRIPTED.read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "raise RuntimeError" in line)
    assert str(raised.value).startswith(
        f"Your strategy strategies/scripted.py, line {number}, raised RuntimeError: scripted failure "
        "at 2013-10-07 10:00:05 New York for BAC."
    )
    assert isinstance(raised.value.__cause__, RuntimeError)


def test_a_decision_that_returns_nothing_ends_the_run_and_its_author_reads_why() -> None:
    with pytest.raises(StrategyError, match=r"strategies/scripted\.py returned None from decide .* for BAC"):
        play(quotes(TEN_NS, 10), strategy(forget_at_ns=TEN_NS + 5 * SECOND))


def test_a_decision_of_the_wrong_type_ends_the_run_and_its_author_reads_where() -> None:
    with pytest.raises(
        StrategyError, match=r"strategies/scripted\.py, line \d+, raised ValueError: Decision intent is 'buy'"
    ):
        play(quotes(TEN_NS, 10), strategy(mistype_at_ns=TEN_NS + 5 * SECOND))


def test_an_error_of_our_own_is_not_blamed_on_the_author(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("strategies.intraday.symbol_trader.SymbolTrader._snapshot", broken)
    with pytest.raises(RuntimeError, match="ours"):
        play(quotes(TEN_NS, 10), strategy())


def test_live_a_decision_that_raises_closes_its_symbol_and_leaves_it_alone() -> None:
    run = play(
        quotes(TEN_NS, 30),
        strategy(
            **ALWAYS, raise_at_ns=TEN_NS + 5 * SECOND, stands_down_on_error=True, flattens_on_stop=False
        ),
    )
    assert run.told()[-1] == ("exit", "sent", "standing_down")
    assert len(run.orders) == 2
    assert run.net() == 0


def play_on(run: Run, data: list[QuoteTick]) -> None:
    """Let a streamed run go on with more data."""
    run.engine.clear_data()
    run.engine.add_data(data)
    run.engine.run(streaming=True)


def test_a_resumed_strategy_takes_over_its_position() -> None:
    made = strategy(**ALWAYS, exit_at_ns=TEN_NS + 60 * SECOND, flattens_on_stop=False, cooldown_ms=3_600_000)
    run = new_engine(quotes(TEN_NS, 10), [made])
    run.engine.run(streaming=True)
    made.stop()
    assert run.net() == 10
    made.resume()
    play_on(run, quotes(TEN_NS + 30 * SECOND, 60))
    assert ("exit", "sent", "told_to") in run.told()
    assert len(run.orders) == 2
    assert run.net() == 0


def test_it_puts_on_record_what_it_acts_on_beside_data() -> None:
    made = strategy(**ALWAYS, cooldown_ms=3_600_000)
    run = new_engine(quotes(at_new_york(15, 44), 10), [made])
    told: list[AlertRecord] = []
    run.engine.kernel.msgbus.subscribe(topic=ALERTS_TOPIC, handler=told.append)
    run.engine.run(start=at_new_york(15, 44), end=at_new_york(16, 1))
    made.on_load({})
    actions = [alert.action for alert in told]
    assert actions[0] == "start"
    assert "alert" in actions
    assert actions[-2:] == ["stop", "load"]
    assert {alert.strategy_id for alert in told} == {str(made.id)}
    alerts = [alert.now_ns for alert in told if alert.action == "alert"]
    assert alerts[0] == made._session_clock.window_at(at_new_york(15)).flat_ns


def test_a_stopped_strategy_sees_no_ticks() -> None:
    made = strategy(enter_at_ns=TEN_NS + 30 * SECOND, enter_until_ns=at_new_york(16))
    run = new_engine(quotes(TEN_NS, 10), [made])
    run.engine.run(streaming=True)
    made.stop()
    play_on(run, quotes(TEN_NS + 30 * SECOND, 60))
    assert run.records == []


def test_a_market_exit_of_nautilus_is_not_doubled_and_nothing_is_entered_after_it() -> None:
    made = strategy(**ALWAYS, cooldown_ms=0, entry_style="marketable")
    run = new_engine(quotes(TEN_NS, 10), [made])
    run.engine.run(streaming=True)
    assert run.net() == 10
    made.market_exit()
    play_on(run, quotes(TEN_NS + 10 * SECOND, 60))
    assert [int(order.quantity) for order in run.orders] == [10, 10]
    assert run.net() == 0


def test_what_must_survive_a_restart_does() -> None:
    run = new_engine(quotes(TEN_NS, 10), [strategy(**ALWAYS)])
    run.engine.run()
    (before,) = run.engine.trader.strategies()
    after = strategy(**ALWAYS)
    after.on_load(before.on_save())
    assert after.on_save() == before.on_save()
    assert b'"sequence":2' in after.on_save()["BAC.SMART"]
