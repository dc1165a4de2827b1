"""A plain program on Interactive Brokers' own package: `EClient` and `EWrapper`, nothing of ours.

Every callback is kept by name with its arguments; tests wait for the callbacks they expect.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ibapi.client import EClient
from ibapi.contract import ComboLeg, Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

SECONDS = 15.0
NOTICES = {2104, 2106, 2107, 2108, 2158}


class Program(EWrapper, EClient):
    """A client in a thread; `calls` holds (callback name, arguments), oldest first."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, self)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._changed = threading.Condition()
        self._reader: threading.Thread | None = None

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name not in CALLBACKS:
            return super().__getattribute__(name)
        return lambda *arguments, **named: self._keep(name, (*arguments, *named.values()))

    def _keep(self, name: str, arguments: tuple[Any, ...]) -> None:
        with self._changed:
            self.calls.append((name, arguments))
            self._changed.notify_all()

    def begin(self, port: int, client_id: int) -> Program:
        """Connect, start the API and wait for the first order id."""
        self.connect("127.0.0.1", port, client_id)
        self._reader = threading.Thread(target=self.run, daemon=True)
        self._reader.start()
        self.wait("nextValidId")
        return self

    def end(self) -> None:
        """Disconnect and wait for the reading thread."""
        self.disconnect()
        if self._reader is not None:
            self._reader.join(SECONDS)

    def wait(
        self, name: str, condition: Callable[..., object] = lambda *_: True, *, seconds: float = SECONDS
    ) -> tuple[Any, ...]:
        """Return the arguments of the first callback `name` for which `condition(*arguments)` holds."""
        deadline = time.monotonic() + seconds
        position = 0
        with self._changed:
            while True:
                for called, arguments in self.calls[position:]:
                    if called == name and condition(*arguments):
                        return arguments
                position = len(self.calls)
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    seen = [(called, arguments) for called, arguments in self.calls if called == "error"]
                    raise TimeoutError(f"no {name} within {seconds} s; errors {seen}")

    def all(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every callback `name` so far."""
        with self._changed:
            return [arguments for called, arguments in self.calls if called == name]

    def error_codes(self) -> list[int]:
        """Return the codes of all errors so far, without the notices of a healthy start."""
        return [arguments[2] for arguments in self.all("error") if arguments[2] not in NOTICES]

    def next_order_id(self) -> int:
        """Return a fresh order id from TWS."""
        with self._changed:
            self.calls = [call for call in self.calls if call[0] != "nextValidId"]
        self.reqIds(1)
        order_id: int = self.wait("nextValidId")[0]
        return order_id


CALLBACKS = {
    name
    for name in vars(EWrapper)
    if not name.startswith("_") and not name.endswith("ProtoBuf") and name != "logAnswer"
}


def stock(symbol: str = "AAPL", primary: str = "NASDAQ") -> Contract:
    """Return a stock by symbol on SMART."""
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
    contract.primaryExchange = primary
    return contract


def spread(symbol: str, *legs: tuple[int, str]) -> Contract:
    """Return a combination of (contract id, "BUY" or "SELL") with ratio 1."""
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "BAG", "SMART", "USD"
    contract.comboLegs = []
    for con_id, action in legs:
        leg = ComboLeg()
        leg.conId, leg.action, leg.ratio, leg.exchange = con_id, action, 1, "SMART"
        contract.comboLegs.append(leg)
    return contract


def order(action: str, quantity: int, kind: str = "MKT", **fields: Any) -> Order:
    """Return an order; `fields` are set as they are named."""
    made = Order()
    made.action, made.totalQuantity, made.orderType = action, Decimal(quantity), kind
    for name, value in fields.items():
        setattr(made, name, value)
    return made
