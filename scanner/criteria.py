"""What a scan looks for: structures, filters and ranking, as frozen Structs that check themselves.

`configs.criteria` reads them from TOML; docs/reference/scan-criteria.md explains every key. A filter is a
`Range` of a metric, both bounds included; a metric that is not a number passes no range. Units: prices in USD
a share, `*_usd` of a whole position in USD for one spread (multiplier included), `*_fraction` 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,47}$"
TOP_MAX = 1_000
_LARGE = 1e9


class Structure(StrEnum):
    """The positions that a scan can build, one unit of each leg."""

    SHORT_PUT = "short_put"
    SHORT_CALL = "short_call"
    COVERED_CALL = "covered_call"
    LONG_CALL = "long_call"
    LONG_PUT = "long_put"
    BULL_PUT = "bull_put"
    BEAR_CALL = "bear_call"
    BULL_CALL = "bull_call"
    BEAR_PUT = "bear_put"
    IRON_CONDOR = "iron_condor"
    IRON_BUTTERFLY = "iron_butterfly"

    @property
    def is_credit(self) -> bool:
        """Whether it is opened for a credit."""
        return self not in (Structure.LONG_CALL, Structure.LONG_PUT, Structure.BULL_CALL, Structure.BEAR_PUT)

    @property
    def legs(self) -> int:
        """Option legs of one unit."""
        if self in VERTICALS:
            return 2
        return 4 if self in (Structure.IRON_CONDOR, Structure.IRON_BUTTERFLY) else 1


VERTICALS = (Structure.BULL_PUT, Structure.BEAR_CALL, Structure.BULL_CALL, Structure.BEAR_PUT)


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a metric, both included; a bound left out does not bind."""

    min: float | None = None
    max: float | None = None

    @property
    def low(self) -> float:
        """The lower bound, minus infinity without one."""
        return float("-inf") if self.min is None else self.min

    @property
    def high(self) -> float:
        """The upper bound, infinity without one."""
        return float("inf") if self.max is None else self.max

    def __str__(self) -> str:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.min, self.max))
        if low and high:
            return f"{low} to {high}"
        return f"at least {low}" if low else f"at most {high}"


def _within(meaning: str, unit: str, at_least: float = 0.0, at_most: float = _LARGE) -> msgspec.Meta:
    return msgspec.Meta(description=meaning, extra={"unit": unit, "at_least": at_least, "at_most": at_most})


def _says(meaning: str) -> msgspec.Meta:
    return msgspec.Meta(description=meaning)


class UnsoundError(ValueError):
    """What is wrong with criteria; each message begins with the key that it is about."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = tuple(messages)


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every field and what holds between them checked on construction; raises `UnsoundError` with all."""

    def __post_init__(self) -> None:
        checked = (
            (field.name, _problem(getattr(self, field.name), _extra_of(field.type)))
            for field in msgspec.structs.fields(self)
        )
        problems = [f"{name} {problem}" for name, problem in checked if problem]
        problems = problems or list(self.contradictions())
        if problems:
            raise UnsoundError(problems)

    def contradictions(self) -> Iterator[str]:
        """Yield what is wrong between fields that are each right, beginning with a key."""
        return iter(())


def _problem(value: object, extra: Mapping[str, Any]) -> str | None:
    """Return "is VALUE, allowed: ..." for a number or a `Range` outside `extra`."""
    if isinstance(value, Range):
        if value.min is None and value.max is None:
            return "has neither min nor max, allowed: at least one of them"
        bounds = [("min", value.min), ("max", value.max)]
        wrong = [
            f"{name} {bound:g}"
            for name, bound in bounds
            if bound is not None and not _is_allowed(bound, extra)
        ]
        if wrong:
            return f"has {' and '.join(wrong)}, allowed: {_allowed(extra)}"
        if value.low > value.high:
            return f"has min {value.low:g} above max {value.high:g}. Exchange them."
        return None
    if isinstance(value, (int, float)) and extra and not _is_allowed(value, extra):
        return f"is {value:g}, allowed: {_allowed(extra)}"
    return None


def _is_allowed(value: float, extra: Mapping[str, Any]) -> bool:
    return bool(extra.get("at_least", -_LARGE) <= value <= extra.get("at_most", _LARGE))


def _allowed(extra: Mapping[str, Any]) -> str:
    low, high = extra.get("at_least", -_LARGE), extra.get("at_most", _LARGE)
    words = f"{low:g} or more" if high >= _LARGE else f"{low:g} to {high:g}"
    return f"{words} {extra.get('unit', '')}".strip()


def _extra_of(field_type: object) -> Mapping[str, Any]:
    metas = getattr(field_type, "__metadata__", ())
    return next((meta.extra for meta in metas if meta.extra), {})


ExpiryKind = Literal["weekly", "monthly", "quarterly"]
EventRule = Literal["any", "avoid", "require"]


