"""TWS's contract details of a listing.

The fields and their form are those of the captures TSLA (2022-12-29) and AMD (2019-12-31); what an option's
details hold is known from clients that read them (`underConId`, `underSymbol`, `realExpirationDate`,
`contractMonth`), not from a capture.
"""

from __future__ import annotations

from decimal import Decimal

from adapters.tws_simulator.contracts.market_rules import increment
from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.contracts.universe import market_rule_id
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.messages import Message, message_type

TIME_ZONE_ID = "US/Eastern"

ORDER_TYPES = {
    "STK": "ACTIVETIM,AD,ADJUST,ALERT,ALLOC,AVGCOST,BASKET,CASHQTY,COND,CONDORDER,DAY,DEACT,DEACTDIS,"
    "DEACTEOD,GAT,GTC,GTD,GTT,HID,IOC,LIT,LMT,LOC,MIT,MKT,MOC,OCA,OPG,RTH,SCALE,STP,STPLMT,TRAIL,TRAILLMT,WHATIF",
    "OPT": "ACTIVETIM,AD,ADJUST,ALERT,ALLOC,AVGCOST,BASKET,COND,CONDORDER,DAY,DEACT,DEACTDIS,DEACTEOD,GAT,"
    "GTC,GTD,GTT,HID,ICE,IOC,LIT,LMT,MIT,MKT,NGCOMB,OCA,SCALE,STP,STPLMT,TRAIL,TRAILLMT,WHATIF",
    "IND": "",
}
"""What is offered here, in TWS's words; TWS lists more."""

ORDINARY_STOCK_PRICE = Decimal(100)
"""USD; `minTick` of a captured stock is 0.01, the increment at an ordinary price."""


class DetailsWriter:
    """Builds `ContractData` messages; what options of one class share is built once a day."""

    def __init__(self, hours: TradingHours) -> None:
        self._hours = hours
        self._details = message_type("ContractDetails")
        self._shared: dict[tuple[object, ...], Message] = {}
        self._shared_day: object = None

    def contract_data(
        self, listing: Listing, request_id: int, *, market_ns: int, exchange: str, underlying: Listing | None
    ) -> Message:
        """Return the details of `listing` on `exchange` ("SMART" or one of its exchanges)."""
        data = message_type("ContractData")(reqId=request_id)
        data.contract.CopyFrom(listing.contract(exchange))
        details = data.contractDetails
        details.CopyFrom(self._shared_details(listing, market_ns))
        if listing.security_type == "STK":
            if listing.isin:
                details.secIdList["ISIN"] = listing.isin
            details.stockType = "ETF" if listing.primary_exchange == "ARCA" else "COMMON"
        elif listing.is_option:
            details.contractMonth = listing.expiry[:6]
            details.realExpirationDate = listing.expiry
            if underlying is not None:
                details.underConId = underlying.con_id
                details.underSymbol = underlying.symbol
                details.underSecType = underlying.security_type
        return data

    def _shared_details(self, listing: Listing, market_ns: int) -> Message:
        day = self._hours.day_of(market_ns)
        if day != self._shared_day:
            self._shared.clear()
            self._shared_day = day
        key = (listing.security_type, listing.symbol, listing.trading_class, listing.is_european)
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = self._build(listing, market_ns)
        return shared

    def _build(self, listing: Listing, market_ns: int) -> Message:
        is_stock = listing.security_type == "STK"
        size_step = "0.0001" if is_stock else "1"
        details = self._details(
            marketName=listing.trading_class,
            minTick=min_tick(listing),
            orderTypes=ORDER_TYPES[listing.security_type],
            validExchanges=",".join(listing.exchanges),
            priceMagnifier=1,
            longName=listing.long_name,
            timeZoneId=TIME_ZONE_ID,
            tradingHours=self._hours.text(listing, market_ns, is_liquid=False),
            liquidHours=self._hours.text(listing, market_ns, is_liquid=True),
            aggGroup=1 if is_stock else 2,
            marketRuleIds=",".join(str(rule) for rule in listing.market_rule_ids),
            minSize=size_step,
            sizeIncrement=size_step,
            suggestedSizeIncrement="100" if is_stock else "1",
        )
        if is_stock:
            details.industry, details.category, details.subcategory = "Simulated", "Simulated", "Simulated"
        return details


def min_tick(listing: Listing) -> str:
    """Return TWS's `minTick`: the increment of an ordinary stock price, the smallest one of an option."""
    price = Decimal(0) if listing.is_option else ORDINARY_STOCK_PRICE
    return str(increment(market_rule_id(listing, "SMART"), price))
