"""Option price and implied volatility on request (reqCalculateOptionPrice and ...ImpliedVolatility)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Handler, Refused
from adapters.tws_simulator.contracts.resolution import INVALID, the_listing
from adapters.tws_simulator.market_data.computations import encoded
from adapters.tws_simulator.market_data.encoding import TickShape, request_id_bytes
from adapters.tws_simulator.market_data.option_model import OptionBook
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.tick_messages import CUSTOM_COMPUTATION
from adapters.tws_simulator.messages import IN, OUT, Message
from adapters.tws_simulator.session.sessions import Session


class Calculator:
    """Answers with a `TickOptionComputation` of type 53."""

    def __init__(self, broker: Broker, prices: MarketPrices) -> None:
        self._broker, self._prices = broker, prices
        self._shape = TickShape("TickOptionComputation")

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests for calculations; what is answered at once needs no cancelling."""
        return {
            OUT.REQ_CALC_IMPLIED_VOLAT: self._implied_volatility,
            OUT.REQ_CALC_OPTION_PRICE: self._option_price,
            OUT.CANCEL_CALC_IMPLIED_VOLAT: self._nothing,
            OUT.CANCEL_CALC_OPTION_PRICE: self._nothing,
        }

    def _implied_volatility(self, session: Session, request: Message) -> None:
        self._answer(session, request, premium=request.optionPrice, volatility=math.nan)

    def _option_price(self, session: Session, request: Message) -> None:
        self._answer(session, request, premium=math.nan, volatility=request.volatility)

    def _answer(self, session: Session, request: Message, *, premium: float, volatility: float) -> None:
        listing = the_listing(self._prices.universe, request.contract)
        if not listing.is_option or not request.underPrice > 0 or not (premium > 0 or volatility > 0):
            raise Refused(321, f"{INVALID}Option calculation needs an option and positive prices")
        book = OptionBook([listing], self._prices.universe.hours)
        greeks = book.calculation(request.underPrice, premium, volatility, self._broker.market_ns)
        shared = encoded(greeks, CUSTOM_COMPUTATION, request.underPrice)
        body = self._shape.message(request_id_bytes(request.reqId), shared)
        self._broker.send(session, IN.TICK_OPTION_COMPUTATION, body)

    def _nothing(self, _session: Session, _request: Message) -> None:
        """TWS answers nothing."""
