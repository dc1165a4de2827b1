"""Nautilus' execution client for the drills' venue: real live engine, real wire, real reconciliation."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import LiveExecClientConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import OrderStatusReport, PositionStatusReport
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import (
    AccountType,
    LiquiditySide,
    OmsType,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import AccountId, ClientId, ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.objects import AccountBalance, Money, Price, Quantity

from risk.drills.nautilus_rig import SMART, equity
from risk.drills.socket_venue import ASK, Answer, Book, Message

F = equity("F")
BALANCE = Money(100_000, USD)
_ANSWERS = msgspec.json.Decoder(Answer)


class SocketClientConfig(LiveExecClientConfig, frozen=True, kw_only=True):
    """Where the venue listens on this machine."""

    port: int


class SocketClient(LiveExecutionClient):
    """Sends submits and cancels, and reports what the venue holds; modifications are not its matter."""

    def __init__(self, loop: Any, msgbus: MessageBus, cache: Cache, clock: LiveClock, port: int) -> None:
        super().__init__(
            loop=loop,
            client_id=ClientId(SMART.value),
            venue=SMART,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=USD,
            instrument_provider=InstrumentProvider(),
            msgbus=msgbus,
            cache=cache,
            clock=clock,
        )
        self._set_account_id(AccountId(f"{SMART}-001"))
        self._port = port
        self._fills = 0
        self._books: asyncio.Queue[Book] = asyncio.Queue()

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._listening = self.create_task(self._listen())
        balance = AccountBalance(BALANCE, Money(0, USD), BALANCE)
        self.generate_account_state([balance], [], reported=True, ts_event=self._clock.timestamp_ns())

    async def _disconnect(self) -> None:
        self._listening.cancel()
        self._writer.close()
        await self._writer.wait_closed()

    def _tell(self, message: Message) -> None:
        self._writer.write(msgspec.json.encode(message) + b"\n")

    # -- Commands ---------------------------------------------------------------------------------

    async def _submit_order(self, command: Any) -> None:
        order = command.order
        self.generate_order_submitted(
            order.strategy_id, order.instrument_id, order.client_order_id, self._clock.timestamp_ns()
        )
        self._tell(
            Message(
                kind="submit",
                order_id=order.client_order_id.value,
                side="buy" if order.side == OrderSide.BUY else "sell",
                quantity=int(order.quantity),
                price=str(order.price) if order.has_price else None,
            )
        )

    async def _cancel_order(self, command: Any) -> None:
        self._tell(Message(kind="cancel", order_id=command.client_order_id.value))

    # -- Events -----------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for line in self._reader:
            answer = _ANSWERS.decode(line)
            if isinstance(answer, Book):
                self._books.put_nowait(answer)
            else:
                self._happened(answer)

    def _happened(self, message: Message) -> None:
        order = self._cache.order(ClientOrderId(message.order_id))
        names = (order.strategy_id, order.instrument_id, order.client_order_id, _venue_id(message))
        now_ns = self._clock.timestamp_ns()
        if message.kind == "accepted":
            self.generate_order_accepted(*names, now_ns)
        elif message.kind == "canceled":
            self.generate_order_canceled(*names, now_ns)
        else:
            self._fills += 1
            quantity, price = Quantity.from_int(message.quantity), Price.from_str(str(message.price))
            self.generate_order_filled(
                *names, None, TradeId(f"T-{self._fills}"), order.side, order.order_type, quantity, price,
                USD, Money(0, USD), LiquiditySide.TAKER, now_ns,
            )  # fmt: skip

    # -- Reports ----------------------------------------------------------------------------------

    async def _book(self) -> Book:
        self._tell(Message(kind="book"))
        return await self._books.get()

    async def generate_order_status_reports(self, _command: Any) -> list[OrderStatusReport]:
        return [self._report(message) for message in (await self._book()).working]

    async def generate_fill_reports(self, _command: Any) -> list[Any]:
        return []

    async def generate_position_status_reports(self, _command: Any) -> list[PositionStatusReport]:
        held, now_ns = (await self._book()).position, self._clock.timestamp_ns()
        return [
            PositionStatusReport(
                self.account_id, F.id, PositionSide.LONG, Quantity.from_int(held), UUID4(), now_ns, now_ns,
                avg_px_open=Decimal(ASK),
            )
        ]  # fmt: skip

    def _report(self, message: Message) -> OrderStatusReport:
        now_ns = self._clock.timestamp_ns()
        return OrderStatusReport(
            account_id=self.account_id,
            instrument_id=F.id,
            venue_order_id=_venue_id(message),
            order_side=OrderSide.BUY if message.side == "buy" else OrderSide.SELL,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            order_status=OrderStatus.ACCEPTED,
            quantity=Quantity.from_int(message.quantity),
            filled_qty=Quantity.from_int(0),
            report_id=UUID4(),
            ts_accepted=now_ns,
            ts_last=now_ns,
            ts_init=now_ns,
            client_order_id=ClientOrderId(message.order_id),
            price=Price.from_str(str(message.price)),
        )


class SocketClientFactory(LiveExecClientFactory):
    """Makes the client for a node."""

    @staticmethod
    def create(  # type: ignore[override]
        loop: Any, name: str, config: SocketClientConfig, msgbus: MessageBus, cache: Cache, clock: LiveClock
    ) -> SocketClient:
        """Return the client; its name is its venue's."""
        assert name == SMART.value
        return SocketClient(loop, msgbus, cache, clock, config.port)


def _venue_id(message: Message) -> VenueOrderId:
    return VenueOrderId(f"V-{message.order_id}")
