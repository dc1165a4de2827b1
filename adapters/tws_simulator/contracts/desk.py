"""The requests about contracts: details, option parameters, symbol search, market rules, exchanges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Component, Handler, Refused
from adapters.tws_simulator.contracts.chains import option_parameters, symbol_samples
from adapters.tws_simulator.contracts.details import DetailsWriter
from adapters.tws_simulator.contracts.market_rules import RULES
from adapters.tws_simulator.contracts.resolution import INVALID, NOT_FOUND
from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.contracts.universe import SMART, SYNONYMS, ListedUniverse
from adapters.tws_simulator.interfaces import Listing, TradingPhase
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.session.sessions import Session

SECURITY_TYPES = {"STK", "IND", "OPT"}
OTHER_SECURITY_TYPES = {"FUT", "FOP", "CASH", "CFD", "BOND", "WAR", "CMDTY", "FUND", "CRYPTO", "NEWS", "BAG"}
OTHER_SECURITY_TYPES |= {"IOPT", "CONTFUT", "EC"}

SMART_COMPONENTS = (("NASDAQ", "Q"), ("ARCA", "P"), ("BATS", "Z"), ("NYSE", "N"), ("IEX", "V"), ("EDGX", "K"))
"""Exchanges of the national quote with their tape letters; the bit of each is its position."""

DEPTH_EXCHANGES = (("NASDAQ", "Deep2"), ("ARCA", "Deep"), ("BATS", "Deep"), ("NYSE", "Deep"), ("IEX", "Deep"))


class ContractDesk(Component):
    """Answers requests about `universe`, and is the `Universe` of the other components."""

    def __init__(
        self, broker: Broker, universe: ListedUniverse, *, settings: ContractSettings | None = None
    ) -> None:
        super().__init__(broker)
        self.universe = universe
        self._settings = settings or ContractSettings()
        self._details = DetailsWriter(universe.hours)
        self._last_search_ns: dict[int, int] = {}

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about contracts."""
        nothing: Callable[[Session, Message], None] = lambda _session, _request: None  # noqa: E731
        return {
            OUT.REQ_CONTRACT_DATA: self._contract_details,
            OUT.CANCEL_CONTRACT_DATA: nothing,
            OUT.REQ_SEC_DEF_OPT_PARAMS: self._option_parameters,
            OUT.REQ_MATCHING_SYMBOLS: self._matching_symbols,
            OUT.REQ_MARKET_RULE: self._market_rule,
            OUT.REQ_SMART_COMPONENTS: self._smart_components,
            OUT.REQ_MKT_DEPTH_EXCHANGES: self._depth_exchanges,
        }

    def session_ended(self, session: Session) -> None:
        """Forget when the session last searched."""
        self._last_search_ns.pop(session.session_id, None)

    # ------------------------------------------------------------------ Universe

    def listing(self, con_id: int) -> Listing | None:
        """Return the listing with this contract id, None when there is none."""
        return self.universe.listing(con_id)

    def listings(self) -> Sequence[Listing]:
        """Return all listings in order of contract id."""
        return self.universe.listings()

    def resolve(self, contract: Message) -> list[Listing]:
        """Return every listing that a client's `Contract` describes; more than one is ambiguous."""
        return self.universe.resolve(contract)

    def options_of(self, underlying_con_id: int) -> Sequence[Listing]:
        """Return the options on an underlying by expiry, strike and right."""
        return self.universe.options_of(underlying_con_id)

    def price_increment(self, listing: Listing, *, exchange: str, price: Decimal) -> Decimal:
        """Return the tick size at `price` by the market rule of `exchange`."""
        return self.universe.price_increment(listing, exchange=exchange, price=price)

    def phase(self, listing: Listing, market_ns: int) -> TradingPhase:
        """Return whether `listing` trades at `market_ns`, and in which session."""
        return self.universe.phase(listing, market_ns)

    def regular_session(self, listing: Listing, market_ns: int) -> tuple[int, int] | None:
        """Return open and close of the regular session on the New York day of `market_ns`, or None."""
        return self.universe.regular_session(listing, market_ns)

    # ------------------------------------------------------------------ requests

    def _contract_details(self, session: Session, request: Message) -> None:
        contract = request.contract
        _check_description(contract)
        found = self.universe.resolve(contract)
        if not found:
            raise Refused(200, NOT_FOUND)
        market_ns = self.broker.market_ns
        for listing in found:
            underlying = self.universe.listing(listing.underlying_con_id or 0)
            for exchange in _exchanges_shown(listing, contract.exchange):
                data = self._details.contract_data(
                    listing, request.reqId, market_ns=market_ns, exchange=exchange, underlying=underlying
                )
                self.broker.send(session, IN.CONTRACT_DATA, data)
        end = message_type("ContractDataEnd")(reqId=request.reqId)
        self.broker.send(session, IN.CONTRACT_DATA_END, end)

    def _option_parameters(self, session: Session, request: Message) -> None:
        underlying = self.universe.listing(request.underlyingConId)
        if underlying is None or underlying.symbol != request.underlyingSymbol.strip().upper():
            raise Refused(321, f"{INVALID}Invalid underlying symbol or contract id")
        if request.underlyingSecType and request.underlyingSecType != underlying.security_type:
            raise Refused(321, f"{INVALID}Invalid underlying security type")
        options = self.universe.options_of(underlying.con_id)
        for reply in option_parameters(options, request.reqId, exchange=request.futFopExchange):
            self.broker.send(session, IN.SECURITY_DEFINITION_OPTION_PARAMETER, reply)
        end = message_type("SecDefOptParameterEnd")(reqId=request.reqId)
        self.broker.send(session, IN.SECURITY_DEFINITION_OPTION_PARAMETER_END, end)

    def _matching_symbols(self, session: Session, request: Message) -> None:
        last_ns, now_ns = self._last_search_ns.get(session.session_id), self.broker.now_ns
        pause_ns = round(self._settings.matching_symbols_seconds * 1e9)
        if last_ns is not None and now_ns - last_ns < pause_ns:
            # IB documents one search a second and not what happens above it.
            raise Refused(
                322, "Error processing request. Matching symbols requests are limited to 1 per second"
            )
        self._last_search_ns[session.session_id] = now_ns
        if not request.pattern.strip():
            raise Refused(321, f"{INVALID}Invalid pattern")
        samples = symbol_samples(self.universe, request.pattern, request.reqId)
        self.broker.send(session, IN.SYMBOL_SAMPLES, samples)

    def _market_rule(self, session: Session, request: Message) -> None:
        rule = RULES.get(request.marketRuleId)
        if rule is None:
            raise Refused(321, f"{INVALID}Invalid market rule id")
        reply = message_type("MarketRule")(marketRuleId=request.marketRuleId)
        for low_edge, step in rule:
            reply.priceIncrements.add(lowEdge=float(low_edge), increment=float(step))
        self.broker.send(session, IN.MARKET_RULE, reply)

    def _smart_components(self, session: Session, request: Message) -> None:
        reply = message_type("SmartComponents")(reqId=request.reqId)
        for bit, (exchange, letter) in enumerate(SMART_COMPONENTS):
            reply.smartComponents.add(bitNumber=bit, exchange=exchange, exchangeLetter=letter)
        self.broker.send(session, IN.SMART_COMPONENTS, reply)

    def _depth_exchanges(self, session: Session, _request: Message) -> None:
        reply = message_type("MarketDepthExchanges")()
        for exchange, kind in DEPTH_EXCHANGES:
            reply.depthMarketDataDescriptions.add(exchange=exchange, secType="STK", serviceDataType=kind)
        self.broker.send(session, IN.MKT_DEPTH_EXCHANGES, reply)


def _check_description(contract: Message) -> None:
    if contract.conId:
        return
    kind = contract.secType
    if kind not in SECURITY_TYPES and kind not in OTHER_SECURITY_TYPES and not contract.secIdType:
        raise Refused(321, f"{INVALID}Please enter a valid security type")
    if not contract.symbol and not contract.localSymbol and not contract.secId:
        raise Refused(321, f"{INVALID}Please enter a local symbol or a symbol")


def _exchanges_shown(listing: Listing, exchange: str) -> Sequence[str]:
    """A request without an exchange gets one answer per exchange, as captured for TSLA and AMD."""
    if exchange:
        return (SYNONYMS.get(exchange, exchange),)
    return listing.exchanges if SMART in listing.exchanges else listing.exchanges[:1]
