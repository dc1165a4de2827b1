"""Messages of the simulator beside messages of a real TWS, both read by `ibapi`'s own decoder.

For each kind in the captures: the simulator fills the fields that TWS fills, with values of the same form
(number, date, list of exchanges). What differs is listed here and explained in
`docs/reference/tws-simulator.md`.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ibapi.decoder import Decoder
from ibapi.wrapper import EWrapper

from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.wire.framing import FrameBuffer
from adapters.tws_simulator.wire.text_codec import TextCodec
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, MarketInProcess, contract

pytestmark = pytest.mark.real_data

CAPTURED_VERSION, SPOKEN_VERSION = 173, 176

FORMS: tuple[tuple[str, str], ...] = (
    ("empty", r""),
    ("flag", r"True|False"),
    ("unset", r"2147483647|1\.7976931348623157e\+308"),
    ("hours", r"(\d{8}:(CLOSED|\d{4}-\d{8}:\d{4});?)+"),
    ("session time", r"\d{8}-\d\d:\d\d:\d\d"),
    ("date", r"(19|20)\d{6}"),
    ("number", r"-?\d+(\.\d+)?(e[+-]?\d+)?"),
    ("list", r"[\w.]+(,[\w.]+)+"),
    ("words", r".*"),
)

NOT_SIMULATED = {
    # TWS names brokers' algorithms, funds and industries; here they are absent or say "Simulated".
    "contractDetails": {"industry", "category", "subcategory"},
}


class Callbacks(EWrapper):
    """Notes every callback with its arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[Any, ...]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name == "seen" or not hasattr(EWrapper, name):
            return super().__getattribute__(name)
        return lambda *arguments: self.seen.append((name, arguments))


def decoded(payload: str, version: int) -> list[tuple[str, tuple[Any, ...]]]:
    callbacks = Callbacks()
    fields = tuple(field.encode() for field in payload.split("\0")[:-1])
    Decoder(callbacks, version).interpret(fields[1:], int(fields[0]))
    return callbacks.seen


def facts(value: Any, path: str = "") -> dict[str, str]:
    """Return every plain value of a callback's argument by its path, with its form."""
    if isinstance(value, list | tuple):
        return {} if not value else facts(value[0], f"{path}[]")
    if isinstance(value, dict):
        return {f"{path}.{name}": form(item) for name, item in value.items()}
    if hasattr(value, "__dict__") and type(value).__module__.startswith("ibapi"):
        found: dict[str, str] = {}
        for name, item in vars(value).items():
            found.update(facts(item, f"{path}.{name}" if path else name))
        return found
    return {path: form(value)}


def form(value: Any) -> str:
    text = str(value)
    return next(name for name, pattern in FORMS if re.fullmatch(pattern, text, flags=re.DOTALL))


@cache
def captured(real_data: Path) -> dict[str, list[str]]:
    path = real_data / "tws_captures" / "wire_messages_rust_ibapi_v1.2.0.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["group"].split()[0], []).append(row["payload"])
    return found


def simulated(client: FakeSession, tws: MarketInProcess) -> list[tuple[str, tuple[Any, ...]]]:
    """Return what `ibapi` hears of everything sent to a client, over the text protocol."""
    codec, buffer = TextCodec(), FrameBuffer()
    for out in tws.outgoing:
        if out.session_id == client.session_id:
            buffer.feed(codec.encode(out.message_id, out.body))
    tws.outgoing.clear()
    heard = []
    for payload in buffer.frames():
        heard += decoded(payload.decode(), SPOKEN_VERSION)
    return heard


def ask_details(client: FakeSession) -> None:
    client.request(OUT.REQ_CONTRACT_DATA, "ContractDataRequest", reqId=9001, contract=contract(AAPL))


def ask_samples(client: FakeSession) -> None:
    client.request(OUT.REQ_MATCHING_SYMBOLS, "MatchingSymbolsRequest", reqId=9000, pattern="AAPL")


def ask_head(client: FakeSession) -> None:
    wanted = {"contract": contract(AAPL), "whatToShow": "TRADES", "formatDate": 2}
    client.request(OUT.REQ_HEAD_TIMESTAMP, "HeadTimestampRequest", reqId=9000, **wanted)


def ask_bars(client: FakeSession) -> None:
    wanted = {"contract": contract(AAPL), "whatToShow": "TRADES", "formatDate": 1, "duration": "2 D"}
    client.request(
        OUT.REQ_HISTORICAL_DATA,
        "HistoricalDataRequest",
        reqId=9000,
        barSizeSetting="1 day",
        useRTH=True,
        **wanted,
    )


def ask_schedule(client: FakeSession) -> None:
    wanted = {"contract": contract(AAPL), "whatToShow": "SCHEDULE", "formatDate": 1, "duration": "1 D"}
    client.request(
        OUT.REQ_HISTORICAL_DATA,
        "HistoricalDataRequest",
        reqId=9000,
        barSizeSetting="1 day",
        useRTH=True,
        **wanted,
    )


def ask_ticks(client: FakeSession) -> None:
    wanted = {"contract": contract(AAPL), "whatToShow": "BID_ASK", "numberOfTicks": 4}
    client.request(
        OUT.REQ_HISTORICAL_TICKS,
        "HistoricalTicksRequest",
        reqId=9000,
        endDateTime="20260102-15:00:00",
        **wanted,
    )


