"""What the universe holds and how a client's contract finds it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.contracts.build import recorded_universe, synthetic_universe
from adapters.tws_simulator.contracts.listings import isin_check_digit
from adapters.tws_simulator.contracts.market_rules import RULES, increment
from adapters.tws_simulator.contracts.resolution import legs_of, the_listing
from adapters.tws_simulator.contracts.settings import ChainSettings, ContractSettings
from adapters.tws_simulator.contracts.universe import ListedUniverse
from adapters.tws_simulator.interfaces import TradingPhase
from adapters.tws_simulator.messages import Message, message_type
from market.errors import ConfigError
from market.time import to_ns

DAY = date(2026, 1, 2)
AAPL, SPX = 265598, 416904


@cache
def universe() -> ListedUniverse:
    return synthetic_universe(ContractSettings(symbols=("ZZZZ",)), DAY).universe


def contract(**fields: object) -> Message:
    return message_type("Contract")(**fields)


def test_contract_ids_are_unique_and_the_same_at_every_start() -> None:
    again = synthetic_universe(ContractSettings(symbols=("ZZZZ",)), DAY).universe
    ids = [listing.con_id for listing in universe().listings()]
    assert len(set(ids)) == len(ids) == len(again.listings())
    assert ids == [listing.con_id for listing in again.listings()] == sorted(ids)


def test_every_isin_has_a_valid_check_digit() -> None:
    stocks = [item for item in universe().listings() if item.security_type == "STK"]
    assert all(item.isin for item in stocks)
    assert [item.isin[-1] for item in stocks] == [isin_check_digit(item.isin[:-1]) for item in stocks]


@pytest.mark.parametrize(
    ("fields", "symbols"),
    [
        ({"conId": AAPL}, ["AAPL"]),
        ({"conId": AAPL, "exchange": "SMART"}, ["AAPL"]),
        ({"conId": AAPL, "exchange": "CME"}, []),
        ({"conId": 1}, []),
        ({"symbol": "aapl", "secType": "STK", "exchange": "SMART", "currency": "USD"}, ["AAPL"]),
        ({"symbol": "AAPL", "secType": "STK", "currency": "EUR"}, []),
        ({"symbol": "AAPL", "secType": "STK", "primaryExch": "ISLAND"}, ["AAPL"]),
        ({"symbol": "AAPL", "secType": "STK", "primaryExch": "NYSE"}, []),
        ({"secType": "STK", "secIdType": "ISIN", "secId": "US0378331005"}, ["AAPL"]),
        ({"localSymbol": "SPY", "secType": "STK"}, ["SPY"]),
        ({"symbol": "ZZZZ", "secType": "STK"}, ["ZZZZ"]),
        ({"symbol": "XXX", "secType": "STK"}, []),
        ({"secType": "BAG", "symbol": "AAPL"}, []),
        ({}, []),
    ],
)
def test_a_contract_finds_what_it_describes(fields: dict[str, object], symbols: list[str]) -> None:
    assert [listing.symbol for listing in universe().resolve(contract(**fields))] == symbols


def test_every_option_is_found_by_what_names_it_and_by_nothing_less() -> None:
    option = universe().options_of(AAPL)[7]
    whole = {
        "symbol": "AAPL",
        "secType": "OPT",
        "lastTradeDateOrContractMonth": option.expiry,
        "strike": float(option.strike or 0),
        "right": option.right,
    }
    assert universe().resolve(contract(**whole)) == [option]
    assert universe().resolve(contract(localSymbol=option.local_symbol.replace(" ", ""))) == [option]
    for missing in ("lastTradeDateOrContractMonth", "strike", "right"):
        less = {name: value for name, value in whole.items() if name != missing}
        found = universe().resolve(contract(**less))
        assert option in found
        assert len(found) > 1
    month = whole | {"lastTradeDateOrContractMonth": option.expiry[:6]}
    assert option in universe().resolve(contract(**month))


@given(st.data())
def test_a_listing_s_own_contract_resolves_to_it(data: st.DataObject) -> None:
    listing = data.draw(st.sampled_from(list(universe().listings())))
    described = listing.contract()
    described.ClearField("conId")
    assert universe().resolve(described) == [listing]


def test_one_listing_is_required_where_one_is_meant() -> None:
    with pytest.raises(Refused, match="200: No security definition"):
        the_listing(universe(), contract(symbol="XXX", secType="STK"))
    with pytest.raises(Refused, match="200: The contract description specified for AAPL is ambiguous"):
        the_listing(universe(), contract(symbol="AAPL", secType="OPT"))


@pytest.mark.parametrize(
    ("legs", "code"),
    [
        ([], 321),
        ([(1, 1, "BUY")], 200),
        ([(SPX, 1, "BUY")], 200),
        ([(AAPL, 0, "BUY")], 321),
        ([(AAPL, 1, "HOLD")], 321),
        ([(AAPL, 1, "BUY"), (AAPL, 1, "SELL")], 321),
    ],
)
def test_a_combination_with_a_wrong_leg_is_refused(legs: list[tuple[int, int, str]], code: int) -> None:
    bag = contract(secType="BAG", symbol="AAPL")
    for con_id, ratio, action in legs:
        bag.comboLegs.add(conId=con_id, ratio=ratio, action=action)
    with pytest.raises(Refused) as refused:
        legs_of(universe(), bag)
    assert refused.value.code == code


def test_a_chain_has_calls_and_puts_of_every_strike_in_order() -> None:
    chain = universe().options_of(AAPL)
    settings = ChainSettings()
    each = settings.weekly_expiries + settings.monthly_expiries
    assert len(chain) == each * (2 * settings.strikes_each_side + 1) * 2
    keys = [(option.expiry, option.strike, option.right) for option in chain]
    assert keys == sorted(keys)
    assert all(option.expiry > "20260102" for option in chain)


def test_index_options_are_european_and_monthly_ones_settle_in_the_morning() -> None:
    by_class = {option.trading_class: option for option in universe().options_of(SPX)}
    assert set(by_class) == {"SPX", "SPXW"}
    assert by_class["SPX"].settlement == "AM"
    assert by_class["SPXW"].settlement == "PM"
    assert all(option.is_european for option in by_class.values())


def test_good_friday_s_options_expire_on_thursday() -> None:
    chain = ContractSettings(optionable=("AAPL",), chain=ChainSettings(weekly_expiries=1, monthly_expiries=0))
    built = synthetic_universe(chain, date(2026, 3, 30)).universe
    assert {option.expiry for option in built.options_of(AAPL)} == {"20260402"}


def test_an_unknown_underlying_is_named() -> None:
    with pytest.raises(ConfigError, match="QQQQ"):
        synthetic_universe(ContractSettings(optionable=("QQQQ",)), DAY)


def test_a_recorded_universe_holds_its_stocks_and_their_chains() -> None:
    settings = ContractSettings(optionable=("BAC", "SPX"))
    built = recorded_universe({"BAC": "", "ZZ": ""}, {"BAC": Decimal("13.9")}, settings=settings, day=DAY)
    stocks = [item.symbol for item in built.universe.listings() if not item.is_option]
    assert sorted(stocks) == ["BAC", "ZZ"]
    bac = next(item for item in built.universe.listings() if item.symbol == "BAC" and not item.is_option)
    strikes = [option.strike or 0 for option in built.universe.options_of(bac.con_id)]
    assert min(strikes) < Decimal("13.9") < max(strikes)


@pytest.mark.parametrize(
    ("rule", "price", "expected"),
    [
        (26, "0.9999", "0.0001"),
        (26, "1", "0.01"),
        (26, "-0.5", "0.0001"),
        (109, "2.99", "0.01"),
        (109, "3", "0.05"),
        (110, "0", "0.05"),
        (110, "3", "0.10"),
    ],
)
def test_the_increment_changes_at_the_low_edge(rule: int, price: str, expected: str) -> None:
    assert increment(rule, Decimal(price)) == Decimal(expected)


def test_every_listing_s_rules_exist_and_belong_to_its_exchanges() -> None:
    for listing in universe().listings():
        assert len(listing.market_rule_ids) == len(listing.exchanges)
        assert set(listing.market_rule_ids) <= set(RULES)


@pytest.mark.parametrize(
    ("con_id", "time", "phase"),
    [
        (AAPL, "2026-01-02T03:59:59-05:00", TradingPhase.CLOSED),
        (AAPL, "2026-01-02T04:00:00-05:00", TradingPhase.OUTSIDE),
        (AAPL, "2026-01-02T09:30:00-05:00", TradingPhase.REGULAR),
        (AAPL, "2026-01-02T15:59:59-05:00", TradingPhase.REGULAR),
        (AAPL, "2026-01-02T16:00:00-05:00", TradingPhase.OUTSIDE),
        (AAPL, "2026-01-02T20:00:00-05:00", TradingPhase.CLOSED),
        (AAPL, "2026-01-03T12:00:00-05:00", TradingPhase.CLOSED),
        (AAPL, "2026-07-03T12:00:00-04:00", TradingPhase.CLOSED),
        (AAPL, "2026-11-27T13:00:00-05:00", TradingPhase.OUTSIDE),
        (SPX, "2026-01-02T08:00:00-05:00", TradingPhase.CLOSED),
    ],
)
def test_the_phase_follows_the_exchange_s_calendar(con_id: int, time: str, phase: TradingPhase) -> None:
    listing = universe().listing(con_id)
    assert listing is not None
    assert universe().phase(listing, to_ns(time)) is phase


def test_index_options_trade_a_quarter_of_an_hour_longer() -> None:
    option, stock_option = universe().options_of(SPX)[0], universe().options_of(AAPL)[0]
    after = to_ns("2026-01-02T16:10:00-05:00")
    assert universe().phase(option, after) is TradingPhase.REGULAR
    assert universe().phase(stock_option, after) is TradingPhase.CLOSED


def test_around_the_clock_every_moment_is_regular() -> None:
    built = synthetic_universe(ContractSettings(hours="always"), DAY).universe
    listing = built.listing(AAPL)
    assert listing is not None
    assert built.phase(listing, to_ns("2026-01-04T03:00:00-05:00")) is TradingPhase.REGULAR


def test_hours_are_written_as_tws_writes_them() -> None:
    listing = universe().listing(AAPL)
    assert listing is not None
    text = universe().hours.text(listing, to_ns("2025-12-24T10:00:00-05:00"), is_liquid=True)
    assert text == (
        "20251224:0930-20251224:1300;20251225:CLOSED;20251226:0930-20251226:1600;"
        "20251227:CLOSED;20251228:CLOSED;20251229:0930-20251229:1600"
    )
    trading = universe().hours.text(listing, to_ns("2025-12-24T10:00:00-05:00"), is_liquid=False)
    assert trading.startswith("20251224:0400-20251224:1700;20251225:CLOSED;")
