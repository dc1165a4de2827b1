"""Risk of the options that an account holds and has working: worst loss, delta and vega by underlying.

Losses are counted per strategy and added, so that two strategies never lend each other a cover that
the owner may sell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from risk.intent import OrderIntent
from risk.ledger import Ledger
from risk.market_view import MarketView
from risk.option_loss import (
    Holding,
    OptionOrder,
    add_known,
    can_be_short,
    uncovered_short,
    uncovers,
    worst_floor_usd,
    worst_loss_usd,
)
from risk.performance import Performance
from risk.reservation import Reservation
from risk.snapshot import OptionRisk

ZERO = Decimal(0)
Owner = tuple[str, str]
"""A strategy and an underlying symbol."""


Orders = Callable[[Reservation], bool]
"""Says of a working order whether it is meant."""


def _no_order(_reservation: Reservation) -> bool:
    return False


class _Stake(msgspec.Struct):
    """What one owner holds and has working."""

    held: list[Holding] = []
    cost_usd: Decimal = ZERO
    orders: list[OptionOrder] = []


class OptionBook:
    """Reads options out of the ledger and the lots; keeps nothing of its own."""

    def __init__(self, ledger: Ledger, performance: Performance, market: MarketView) -> None:
        self._ledger = ledger
        self._performance = performance
        self._market = market

    def is_reducing(self, intent: OrderIntent, *, without: Orders = _no_order) -> bool:
        """Return whether an order whose legs all close leaves no position worse off at expiry.

        Buying back short options never does; selling a long one may leave a short one naked: one of its
        owner's, or of the account's where it sells what others hold. Never may the account become naked.
        Working orders that `without` names are taken to be gone.
        """
        if all(intent.sign * leg.ratio > 0 for leg in intent.terms.components):
            return True
        symbol, order = intent.terms.symbol, OptionOrder(self._holdings(intent), None)
        stakes = self._stakes(skip=intent.order_id, without=without)
        own, account = stakes.get((intent.strategy_id, symbol)), _merged(stakes, symbol)
        if own is None or not _owns(own, order):
            return _is_no_worse(account, order)
        if not _is_no_worse(own, order) or uncovers(order, account.held, account.orders):
            return False
        alive = self._stakes(skip=intent.order_id, without=lambda each: _was_canceled(each) or without(each))
        account = _merged(alive, symbol)
        return not uncovers(order, account.held, account.orders)

    def closes_again(self, intent: OrderIntent, *, max_contracts: int) -> bool:
        """Return whether an order closes what one canceled within the grace period did not.

        Should both fill after all, no leg may exceed `max_contracts`. While a leg's fill is known to be on
        its way, nothing is closed a second time.
        """
        owner = (intent.strategy_id, intent.terms.symbol)
        for reservation in self._ledger.reservations.values():
            other = reservation.intent
            if (other.strategy_id, other.terms.symbol) == owner and awaits_legs(reservation):
                return False
        for leg in intent.terms.components:
            exposure = self._ledger.exposure_after(intent, leg.terms.instrument_id, leg.ratio)
            is_buy = (intent.side == "buy") == (leg.ratio > 0)
            if (exposure.worst_long if is_buy else exposure.worst_short) > max_contracts:
                return False
        return self.is_reducing(intent, without=_was_canceled)

    def risk_after(self, intent: OrderIntent) -> OptionRisk | None:
        """Return the risk with `intent` working; None for a stock order while no option is in play.

        The loss of an order that is undefined by itself is that of all that its strategy holds and has
        working in the underlying with it: a long leg covers once it is filled, never while it works.
        """
        is_option = intent.terms.kind != "stock"
        if not is_option and not self._ledger.option_books:
            return None
        stakes, owner = self._stakes(skip=intent.order_id), (intent.strategy_id, intent.terms.symbol)
        order_loss: Decimal | None = ZERO
        if is_option:
            order = OptionOrder(self._holdings(intent), self._intent_cost(intent))
            order_loss = worst_loss_usd((), ZERO, (order,))
            stakes.setdefault(owner, _Stake()).orders.append(order)
        losses = {
            name: worst_loss_usd(stake.held, stake.cost_usd, stake.orders) for name, stake in stakes.items()
        }
        if order_loss is None:  # a leg sent alone makes a spread with what is held: that spread is judged
            order_loss = losses[owner]
        has_defined_risk = all(
            worst_floor_usd(stake.held, stake.orders) is not None for stake in stakes.values()
        )
        delta, vega = self._greeks_after(intent) if is_option or self._has_options(owner[1]) else (0.0, 0.0)
        return OptionRisk(
            order_loss_usd=order_loss,
            underlying_loss_usd=add_known(
                loss for (_, symbol), loss in losses.items() if symbol == intent.terms.symbol
            ),
            total_loss_usd=add_known(losses.values()),
            has_defined_risk=has_defined_risk,
            delta_shares=delta,
            vega_usd=vega,
            uncovered=() if has_defined_risk else _uncovered(stakes),
        )

    def _stakes(self, skip: str, without: Orders = _no_order) -> dict[Owner, _Stake]:
        stakes: dict[Owner, _Stake] = {}
        for (strategy_id, _), lot in self._performance.lots.items():
            if lot.terms.kind == "option":
                owner = (strategy_id, lot.terms.symbol)
                stake = stakes.setdefault(owner, _Stake())
                stake.held.append(Holding(lot.terms, lot.quantity))
                stake.cost_usd = self._performance.option_cost_usd(*owner)
        for order_id, reservation in self._ledger.reservations.items():
            intent = reservation.intent
            if intent.terms.kind != "stock" and order_id != skip and not without(reservation):
                stake = stakes.setdefault((intent.strategy_id, intent.terms.symbol), _Stake())
                stake.orders.append(self._working_order(reservation))
        return stakes

    def _working_order(self, reservation: Reservation) -> OptionOrder:
        """What the order may still add; its legs may have filled, and paid, at different times."""
        cost = self._cost(reservation.intent, reservation.committed, reservation.prices())
        return OptionOrder(_remaining(reservation), None if cost is None else cost - reservation.paid_usd)

    def _intent_cost(self, intent: OrderIntent) -> Decimal | None:
        """Money the intent would still pay; of a modification at the worse of old and new."""
        reservation = self._ledger.reservations.get(intent.order_id)
        if reservation is None:
            return self._cost(intent, intent.quantity, ())
        total = max(intent.quantity + reservation.filled, reservation.committed)
        prices = [*reservation.prices(), *(() if intent.price is None else (intent.price,))]
        cost = self._cost(intent, total, prices)
        return None if cost is None else cost - reservation.paid_usd

    def _holdings(self, intent: OrderIntent) -> tuple[Holding, ...]:
        adds, sign = self._ledger.adds, intent.sign
        return tuple(
            Holding(
                leg.terms,
                (sign if leg.ratio > 0 else -sign) * adds(intent, leg.terms.instrument_id, leg.ratio),
            )
            for leg in intent.terms.components
        )

    def _cost(self, intent: OrderIntent, quantity: int, prices: Sequence[Decimal]) -> Decimal | None:
        """Money that `quantity` would pay at the worst of its prices, of the quote too without a limit."""
        candidates = list(prices) or ([] if intent.price is None else [intent.price])
        if intent.limit_price is None:
            quote = self._market.quote(intent.terms)
            if quote is None:
                return None
            candidates.append(quote.ask if intent.side == "buy" else quote.bid)
        worst = max(candidates) if intent.side == "buy" else min(candidates)
        return intent.sign * quantity * worst * intent.terms.components[0].terms.multiplier

    def _has_options(self, symbol: str) -> bool:
        return any(
            book.terms.kind == "option" and book.terms.symbol == symbol
            for book in self._ledger.books.values()
        )

    def _greeks_after(self, intent: OrderIntent) -> tuple[float | None, float | None]:
        """Return the worst delta in shares and vega in USD of the intent's underlying."""
        symbol = intent.terms.symbol
        held = [
            Holding(book.terms, book.net)
            for book in self._ledger.books.values()
            if book.terms.symbol == symbol
        ]
        changes = [
            _remaining(reservation)
            for order_id, reservation in self._ledger.reservations.items()
            if reservation.intent.terms.symbol == symbol and order_id != intent.order_id
        ]
        base = self._sensitivity(held)
        if base is None:
            return None, None
        low, high = list(base), list(base)
        for holdings in (*changes, self._holdings(intent)):
            change = self._sensitivity(holdings)
            if change is None:
                return None, None
            for index, value in enumerate(change):
                low[index] += min(value, 0.0)
                high[index] += max(value, 0.0)
        worst = [up if abs(up) >= abs(down) else down for up, down in zip(high, low, strict=True)]
        return worst[0], worst[1]

    def _sensitivity(self, holdings: Sequence[Holding]) -> tuple[float, float] | None:
        delta = vega = 0.0
        for holding in holdings:
            if holding.terms.kind == "stock":
                delta += holding.quantity
                continue
            if not holding.quantity:
                continue
            greeks = self._market.greeks(holding.terms)
            if greeks is None:
                return None
            delta += greeks.delta * holding.quantity * holding.terms.multiplier
            vega += greeks.vega * holding.quantity * holding.terms.multiplier
        return delta, vega


