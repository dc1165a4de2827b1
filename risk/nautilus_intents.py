"""Turns Nautilus' orders and instruments into the plain values that the rules judge."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import (
    ContingencyType,
    OrderSide,
    OrderType,
    TimeInForce,
    TrailingOffsetType,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Equity, OptionContract, OptionSpread

from risk import intent as plain
from risk.nautilus_fixed_point import PRICE_OF_RAW, WHOLE_OF_RAW
from risk.nautilus_order_tags import OrderTags, read_tags

# Orders give their enums as ints; keys that are enum members would be compared by a slow method.
_ORDER_TYPES: dict[int, plain.OrderType] = {
    int(OrderType.MARKET): "market",
    int(OrderType.MARKET_TO_LIMIT): "market",
    int(OrderType.LIMIT): "limit",
    int(OrderType.STOP_MARKET): "stop",
    int(OrderType.STOP_LIMIT): "stop_limit",
    int(OrderType.MARKET_IF_TOUCHED): "market_if_touched",
    int(OrderType.LIMIT_IF_TOUCHED): "limit_if_touched",
    int(OrderType.TRAILING_STOP_MARKET): "trailing",
    int(OrderType.TRAILING_STOP_LIMIT): "trailing",
}
_TIMES_IN_FORCE: dict[int, plain.TimeInForce] = {
    int(TimeInForce.DAY): "day",
    int(TimeInForce.GTC): "gtc",
    int(TimeInForce.IOC): "ioc",
    int(TimeInForce.FOK): "fok",
    int(TimeInForce.GTD): "gtd",
    int(TimeInForce.AT_THE_OPEN): "at_open",
    int(TimeInForce.AT_THE_CLOSE): "at_close",
}
_BUY = int(OrderSide.BUY)
_GTD = int(TimeInForce.GTD)
_LIMIT = int(OrderType.LIMIT)
_TRAILING = (int(OrderType.TRAILING_STOP_MARKET), int(OrderType.TRAILING_STOP_LIMIT))
_TRAILING_OFFSETS = (TrailingOffsetType.PRICE, TrailingOffsetType.BASIS_POINTS)
_NO_TAGS = OrderTags()
_NO_CONTINGENCY = int(ContingencyType.NO_CONTINGENCY)


class UnknownInstrumentError(LookupError):
    """An instrument that is not in the cache, or of a kind that the rules do not know."""


class InstrumentBook:
    """The terms of each instrument in Nautilus' cache, made anew when an option or a spread changes."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self._kinds: dict[type, Callable[[Any], plain.InstrumentTerms]] = {
            Equity: _stock,
            OptionContract: _option,
            OptionSpread: self._spread,
        }
        self._terms: dict[InstrumentId, plain.InstrumentTerms] = {}
        self._sources: dict[InstrumentId, Any] = {}
        self._ids: dict[str, InstrumentId] = {}

    def terms(self, instrument_id: InstrumentId) -> plain.InstrumentTerms:
        """Return the terms; raises `UnknownInstrumentError`."""
        known = self._terms.get(instrument_id)
        if known is not None and known.kind == "stock":
            return known
        instrument = self._cache.instrument(instrument_id)
        if known is None or instrument is not self._sources[instrument_id]:
            if known is not None:  # such as an adjusted multiplier: spreads have the terms of their legs
                self._terms = {key: each for key, each in self._terms.items() if each.kind != "spread"}
            known = self._describe(instrument_id, instrument)
            self._terms[instrument_id], self._sources[instrument_id] = known, instrument
            self._ids[known.instrument_id] = instrument_id
        return known

    def nautilus_id(self, terms: plain.InstrumentTerms) -> InstrumentId:
        """Return Nautilus' id of an instrument."""
        known = self._ids.get(terms.instrument_id)
        if known is None:
            known = self._ids[terms.instrument_id] = InstrumentId.from_str(terms.instrument_id)
        return known

    def _describe(self, instrument_id: InstrumentId, instrument: Any) -> plain.InstrumentTerms:
        describe = next((self._kinds[kind] for kind in self._kinds if isinstance(instrument, kind)), None)
        if describe is None:
            what = "is not in the cache" if instrument is None else f"is a {type(instrument).__name__}"
            raise UnknownInstrumentError(
                f"{instrument_id} {what}. Only stocks, options and their spreads trade."
            )
        if instrument.quote_currency != USD:
            raise UnknownInstrumentError(
                f"{instrument_id} is quoted in {instrument.quote_currency}. Only quotes in USD trade."
            )
        try:
            return describe(instrument)
        except ValueError as error:
            raise UnknownInstrumentError(f"{instrument_id} cannot be read: {error}") from error

    def _spread(self, instrument: OptionSpread) -> plain.InstrumentTerms:
        legs = tuple(plain.Leg(self.terms(leg_id), ratio) for leg_id, ratio in instrument.legs())
        if not legs:
            raise UnknownInstrumentError(f"{instrument.id} has no legs. Request it with its legs' ids.")
        return plain.InstrumentTerms(
            instrument_id=instrument.id.value,
            symbol=legs[0].terms.symbol,
            kind="spread",
            price_increment=instrument.price_increment.as_decimal(),
            multiplier=legs[0].terms.multiplier,
            legs=legs,
        )


