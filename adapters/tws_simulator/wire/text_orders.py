"""Orders in the text protocol: the request PLACE_ORDER, the replies OPEN_ORDER and COMPLETED_ORDER.

What TWS writes for absent fields of an open order (0, -1, "None", 2147483647, the largest double) is
taken from captures at 165; `*` are fields that TWS has retired and still sends.
"""

from __future__ import annotations

import math

from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.wire.text_contracts import (
    CONTRACT,
    DELTA_NEUTRAL,
    HELD_CONTRACT,
    ORDER_LEGS,
    is_bag,
)
from adapters.tws_simulator.wire.text_fields import (
    Each,
    FieldReader,
    InOrder,
    Options,
    Pairs,
    Plain,
    Repeat,
    When,
    Words,
)
from adapters.tws_simulator.wire.text_numbers import UNSET_DOUBLE_TEXT, UNSET_INTEGER

DELTA_NEUTRAL_NONE = "None"
"""What TWS writes as the delta-neutral order type of an order that has none."""


def _is_delta_neutral(message: Message) -> bool:
    return bool(message.order.deltaNeutralOrderType)


def _is_scale(message: Message) -> bool:
    return message.order.HasField("scalePriceIncrement") and message.order.scalePriceIncrement > 0


def _is_hedge(message: Message) -> bool:
    return bool(message.order.hedgeType)


def _is_algo(message: Message) -> bool:
    return bool(message.order.algoStrategy)


def _is_pegged_to_benchmark(message: Message) -> bool:
    return message.order.orderType in {"PEG BENCH", "PEGBENCH"}


def _is_pegged_to_best(message: Message) -> bool:
    return message.order.orderType in {"PEG BEST", "PEGBEST"}


def _has_middle_offsets(message: Message) -> bool:
    if _is_pegged_to_best(message):
        return message.order.competeAgainstBestOffset == math.inf
    return message.order.orderType in {"PEG MID", "PEGMID"}


def _goes_to_ats(message: Message) -> bool:
    return bool(message.contract.exchange == "IBKRATS")


def _has_conditions(message: Message) -> bool:
    return len(message.order.conditions) > 0


def _of_type(condition_type: int, tokens: str) -> When:
    return When(lambda condition: condition.type == condition_type, Plain(tokens))


CONDITION = InOrder(
    "type",
    Words("isConjunctionConnection", {"a": True, "o": False}),
    _of_type(1, "isMore price conId exchange triggerMethod"),
    _of_type(3, "isMore time"),
    _of_type(4, "isMore percent"),
    _of_type(5, "secType exchange symbol"),
    _of_type(6, "isMore volume conId exchange"),
    _of_type(7, "isMore changePercent conId exchange"),
)
"""Types: 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 percent change."""

CONDITIONS = InOrder(
    Repeat("order.conditions", CONDITION),
    When(_has_conditions, Plain("order.conditionsIgnoreRth order.conditionsCancelOrder")),
)

SCALE = When(
    _is_scale,
    Plain(
        "order.scalePriceAdjustValue order.scalePriceAdjustInterval order.scaleProfitOffset "
        "order.scaleAutoReset=0 order.scaleInitPosition order.scaleInitFillQty order.scaleRandomPercent=0"
    ),
)

HEDGE = InOrder("order.hedgeType", When(_is_hedge, Plain("order.hedgeParam")))

ALGORITHM = InOrder("order.algoStrategy", When(_is_algo, Pairs("order.algoParams")))

PEGGED_TO_BENCHMARK = When(
    _is_pegged_to_benchmark,
    Plain(
        "order.referenceContractId order.isPeggedChangeAmountDecrease=0 order.peggedChangeAmount "
        "order.referenceChangeAmount order.referenceExchangeId"
    ),
)

