"""Limit prices of entries and exits: from the best bid and ask to a `Decimal` on the tick grid."""

from __future__ import annotations

from decimal import Decimal

from market.instruments import EQUITY_PRICE_PRECISION
from market.money import round_to_tick, tick_size, to_decimal
from strategies.intents import EntryStyle, Side


def entry_price(side: Side, style: EntryStyle, *, bid: float, ask: float, offset_ticks: int) -> Decimal:
    """Return the limit of an entry: its own best price if passive, else `offset_ticks` beyond the other."""
    if style == "passive":
        return passive_price(side, bid=bid, ask=ask)
    return marketable_price(side, bid=bid, ask=ask, offset_ticks=offset_ticks)


def exit_price(side: Side, *, level: int, bid: float, ask: float, offset_ticks: int) -> Decimal:
    """Return the limit of an exit at escalation `level`: passive at 0, then ever deeper into the market.

    Level 1 reaches `offset_ticks` beyond the opposite best price, level n reaches n times as far.
    """
    if level == 0:
        return passive_price(side, bid=bid, ask=ask)
    return marketable_price(side, bid=bid, ask=ask, offset_ticks=offset_ticks * level)


def passive_price(side: Side, *, bid: float, ask: float) -> Decimal:
    """Return the best price of `side`'s own queue: the bid for a buy, the ask for a sell."""
    return on_grid(to_decimal(bid if side == "buy" else ask, EQUITY_PRICE_PRECISION), side)


def marketable_price(side: Side, *, bid: float, ask: float, offset_ticks: int) -> Decimal:
    """Return a limit `offset_ticks` beyond the opposite best price, but at least one tick above zero."""
    best = to_decimal(ask if side == "buy" else bid, EQUITY_PRICE_PRECISION)
    tick = tick_size(best)
    reach = tick * offset_ticks
    return on_grid(best + reach if side == "buy" else max(best - reach, tick), side)


def on_grid(price: Decimal, side: Side) -> Decimal:
    """Return `price` on its tick, never worse for `side`: a buy rounds down, a sell up."""
    return round_to_tick(price, tick=tick_size(price), toward="down" if side == "buy" else "up")