def _merged(stakes: Mapping[Owner, _Stake], symbol: str) -> _Stake:
    """Return what all owners hold and have working together in one underlying."""
    parts = [stake for (_, name), stake in stakes.items() if name == symbol]
    return _Stake(
        held=[holding for stake in parts for holding in stake.held],
        orders=[order for stake in parts for order in stake.orders],
    )


def _owns(stake: _Stake, order: OptionOrder) -> bool:
    """Whether the owner holds every leg that the order sells."""
    held = {each.terms.instrument_id for each in stake.held if each.quantity > 0}
    return all(leg.terms.instrument_id in held for leg in order.holdings if leg.quantity < 0)


def _is_no_worse(stake: _Stake, order: OptionOrder) -> bool:
    """Whether a sale touches no short option, or leaves the least value at expiry as it was or better."""
    if not can_be_short(order, stake.held, stake.orders):
        return True
    before = worst_floor_usd(stake.held, stake.orders)
    after = worst_floor_usd(stake.held, [*stake.orders, order])
    return after is not None and (before is None or after >= before)


def awaits_legs(reservation: Reservation) -> bool:
    """Return whether more of the order has filled than its legs have reported."""
    legs = reservation.intent.terms.components
    return any(
        reservation.filled * abs(leg.ratio) > reservation.leg_filled.get(leg.terms.instrument_id, 0)
        for leg in legs
    )


def _was_canceled(reservation: Reservation) -> bool:
    return reservation.closed_at_ns is not None and not reservation.may_work_on


def _uncovered(stakes: dict[Owner, _Stake]) -> tuple[str, ...]:
    """Return the ids of short options that could lack their cover, one a strategy and underlying."""
    shorts = (uncovered_short(stake.held, stake.orders) for stake in stakes.values())
    return tuple(short.instrument_id for short in shorts if short is not None)


def _remaining(reservation: Reservation) -> tuple[Holding, ...]:
    sign = reservation.sign
    return tuple(
        Holding(
            leg.terms,
            (sign if leg.ratio > 0 else -sign) * reservation.remaining(leg.terms.instrument_id, leg.ratio),
        )
        for leg in reservation.intent.terms.components
    )