PLACE_ORDER = InOrder(
    f"orderId {CONTRACT} contract.secIdType contract.secId order.action order.totalQuantity# "
    "order.orderType order.lmtPrice order.auxPrice order.tif order.ocaGroup order.account "
    "order.openClose order.origin order.orderRef order.transmit=0 order.parentId? order.blockOrder=0 "
    "order.sweepToFill=0 order.displaySize? order.triggerMethod? order.outsideRth=0 order.hidden=0",
    When(
        is_bag,
        InOrder(
            ORDER_LEGS,
            Each("contract.comboLegs", Plain("perLegPrice")),
            Pairs("order.smartComboRoutingParams"),
        ),
    ),
    "* order.discretionaryAmt? order.goodAfterTime order.goodTillDate order.faGroup order.faMethod "
    "order.faPercentage * order.modelCode order.shortSaleSlot? order.designatedLocation "
    "order.exemptCode order.ocaType? order.rule80A order.settlingFirm order.allOrNone=0 order.minQty "
    "order.percentOffset *=0 *=0 * *=0 order.startingPrice order.stockRefPrice order.delta "
    "order.stockRangeLower order.stockRangeUpper order.overridePercentageConstraints=0 "
    "order.volatility order.volatilityType order.deltaNeutralOrderType order.deltaNeutralAuxPrice",
    When(
        _is_delta_neutral,
        Plain(
            "order.deltaNeutralConId order.deltaNeutralSettlingFirm order.deltaNeutralClearingAccount "
            "order.deltaNeutralClearingIntent order.deltaNeutralOpenClose order.deltaNeutralShortSale=0 "
            "order.deltaNeutralShortSaleSlot order.deltaNeutralDesignatedLocation"
        ),
    ),
    "order.continuousUpdate=0 order.referencePriceType order.trailStopPrice order.trailingPercent "
    "order.scaleInitLevelSize order.scaleSubsLevelSize order.scalePriceIncrement",
    SCALE,
    "order.scaleTable order.activeStartTime order.activeStopTime",
    HEDGE,
    "order.optOutSmartRouting=0 order.clearingAccount order.clearingIntent order.notHeld=0",
    DELTA_NEUTRAL,
    ALGORITHM,
    "order.algoId order.whatIf=0",
    Options("order.orderMiscOptions"),
    "order.solicited=0 order.randomizeSize=0 order.randomizePrice=0",
    PEGGED_TO_BENCHMARK,
    CONDITIONS,
    "order.adjustedOrderType order.triggerPrice order.lmtPriceOffset order.adjustedStopPrice "
    "order.adjustedStopLimitPrice order.adjustedTrailingAmount order.adjustableTrailingUnit? "
    "order.extOperator order.softDollarTier.name order.softDollarTier.value order.cashQty "
    "order.mifid2DecisionMaker order.mifid2DecisionAlgo order.mifid2ExecutionTrader "
    "order.mifid2ExecutionAlgo order.dontUseAutoPriceForHedge=0 order.isOmsContainer=0 "
    "order.discretionaryUpToLimitPrice=0 order.usePriceMgmtAlgo order.duration order.postToAts "
    "order.autoCancelParent=0 order.advancedErrorOverride order.manualOrderTime",
    When(_goes_to_ats, Plain("order.minTradeQty")),
    When(_is_pegged_to_best, Plain("order.minCompeteSize order.competeAgainstBestOffset")),
    When(_has_middle_offsets, Plain("order.midOffsetAtWhole order.midOffsetAtHalf")),
)

_UNSET = f"={UNSET_INTEGER}"
_UNSET_DOUBLE = f"={UNSET_DOUBLE_TEXT}"

_MARGIN_NAMES = [
    f"{amount}{when}"
    for when in ("Before", "Change", "After")
    for amount in ("initMargin", "maintMargin", "equityWithLoan")
]
_MARGINS = " ".join(f"orderState.{name}{_UNSET_DOUBLE}" for name in _MARGIN_NAMES)

_PEG_OFFSETS = (
    "order.minTradeQty order.minCompeteSize order.competeAgainstBestOffset order.midOffsetAtWhole "
    "order.midOffsetAtHalf"
)

_LEGS_AND_SCALE = InOrder(
    "contract.comboLegsDescrip",
    ORDER_LEGS,
    Each("contract.comboLegs", Plain("perLegPrice")),
    Pairs("order.smartComboRoutingParams"),
    f"order.scaleInitLevelSize{_UNSET} order.scaleSubsLevelSize{_UNSET} order.scalePriceIncrement",
    SCALE,
    HEDGE,
)


class _DeltaNeutralOrder:
    """The delta-neutral part of an open order: "None" and empty fields when the order has none."""

    def __init__(self, tokens: str) -> None:
        self._type = Plain(f"order.deltaNeutralOrderType={DELTA_NEUTRAL_NONE} order.deltaNeutralAuxPrice")
        self._rest = Plain(tokens)

    def read(self, fields: FieldReader, message: Message) -> None:
        """Read type, price and the rest, which stands wherever the type is not empty."""
        self._type.read(fields, message)
        is_there = bool(message.order.deltaNeutralOrderType)
        if message.order.deltaNeutralOrderType == DELTA_NEUTRAL_NONE:
            message.order.ClearField("deltaNeutralOrderType")
        if is_there:
            self._rest.read(fields, message)

    def write(self, message: Message, fields: list[str]) -> None:
        """Write type, price and the rest."""
        self._type.write(message, fields)
        self._rest.write(message, fields)


_ORDER_CONTRACT = HELD_CONTRACT.replace("strike=0.0", "strike=0").replace("right", "right=?")

