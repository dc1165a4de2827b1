"""A broker with contracts and prices in the test's process, over the synthetic market or held by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.contracts.desk import ContractDesk
from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data.desk import MarketDesk
from adapters.tws_simulator.market_data.origin import MarketOrigin, synthetic_origin
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.messages import message_type
from adapters.tws_simulator.session.sessions import Session
from tests.adapters.tws_simulator.in_process import START_NS, FakeSession, InProcess

AAPL, SPY, SPX, F = 265598, 756733, 416904, "F"


class MarketInProcess(InProcess):
    """`InProcess` with contracts and market data; `hold` fixes a listing's quote."""

    universe: ContractDesk
    market: MarketDesk

    def __init__(
        self,
        *,
        data: dict[str, Any] | None = None,
        contracts: dict[str, Any] | None = None,
        origin: MarketOrigin | None = None,
        now_ns: int = START_NS,
        clock: MarketClock | None = None,
    ) -> None:
        self.data_settings = msgspec.convert(data or {}, MarketDataSettings)
        contract_settings = msgspec.convert(contracts or {}, ContractSettings)
        market_ns = clock.market_ns(now_ns) if clock else now_ns
        self.origin = origin or synthetic_origin(
            7, market_ns=market_ns, contracts=contract_settings, settings=self.data_settings
        )

        def install(broker: Broker) -> None:
            self.universe = ContractDesk(broker, self.origin.universe, settings=contract_settings)
            broker.install(self.universe)
            self.market = MarketDesk(broker, self.universe, origin=self.origin, settings=self.data_settings)
            broker.install(self.market)

        super().__init__(install=install, now_ns=now_ns, clock=clock)

    def con_id(self, symbol: str) -> int:
        """Return the contract id of a stock or index."""
        return next(
            item.con_id for item in self.universe.listings() if item.symbol == symbol and not item.is_option
        )

    def hold(self, con_id: int, bid: str, ask: str, *, size: int = 100, last: str | None = None) -> None:
        """Set a listing's quote by hand."""
        quote = Quote(
            Decimal(bid),
            Decimal(ask),
            Decimal(size),
            Decimal(size),
            None if last is None else Decimal(last),
            None if last is None else Decimal(size),
            self.broker.market_ns,
        )
        self.market.set_quote(con_id, quote)

    def session(self, client: FakeSession) -> Session:
        """Return the broker's side of a client."""
        session = self.broker.sessions.get(client.session_id)
        assert session is not None
        return session


def contract(con_id: int, exchange: str = "SMART", **fields: Any) -> Any:
    """Return a client's contract by id."""
    return message_type("Contract")(conId=con_id, exchange=exchange, **fields)