class LegFilter(_Checked, frozen=True, kw_only=True):
    """Ranges of a contract's own metrics; `legs` holds for every leg, `short_leg` and `long_leg` for one."""

    dte: Annotated[
        Range | None, _within("Calendar days to expiry, New York dates; 0 is expiry day.", "days", 0, 5_000)
    ] = None
    otm_fraction: Annotated[
        Range | None,
        _within(
            "Moneyness: distance of the strike out of the money over the price; inside negative.", "", -5, 5
        ),
    ] = None
    strike_usd: Annotated[Range | None, _within("Strike.", "USD")] = None
    bid_usd: Annotated[Range | None, _within("Bid.", "USD")] = None
    bid_ask_usd: Annotated[Range | None, _within("Ask less bid.", "USD")] = None
    bid_ask_fraction: Annotated[Range | None, _within("Ask less bid over the mid.", "", 0, 2)] = None
    open_interest: Annotated[Range | None, _within("Open contracts.", "contracts")] = None
    volume: Annotated[Range | None, _within("Contracts traded in the day so far.", "contracts")] = None
    delta: Annotated[Range | None, _within("Delta of a share's option, without its sign.", "", 0, 1)] = None
    gamma: Annotated[Range | None, _within("Gamma of a share's option.", "per USD", 0, 100)] = None
    theta: Annotated[
        Range | None,
        _within("Theta of a share's option held long: usually negative.", "USD a day", -1e4, 1e4),
    ] = None
    vega: Annotated[Range | None, _within("Vega of a share's option.", "USD a volatility point", 0, 1e4)] = (
        None
    )
    iv: Annotated[Range | None, _within("Implied volatility, 0.20 is 20 % a year.", "", 0, 100)] = None


class UnderlyingFilter(_Checked, frozen=True, kw_only=True):
    """Ranges of what holds for the whole chain."""

    price_usd: Annotated[Range | None, _within("Price of the underlying.", "USD")] = None
    iv_rank: Annotated[
        Range | None, _within("Where today's IV lies between the year's lowest and highest.", "", 0, 1)
    ] = None
    iv_percentile: Annotated[
        Range | None, _within("Fraction of the year's days with a lower IV than today's.", "", 0, 1)
    ] = None


class PositionFilter(_Checked, frozen=True, kw_only=True):
    """Ranges of what a position is worth and risks; unlimited profit or loss is infinite."""

    width_usd: Annotated[
        Range | None, _within("Distance of the strikes; the wider wing's of four.", "USD")
    ] = None
    credit_usd: Annotated[Range | None, _within("Credit a share; a debit is negative.", "USD", -_LARGE)] = (
        None
    )
    debit_usd: Annotated[Range | None, _within("Debit a share; a credit is negative.", "USD", -_LARGE)] = None
    credit_to_width: Annotated[
        Range | None, _within("Credit over width; of a debit negative.", "", -1, 1)
    ] = None
    max_profit_usd: Annotated[Range | None, _within("Most that one position can gain.", "USD")] = None
    max_loss_usd: Annotated[Range | None, _within("Most that one position can lose.", "USD")] = None
    return_on_risk: Annotated[Range | None, _within("Maximum profit over maximum loss.", "", 0, 1e6)] = None
    annualised_return: Annotated[
        Range | None, _within("Return on risk times 365 over the days left.", "a year", 0, 1e9)
    ] = None
    breakeven_distance_fraction: Annotated[
        Range | None,
        _within(
            "How far the price may move against the position to its breakeven, of the price.", "", -10, 10
        ),
    ] = None
    breakeven_low_usd: Annotated[
        Range | None, _within("Price of the underlying at the lower, or only, breakeven.", "USD", -_LARGE)
    ] = None
    breakeven_high_usd: Annotated[
        Range | None, _within("Price of the underlying at the upper, or only, breakeven.", "USD", -_LARGE)
    ] = None
    legs_bid_ask_to_width: Annotated[
        Range | None,
        _within("Sum of the legs' bid-ask widths over the width (singles: the price).", "", 0, 100),
    ] = None
    delta: Annotated[Range | None, _within("Delta of the position, a share.", "", -4, 4)] = None
    gamma: Annotated[Range | None, _within("Gamma of the position, a share.", "per USD", -400, 400)] = None
    theta: Annotated[Range | None, _within("Theta of the position, a share.", "USD a day", -1e4, 1e4)] = None
    vega: Annotated[
        Range | None, _within("Vega of the position, a share.", "USD a volatility point", -1e4, 1e4)
    ] = None
    probability_of_profit: Annotated[
        Range | None, _within("Probability that it ends with a profit at expiry.", "", 0, 1)
    ] = None
    expected_value_usd: Annotated[
        Range | None, _within("Mean profit at expiry under the same distribution.", "USD", -_LARGE)
    ] = None
    expected_return: Annotated[Range | None, _within("Expected value over maximum loss.", "", -1, 1e6)] = None


