"""The hard limits of a profile's `[risk]` section: no defaults, bounds re-checked on every construction.

Each field carries what it guards, its unit and its bounds as metadata; `describe` reads them for
`harvester risk show` and docs/risk-rules.md, and `__post_init__` enforces them, because msgspec
checks bounds only when it decodes.
"""

from __future__ import annotations

import functools
import itertools
import typing
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

UNIVERSE = "universe"
"""Value of `allowed_symbols` that means: exactly the symbols of the profile's universe."""

_HUGE = Decimal("1e12")


def _limit(guards: str, unit: str, at_least: Decimal | int, at_most: Decimal | int = _HUGE) -> msgspec.Meta:
    return msgspec.Meta(
        description=guards, extra={"unit": unit, "at_least": Decimal(at_least), "at_most": Decimal(at_most)}
    )


def _count(guards: str, unit: str, at_least: int = 1, at_most: int = 1_000_000_000) -> msgspec.Meta:
    return _limit(guards, unit, at_least, at_most)


def _money(guards: str, unit: str = "USD") -> msgspec.Meta:
    return _limit(guards, unit, Decimal("0.01"))


def _symbols(guards: str) -> msgspec.Meta:
    return msgspec.Meta(description=guards, extra={"unit": "symbols"})


class LimitDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One limit in words: its key below `risk`, value as text, unit, what is allowed, what it guards."""

    key: str
    value: str | None
    unit: str
    allowed: str
    guards: str


class OptionLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits that only option orders have (`[risk.options]`); without them every option order is refused.

    Short options that no long option of the same right covers are refused always: no setting
    allows undefined risk.
    """

    max_contracts_per_order: Annotated[
        int,
        _count("a mistyped quantity: spreads, or contracts of a single option, in one order", "contracts"),
    ]
    max_contracts_per_leg: Annotated[
        int, _count("piling into one option: contracts held and working, long or short", "contracts")
    ]
    max_loss_usd_per_spread: Annotated[
        Decimal,
        _money(
            "one spread too large: the worst result at expiry of one order's whole quantity, premium counted"
        ),
    ]
    max_loss_usd_per_underlying: Annotated[
        Decimal,
        _money("concentration: the worst result at expiry of all options held and working on one underlying"),
    ]
    max_loss_usd_total: Annotated[
        Decimal, _money("size of the options book: the same worst result, summed over all underlyings")
    ]
    max_delta_shares_per_underlying: Annotated[
        int,
        _count("direction: |delta| of positions and working orders in shares of the underlying", "shares"),
    ]
    max_vega_usd_per_underlying: Annotated[
        Decimal, _money("volatility: |vega| of positions and working orders", "USD per volatility point")
    ]
    max_price_from_mid_usd: Annotated[
        Decimal, _money("a mistyped price of an option or a combination, against its mid", "USD per share")
    ]
    max_spread_usd: Annotated[
        Decimal, _money("trading where nobody quotes: width of the option's or the combination's quote")
    ]
    min_displayed_contracts: Annotated[
        int, _count("trading where nobody quotes: contracts shown on the side the order takes", "contracts")
    ]

    def __post_init__(self) -> None:
        _check_bounds(self)
        _check_order(self, "max_loss_usd_per_spread", "max_loss_usd_per_underlying", "max_loss_usd_total")
        _check_order(self, "max_contracts_per_order", "max_contracts_per_leg")


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every hard limit of one account; raises ValueError naming field, value and what is allowed."""

    max_shares_per_order: Annotated[int, _count("a mistyped quantity: shares in one stock order", "shares")]
    max_notional_usd_per_order: Annotated[Decimal, _money("a mistyped quantity or price: value of one order")]
    max_position_shares_per_symbol: Annotated[
        int, _count("concentration: shares of one symbol held and working, long or short", "shares")
    ]
    max_notional_usd_per_symbol: Annotated[
        Decimal, _money("concentration: value of one symbol held and working, long or short")
    ]
    max_notional_usd_total: Annotated[
        Decimal, _money("size of the whole book: value held and working over all symbols, sides added")
    ]
    max_positions: Annotated[
        int, _count("losing oversight: symbols with a position or an order that could open one", "symbols")
    ]
    max_open_orders: Annotated[int, _count("losing oversight: orders sent and not yet finished", "orders")]

    max_orders_per_second: Annotated[
        int,
        _count("a runaway strategy and IB's 50 messages a second: orders sent", "orders per second", 1, 45),
    ]
    max_replaces_per_minute: Annotated[
        int, _count("a runaway quoting loop: cancels and replaces together", "replaces per minute", 1, 2700)
    ]
    max_rejects_per_minute: Annotated[
        int,
        _count(
            "a strategy deaf to refusals: those by the broker, by IB's rule book and by the order rate",
            "rejects per minute",
        ),
    ]
    duplicate_window_ms: Annotated[
        int, _count("sending one signal twice: an equal order within this time", "ms", 1, 86_400_000)
    ]
    canceled_order_grace_ms: Annotated[
        int,
        _count(
            "fills that arrive after their cancel: how long a canceled order still counts", "ms", 0, 600_000
        ),
    ]

    max_price_from_mid_bps: Annotated[
        int,
        _count("a mistyped price: a buy above, or a sell below, the mid by at most this", "bps", 1, 10_000),
    ]
    max_price_from_last_bps: Annotated[
        int,
        _count(
            "a quote that lies: a buy above, or a sell below, the last trade by at most this",
            "bps",
            1,
            10_000,
        ),
    ]
    max_spread_bps: Annotated[
        int, _count("paying the spread of an illiquid stock: ask minus bid over mid", "bps", 1, 10_000)
    ]
    min_displayed_shares: Annotated[
        int, _count("trading where nobody quotes: shares shown on the side the order takes", "shares")
    ]
    max_quote_age_ms: Annotated[int, _count("trading on old prices: age of the quote", "ms", 1, 3_600_000)]
    min_price_usd: Annotated[Decimal, _limit("stocks outside the tested band", "USD", Decimal("0.0001"))]
    max_price_usd: Annotated[Decimal, _money("stocks outside the tested band")]

    allowed_symbols: Annotated[
        Literal["universe"] | tuple[str, ...],
        _symbols('symbols nobody meant: "universe" (those of the profile) or a list'),
    ]
    prohibited_symbols: Annotated[
        tuple[str, ...], _symbols("symbols that must never be traded (restricted, halted, employer's)")
    ]

    max_funds_multiple: Annotated[
        Decimal,
        _limit(
            "borrowed money: value held and working over the account's funds", "multiple", Decimal("0.01"), 4
        ),
    ]
    max_daily_loss_usd: Annotated[
        Decimal, _money("a bad day: realized and open loss, fees counted, from the day's start; halts")
    ]
    max_daily_drawdown_usd: Annotated[
        Decimal, _money("giving it all back: the same from the day's highest profit; halts")
    ]
    max_loss_usd_per_trade: Annotated[
        Decimal, _money("one trade that runs away: open loss of a symbol; closes and pauses it")
    ]
    max_consecutive_losses: Annotated[
        int, _count("a strategy out of step: losing trades in a row, then a pause", "trades", 1, 1000)
    ]
    consecutive_loss_pause_minutes: Annotated[
        int, _count("a strategy out of step: length of that pause", "minutes", 1, 1440)
    ]

    max_data_silence_seconds: Annotated[
        int, _count("flying blind: no market data at all while in session; reduce only", "seconds", 1, 3600)
    ]
    halt_reading_interval_ms: Annotated[
        int, _count("a false halt: least time between the three readings that halt", "ms", 1, 60_000)
    ]

    options: OptionLimits | None = None

    def __post_init__(self) -> None:
        _check_bounds(self)
        _check_order(self, "max_shares_per_order", "max_position_shares_per_symbol")
        _check_order(
            self, "max_notional_usd_per_order", "max_notional_usd_per_symbol", "max_notional_usd_total"
        )
        _check_order(self, "max_loss_usd_per_trade", "max_daily_loss_usd")
        _check_order(self, "min_price_usd", "max_price_usd")
        _check_symbols(self)


def describe(limits: RiskLimits) -> Iterator[LimitDescription]:
    """Yield every limit in words, in the order of the profile; those of options last."""
    for name, meta in _fields(RiskLimits).items():
        yield _described(name, meta, getattr(limits, name))
    for name, meta in _fields(OptionLimits).items():
        value = None if limits.options is None else getattr(limits.options, name)
        yield _described(f"options.{name}", meta, value)


def describe_fields() -> Iterator[LimitDescription]:
    """Yield every limit in words without a value, for the generated reference page."""
    for name, meta in _fields(RiskLimits).items():
        yield _described(name, meta, None)
    for name, meta in _fields(OptionLimits).items():
        yield _described(f"options.{name}", meta, None)


def _described(key: str, meta: msgspec.Meta, value: object) -> LimitDescription:
    text = None if value is None else (", ".join(value) or "none" if isinstance(value, tuple) else str(value))
    assert meta.extra is not None
    allowed = "a list"
    if "at_least" in meta.extra:
        allowed = f"{meta.extra['at_least']:f} to {meta.extra['at_most']:f}"
    return LimitDescription(
        key=key,
        value=text,
        unit=str(meta.extra["unit"]),
        allowed=allowed,
        guards=meta.description or "",
    )


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.Meta]:
    hints = typing.get_type_hints(struct, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


@functools.cache
def _bounds(struct: type[msgspec.Struct]) -> dict[str, tuple[type, str, Decimal, Decimal]]:
    hints = typing.get_type_hints(struct)
    return {
        name: (hints[name], meta.extra["unit"], meta.extra["at_least"], meta.extra["at_most"])
        for name, meta in _fields(struct).items()
        if meta.extra is not None and "at_least" in meta.extra
    }


def _check_bounds(limits: msgspec.Struct) -> None:
    for name, (kind, unit, at_least, at_most) in _bounds(type(limits)).items():
        value: int | Decimal = getattr(limits, name)
        if type(value) is not kind or (kind is Decimal and not Decimal(value).is_finite()):
            raise ValueError(
                f"{name} is {value!r}; give a {'whole ' if kind is int else ''}number of {unit}."
            )
        if not at_least <= value <= at_most:
            raise ValueError(f"{name} is {value} {unit}; it must lie between {at_least} and {at_most:f}.")


def _check_order(limits: msgspec.Struct, *names: str) -> None:
    for lower, upper in itertools.pairwise(names):
        low, high = getattr(limits, lower), getattr(limits, upper)
        if low > high:
            raise ValueError(f"{lower} is {low}, above {upper} {high}; lower the one or raise the other.")


def _check_symbols(limits: RiskLimits) -> None:
    allowed = () if limits.allowed_symbols == UNIVERSE else limits.allowed_symbols
    for name, symbols in (("allowed_symbols", allowed), ("prohibited_symbols", limits.prohibited_symbols)):
        if not isinstance(symbols, tuple) or not all(isinstance(symbol, str) for symbol in symbols):
            raise ValueError(f'{name} is {symbols!r}; give a list of symbols, such as ["BAC", "F"].')
        wrong = [symbol for symbol in symbols if symbol != symbol.strip().upper() or not symbol]
        if wrong:
            raise ValueError(f"{name} holds {wrong[0]!r}; write symbols in upper case, without spaces.")
    if limits.allowed_symbols == ():
        raise ValueError(
            'allowed_symbols is empty, so nothing could trade; list symbols or write "universe".'
        )
    both = sorted(set(allowed) & set(limits.prohibited_symbols))
    if both:
        raise ValueError(f"{both[0]} is both in allowed_symbols and prohibited_symbols; remove it from one.")