def _stock(instrument: Equity) -> plain.InstrumentTerms:
    return plain.InstrumentTerms(
        instrument_id=instrument.id.value,
        symbol=instrument.id.symbol.value,
        kind="stock",
        price_increment=instrument.price_increment.as_decimal(),
    )


def _option(instrument: OptionContract) -> plain.InstrumentTerms:
    return plain.InstrumentTerms(
        instrument_id=instrument.id.value,
        symbol=instrument.underlying,
        kind="option",
        price_increment=instrument.price_increment.as_decimal(),
        multiplier=int(instrument.multiplier),
        right="call" if instrument.option_kind.name == "CALL" else "put",
        strike=instrument.strike_price.as_decimal(),
        expiration_ns=instrument.expiration_ns,
    )


def whole(quantity: Any) -> int:
    """Return a Nautilus quantity as whole shares; raises `FractionalQuantityError`."""
    return WHOLE_OF_RAW[quantity.raw]


def decimal_or_none(price: Any) -> Decimal | None:
    """Return a Nautilus price as `Decimal`, None for None."""
    return None if price is None else price.as_decimal()


def intent_of(order: Any, terms: plain.InstrumentTerms, honours_oca: bool) -> plain.OrderIntent:
    """Return the intent of a Nautilus order, for what of it is still open.

    With `honours_oca` the venue cancels the rest of an OCO group when one order fills; without it only
    orders that name one OCA group of IB in their tags, or that are children of one parent, are a group.
    """
    parent_id, tags, time_in_force = order.parent_order_id, order.tags, order.time_in_force
    order_type = order.order_type
    limit: Decimal | None
    trigger: Decimal | None = None
    is_trailing = False
    if order_type == _LIMIT:
        limit = PRICE_OF_RAW[order.price.raw]
    else:
        limit, trigger = _prices(order)
        is_trailing = order_type in _TRAILING
    said = _read_tags(order, tags) if tags else _NO_TAGS
    specials = said.specials
    if is_trailing or order.is_post_only or order.is_quote_quantity:
        specials += _specials(order)
    return plain.OrderIntent(  # by position, for speed: each order pays for every keyword
        order.client_order_id.value,
        sys.intern(order.strategy_id.value),  # a key of many tables: its hash is taken once
        terms,
        "buy" if order.side == _BUY else "sell",
        WHOLE_OF_RAW[order.leaves_qty.raw],
        _ORDER_TYPES[order_type],
        _TIMES_IN_FORCE[time_in_force],
        limit,
        trigger,
        order.expire_time_ns if time_in_force == _GTD else None,
        said.is_outside_hours,
        said.decision,
        None if parent_id is None else parent_id.value,
        _group_id(order, said.oca_group, honours_oca)
        if said.oca_group is not None or order.contingency_type != _NO_CONTINGENCY
        else None,
        False,
        specials,
    )


def _prices(order: Any) -> tuple[Decimal | None, Decimal | None]:
    """Return limit and trigger of an order of any type."""
    limit = PRICE_OF_RAW[order.price.raw] if order.has_price else None
    return limit, PRICE_OF_RAW[order.trigger_price.raw] if order.has_trigger_price else None


def _read_tags(order: Any, tags: list[str]) -> OrderTags:
    """Return what the tags say; slices of an execution algorithm share their parent's decision."""
    said, spawn_id = read_tags(tags), order.exec_spawn_id
    if spawn_id is None or spawn_id == order.client_order_id:
        return said
    return msgspec.structs.replace(said, decision=None)


def _specials(order: Any) -> tuple[plain.Special, ...]:
    """Return what the order asks for, besides what its tags say, that Nautilus' adapter does not send."""
    specials: list[plain.Special] = []
    if order.is_post_only:
        specials.append("post_only")
    if order.is_quote_quantity:
        specials.append("quote_quantity")
    if order.order_type in _TRAILING and order.trailing_offset_type not in _TRAILING_OFFSETS:
        specials.append("trailing_offset")
    return tuple(specials)


def _group_id(order: Any, oca_group: str | None, honours_oca: bool) -> str | None:
    """Name an OCA group as IB does, or by all its members: only orders that list each other are one group."""
    if oca_group is not None and not honours_oca:
        return f"IB {oca_group}"
    if order.contingency_type not in (ContingencyType.OCO, ContingencyType.OUO) or not order.linked_order_ids:
        return None
    if not (honours_oca or order.parent_order_id is not None):
        return None
    members = {order.client_order_id.value, *(linked.value for linked in order.linked_order_ids)}
    return ",".join(sorted(members))