@pytest.mark.parametrize(
    ("group", "callback", "ask"),
    [
        ("contractDetails", "contractDetails", ask_details),
        ("symbolSamples", "symbolSamples", ask_samples),
        ("headTimestamp", "headTimestamp", ask_head),
        ("historicalData", "historicalData", ask_bars),
        ("historicalSchedule", "historicalSchedule", ask_schedule),
        ("historicalTicksBidAsk", "historicalTicksBidAsk", ask_ticks),
    ],
)
def test_the_simulator_fills_what_tws_fills_in_the_same_form(
    real_data: Path, group: str, callback: str, ask: Callable[[FakeSession], None]
) -> None:
    real = next(
        arguments
        for name, arguments in decoded(captured(real_data)[group][0], CAPTURED_VERSION)
        if name == callback
    )
    tws = MarketInProcess()
    client = tws.client(1)
    ask(client)
    tws.run_for(0.1)
    ours = next(arguments for name, arguments in simulated(client, tws) if name == callback)
    assert len(ours) == len(real)
    for place, (theirs, mine) in enumerate(zip(real, ours, strict=True)):
        wanted, found = facts(theirs, f"{place}"), facts(mine, f"{place}")
        assert set(found) == set(wanted)
        differing = {
            path: (wanted[path], found[path])
            for path in wanted
            if wanted[path] != found[path] and path.split(".")[-1] not in NOT_SIMULATED.get(group, set())
        }
        assert differing == {}, group


def test_the_captured_cancel_of_history_is_answered_alike(real_data: Path) -> None:
    notebook = json.loads((real_data / "tws_captures" / "ib_insync_notebooks" / "bar_data.json").read_text())
    lines = [line for entry in notebook for line in entry["output"] if line.startswith("Error 162")]
    tws = MarketInProcess()
    client = tws.client(1)
    wanted = {"contract": contract(AAPL), "whatToShow": "TRADES", "duration": "1 D", "keepUpToDate": True}
    client.request(
        OUT.REQ_HISTORICAL_DATA,
        "HistoricalDataRequest",
        reqId=5,
        barSizeSetting="1 min",
        useRTH=True,
        **wanted,
    )
    client.request(OUT.CANCEL_HISTORICAL_DATA, "CancelHistoricalData", reqId=5)
    (error,) = client.take(IN.ERR_MSG)
    said = f"Error {error.errorCode}, reqId {error.id}: {error.errorMsg}"
    assert said == lines[0].splitlines()[0]


def test_a_missing_contract_is_refused_in_the_captured_words(real_data: Path) -> None:
    path = real_data / "tws_captures" / "ib_insync_notebooks" / "contract_details.json"
    lines = [line for entry in json.loads(path.read_text()) for line in entry["output"]]
    (real,) = {line.split(", contract")[0] for line in lines if line.startswith("Error 200, reqId 6")}
    tws = MarketInProcess()
    client = tws.client(1)
    missing = message_type("Contract")(symbol="XXX", secType="STK", exchange="SMART", currency="USD")
    client.request(OUT.REQ_CONTRACT_DATA, "ContractDataRequest", reqId=6, contract=missing)
    (error,) = client.take(IN.ERR_MSG)
    assert f"Error {error.errorCode}, reqId {error.id}: {error.errorMsg}" == real


def test_tick_by_tick_and_depth_carry_the_captured_fields(real_data: Path) -> None:
    folder = real_data / "tws_captures" / "nautilus"
    quote = json.loads(gzip.decompress((folder / "bid_ask_ticks.json.gz").read_bytes()).splitlines()[0])
    trade = json.loads(gzip.decompress((folder / "trade_ticks.json.gz").read_bytes()).splitlines()[0])
    book = json.loads(gzip.decompress((folder / "eurusd_depth.json.gz").read_bytes()))[0]
    tws = MarketInProcess()
    client = tws.client(1)
    for request_id, kind in ((1, "BidAsk"), (2, "AllLast")):
        client.request(
            OUT.REQ_TICK_BY_TICK_DATA,
            "TickByTickRequest",
            reqId=request_id,
            contract=contract(AAPL),
            tickType=kind,
        )
    client.request(
        OUT.REQ_MKT_DEPTH,
        "MarketDepthRequest",
        reqId=3,
        contract=contract(AAPL),
        numRows=5,
        isSmartDepth=True,
    )
    tws.run_for(5.0)
    sent = client.take(IN.TICK_BY_TICK)
    bid_ask = next(tick.historicalTickBidAsk for tick in sent if tick.tickType == 3)
    last = next(tick.historicalTickLast for tick in sent if tick.tickType == 2)
    assert {field.name for field, _ in bid_ask.ListFields()} == set(quote)
    assert {field.name for field, _ in last.ListFields()} == set(trade)
    row = client.take(IN.MARKET_DEPTH_L2)[0].marketDepthData
    assert {name for name in book["domBids"][0] if name != "_type"} <= {f.name for f, _ in row.ListFields()}


def test_a_closed_market_s_line_is_the_captured_one(real_data: Path) -> None:
    path = real_data / "tws_captures" / "nautilus" / "aapl_ticker.json.gz"
    real = json.loads(gzip.decompress(path.read_bytes()))
    from market.time import to_ns

    tws = MarketInProcess(now_ns=to_ns("2026-01-19T14:42:48-05:00"))
    client = tws.client(1)
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=1, contract=contract(AAPL))
    assert client.take(IN.MARKET_DATA_TYPE)[0].marketDataType == real["marketDataType"]
    tick = client.take(IN.TICK_PRICE)[0]
    (wanted,) = real["ticks"]
    assert (tick.tickType, tick.price, float(tick.size)) == (
        wanted["tickType"],
        wanted["price"],
        wanted["size"],
    )
    sent = contract(AAPL)
    found = tws.universe.resolve(sent)[0].contract()
    for name in ("secType", "symbol", "exchange", "currency", "localSymbol", "tradingClass"):
        assert getattr(found, name) == real["contract"][name]
    assert found.primaryExch == real["contract"]["primaryExchange"]
