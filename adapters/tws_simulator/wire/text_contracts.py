"""Contracts in the text protocol: as a client sends them and as TWS writes them."""

from __future__ import annotations

from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.wire.text_fields import Flagged, InOrder, Pairs, Plain, Repeat, Values, When
from adapters.tws_simulator.wire.text_numbers import UNSET_INTEGER

CONTRACT = (
    "contract.conId? contract.symbol contract.secType contract.lastTradeDateOrContractMonth contract.strike? "
    "contract.right contract.multiplier~ contract.exchange contract.primaryExch contract.currency "
    "contract.localSymbol contract.tradingClass"
)
"""A contract in a request."""

HELD_CONTRACT = (
    "contract.conId=0 contract.symbol contract.secType contract.lastTradeDateOrContractMonth "
    "contract.strike=0.0 contract.right contract.multiplier~ contract.exchange contract.currency "
    "contract.localSymbol contract.tradingClass"
)
"""A contract of a position, an execution or an open order: no primary exchange."""

PORTFOLIO_CONTRACT = HELD_CONTRACT.replace("contract.exchange", "contract.primaryExch")


def is_bag(message: Message) -> bool:
    """Return whether the contract of a request is a combination."""
    return bool(message.contract.secType == "BAG")


DELTA_NEUTRAL = Flagged(
    "contract.deltaNeutralContract",
    Plain(
        "contract.deltaNeutralContract.conId contract.deltaNeutralContract.delta "
        "contract.deltaNeutralContract.price"
    ),
)

BAG_LEGS = When(is_bag, Repeat("contract.comboLegs", Plain("conId ratio action exchange")))

ORDER_LEGS = Repeat(
    "contract.comboLegs",
    Plain("conId ratio action exchange openClose=0 shortSalesSlot=0 designatedLocation exemptCode=-1"),
)

CONTRACT_DATA = InOrder(
    "reqId contract.symbol contract.secType contract.lastTradeDateOrContractMonth contract.strike=0 "
    "contract.right contract.exchange contract.currency contract.localSymbol contractDetails.marketName "
    "contract.tradingClass contract.conId contractDetails.minTick contract.multiplier~ "
    "contractDetails.orderTypes contractDetails.validExchanges contractDetails.priceMagnifier=1 "
    "contractDetails.underConId=0 contractDetails.longName contract.primaryExch "
    "contractDetails.contractMonth contractDetails.industry contractDetails.category "
    "contractDetails.subcategory contractDetails.timeZoneId contractDetails.tradingHours "
    "contractDetails.liquidHours contractDetails.evRule contractDetails.evMultiplier~",
    Pairs("contractDetails.secIdList"),
    f"contractDetails.aggGroup={UNSET_INTEGER} contractDetails.underSymbol contractDetails.underSecType "
    "contractDetails.marketRuleIds contractDetails.realExpirationDate contractDetails.stockType "
    "contractDetails.minSize contractDetails.sizeIncrement contractDetails.suggestedSizeIncrement",
)

SYMBOL_SAMPLES = InOrder(
    "reqId",
    Repeat(
        "contractDescriptions",
        InOrder(
            "contract.conId contract.symbol contract.secType contract.primaryExch contract.currency",
            Values("derivativeSecTypes"),
            "contract.description contract.issuerId",
        ),
    ),
)

OPTION_PARAMETERS = InOrder(
    "reqId exchange underlyingConId tradingClass multiplier", Values("expirations"), Values("strikes")
)