OPEN_ORDER = InOrder(
    f"orderId {_ORDER_CONTRACT} "
    "order.action order.totalQuantity order.orderType order.lmtPrice=0.0 order.auxPrice=0.0 order.tif "
    "order.ocaGroup order.account order.openClose order.origin=0 order.orderRef order.clientId=0 "
    "order.permId=0 order.outsideRth=0 order.hidden=0 order.discretionaryAmt=0 order.goodAfterTime * "
    "order.faGroup order.faMethod order.faPercentage * order.modelCode order.goodTillDate order.rule80A "
    "order.percentOffset order.settlingFirm order.shortSaleSlot=0 order.designatedLocation "
    "order.exemptCode=-1 *=0 order.startingPrice order.stockRefPrice order.delta order.stockRangeLower "
    f"order.stockRangeUpper order.displaySize{_UNSET} order.blockOrder=0 order.sweepToFill=0 "
    "order.allOrNone=0 order.minQty order.ocaType=0 *=0 *=0 * order.parentId=0 "
    "order.triggerMethod=0 order.volatility order.volatilityType=0",
    _DeltaNeutralOrder(
        "order.deltaNeutralConId=0 order.deltaNeutralSettlingFirm order.deltaNeutralClearingAccount "
        "order.deltaNeutralClearingIntent order.deltaNeutralOpenClose=? order.deltaNeutralShortSale=0 "
        "order.deltaNeutralShortSaleSlot=0 order.deltaNeutralDesignatedLocation"
    ),
    "order.continuousUpdate=0 order.referencePriceType=0 order.trailStopPrice order.trailingPercent * *",
    _LEGS_AND_SCALE,
    "order.optOutSmartRouting=0 order.clearingAccount order.clearingIntent=IB order.notHeld=0",
    DELTA_NEUTRAL,
    ALGORITHM,
    f"order.solicited=0 order.whatIf=0 orderState.status {_MARGINS} orderState.commissionAndFees "
    "orderState.minCommissionAndFees orderState.maxCommissionAndFees "
    "orderState.commissionAndFeesCurrency orderState.warningText order.randomizeSize=0 "
    "order.randomizePrice=0",
    PEGGED_TO_BENCHMARK,
    CONDITIONS,
    f"order.adjustedOrderType=None order.triggerPrice{_UNSET_DOUBLE} order.trailStopPrice{_UNSET_DOUBLE} "
    f"order.lmtPriceOffset{_UNSET_DOUBLE} order.adjustedStopPrice{_UNSET_DOUBLE} "
    f"order.adjustedStopLimitPrice{_UNSET_DOUBLE} order.adjustedTrailingAmount{_UNSET_DOUBLE} "
    "order.adjustableTrailingUnit=0 order.softDollarTier.name order.softDollarTier.value "
    "order.softDollarTier.displayName order.cashQty=0 order.dontUseAutoPriceForHedge=1 "
    "order.isOmsContainer=0 order.discretionaryUpToLimitPrice=0 order.usePriceMgmtAlgo=0 order.duration "
    f"order.postToAts order.autoCancelParent=0 {_PEG_OFFSETS}",
)

COMPLETED_ORDER = InOrder(
    f"{HELD_CONTRACT} order.action order.totalQuantity order.orderType order.lmtPrice=0.0 "
    "order.auxPrice=0.0 order.tif order.ocaGroup order.account order.openClose order.origin=0 "
    "order.orderRef order.permId=0 order.outsideRth=0 order.hidden=0 order.discretionaryAmt=0 "
    "order.goodAfterTime order.faGroup order.faMethod order.faPercentage * order.modelCode "
    "order.goodTillDate order.rule80A order.percentOffset order.settlingFirm order.shortSaleSlot=0 "
    "order.designatedLocation order.exemptCode=-1 order.startingPrice order.stockRefPrice order.delta "
    f"order.stockRangeLower order.stockRangeUpper order.displaySize{_UNSET} order.sweepToFill=0 "
    "order.allOrNone=0 order.minQty order.ocaType=0 order.triggerMethod=0 order.volatility "
    "order.volatilityType=0",
    _DeltaNeutralOrder(
        "order.deltaNeutralConId=0 order.deltaNeutralShortSale=0 order.deltaNeutralShortSaleSlot=0 "
        "order.deltaNeutralDesignatedLocation"
    ),
    "order.continuousUpdate=0 order.referencePriceType=0 order.trailStopPrice order.trailingPercent",
    _LEGS_AND_SCALE,
    "order.clearingAccount order.clearingIntent=IB order.notHeld=0",
    DELTA_NEUTRAL,
    ALGORITHM,
    "order.solicited=0 orderState.status order.randomizeSize=0 order.randomizePrice=0",
    PEGGED_TO_BENCHMARK,
    CONDITIONS,
    f"order.trailStopPrice{_UNSET_DOUBLE} order.lmtPriceOffset{_UNSET_DOUBLE} order.cashQty=0 "
    "order.dontUseAutoPriceForHedge=1 order.isOmsContainer=0 order.autoCancelDate order.filledQuantity=0 "
    "order.refFuturesConId=0 order.autoCancelParent=0 order.shareholder order.imbalanceOnly=0 "
    "order.routeMarketableToBbo=0 order.parentPermId=0 orderState.completedTime "
    f"orderState.completedStatus {_PEG_OFFSETS}",
)
