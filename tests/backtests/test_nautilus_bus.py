"""A local bus publishes to this process alone; the shipped one still asks about every record."""

from __future__ import annotations

import time

import msgspec
import pytest
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.config import MessageBusConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.serialization.serializer import MsgSpecSerializer

from backtests.nautilus_bus import local_message_bus

TOPIC = "data.quotes.SMART.ZVZZT"


def _bus(config: MessageBusConfig | None) -> MessageBus:
    serializer = MsgSpecSerializer(encoding=msgspec.msgpack)
    return MessageBus(TraderId("T-001"), TestClock(), serializer=serializer, config=config)


def _quote() -> QuoteTick:
    size = Quantity.from_int(100)
    return QuoteTick(
        InstrumentId.from_str("ZVZZT.SMART"),
        Price.from_str("9.0000"),
        Price.from_str("9.0100"),
        size,
        size,
        1,
        1,
    )


def test_subscribers_of_this_process_get_everything() -> None:
    bus = _bus(local_message_bus())
    received: list[object] = []
    bus.subscribe(topic="data.quotes.*", handler=received.append)
    quote = _quote()
    bus.publish(TOPIC, quote)
    assert received == [quote]


def test_the_configuration_survives_its_use() -> None:
    config = local_message_bus()
    assert config.types_filter is not None
    before = list(config.types_filter)
    _bus(config)
    assert config.types_filter == before


class _Listener:
    """An external stream, as `MessageBus.add_listener` takes it."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def is_closed(self) -> bool:
        return False

    def publish(self, topic: str, payload: bytes) -> None:
        self.topics.append(topic)


@pytest.mark.parametrize("message", [_quote(), "text", 1.5], ids=["quote", "text", "number"])
def test_takes_every_type_out_of_external_publishing(message: object) -> None:
    shipped, local = _bus(None), _bus(local_message_bus())
    listeners = {}
    for bus in (shipped, local):
        listeners[bus] = _Listener()
        bus.add_listener(listeners[bus])
        bus.publish(TOPIC, message)
    assert (listeners[shipped].topics, listeners[local].topics) == ([TOPIC], [])


def _seconds(bus: MessageBus) -> float:
    quote = _quote()
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(20_000):
            bus.publish(TOPIC, quote)
        best = min(best, time.process_time() - started)
    return best


def test_the_shipped_bus_still_needs_this_patch() -> None:
    assert _seconds(_bus(None)) > 1.5 * _seconds(_bus(local_message_bus()))