class EventFilter(_Checked, frozen=True, kw_only=True):
    """What may happen between now and a contract's expiry; needs a file of events."""

    ex_dividend: Annotated[EventRule, _says("Expiries with an ex-dividend date before or on them.")] = "any"
    earnings: Annotated[EventRule, _says("Expiries with an earnings date before or on them.")] = "any"


class ModeSwitch(_Checked, frozen=True, kw_only=True):
    """Sells when volatility is dear, buys when it is cheap."""

    iv_percentile_threshold: Annotated[
        float, _within("From this IV percentile on credit structures only, below it debit ones.", "", 0, 1)
    ]


class RankTerm(_Checked, frozen=True, kw_only=True):
    """One part of the score: 0 at `worst`, 1 at `best`, linear between, clipped outside."""

    by: Annotated[str, _says("A metric of `[position]`.")]
    worst: Annotated[float, _within("Value of the metric that scores 0.", "", -_LARGE)]
    best: Annotated[float, _within("Value of the metric that scores 1; may lie below `worst`.", "", -_LARGE)]
    weight: Annotated[float, _within("Share of the score, relative to the other terms.", "", 0.001, 1e3)] = (
        1.0
    )

    def contradictions(self) -> Iterator[str]:
        """A metric that exists, and two different values."""
        if self.by not in PositionFilter.__struct_fields__:
            yield f"by is {self.by!r}, allowed: {', '.join(PositionFilter.__struct_fields__)}"
        if self.worst == self.best:
            yield f"best is {self.best:g}, allowed: a value other than worst"


_DEFAULT_RANKING = (
    RankTerm(by="probability_of_profit", worst=0.4, best=0.95),
    RankTerm(by="return_on_risk", worst=0.0, best=0.6),
    RankTerm(by="legs_bid_ask_to_width", worst=0.3, best=0.0, weight=0.5),
)


class Criteria(_Checked, frozen=True, kw_only=True):
    """A whole criteria file."""

    name: Annotated[str, msgspec.Meta(pattern=NAME_PATTERN, description="Name of the criteria.")]
    description: Annotated[str, _says("What they are for.")] = ""
    structures: Annotated[tuple[Structure, ...], _says("Positions to build.")]
    price_between: Annotated[
        float,
        _within(
            "Where between bid and ask a leg trades: 0 sells at the bid and buys at the ask, 0.5 is the mid.",
            "",
            0,
            1,
        ),
    ] = 0.0
    volatility: Annotated[
        Literal["implied", "realised"],
        _says(
            "Distribution of probability and expected value: each strike's own IV, or realised volatility."
        ),
    ] = "implied"
    expiries: Annotated[tuple[ExpiryKind, ...], _says("Kinds of expiry.")] = (
        "weekly",
        "monthly",
        "quarterly",
    )
    equal_widths: Annotated[bool, _says("Condors and butterflies with both wings equally wide only.")] = True
    top: Annotated[int, _within("Candidates returned.", "", 1, TOP_MAX)] = 50
    underlying: Annotated[UnderlyingFilter, _says("The underlying.")] = UnderlyingFilter()
    mode: Annotated[ModeSwitch | None, _says("Credit or debit by IV percentile.")] = None
    events: Annotated[EventFilter, _says("Events before expiry.")] = EventFilter()
    legs: Annotated[LegFilter, _says("Every leg.")] = LegFilter()
    short_leg: Annotated[LegFilter, _says("Legs sold.")] = LegFilter()
    long_leg: Annotated[LegFilter, _says("Legs bought.")] = LegFilter()
    position: Annotated[PositionFilter, _says("The position as a whole.")] = PositionFilter()
    ranking: Annotated[tuple[RankTerm, ...], _says("Parts of the score.")] = _DEFAULT_RANKING

    def contradictions(self) -> Iterator[str]:
        """Something to build and to rank by; nothing said twice; both kinds where the mode chooses."""
        for key in ("structures", "expiries", "ranking"):
            if not getattr(self, key):
                yield f"{key} is empty, allowed: at least one entry"
        for key, values in (
            ("structures", self.structures),
            ("expiries", self.expiries),
            ("ranking", tuple(term.by for term in self.ranking)),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                yield f"{key} has {', '.join(twice)} more than once. Keep one."
        kinds = {structure.is_credit for structure in self.structures}
        if self.mode is not None and len(kinds) == 1:
            yield "mode needs a credit and a debit structure to choose from. Add one to structures."


def ranges_of(section: msgspec.Struct) -> Mapping[str, Range]:
    """Return the ranges that a section sets, by metric, in the order in which they are applied."""
    fields = ((name, getattr(section, name)) for name in section.__struct_fields__)
    return {name: value for name, value in fields if isinstance(value, Range)}
