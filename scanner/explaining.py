"""Why a contract or a spread is, or is not, among a scan's candidates: every filter with its value.

for verdict in explain(chain, criteria, context, "GOOG 2016-01-15 -730P +720P").verdicts:
    print(verdict.filter, verdict.value, verdict.allowed, verdict.passed)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from market.errors import NotFoundError, UserError
from market.instruments import VENUE
from market.option_chain import OptionChain
from market.pricing.scaled_erfc import Array
from market.time import new_york_date
from scanner.candidates import RankPart, ScanResult, one_block_parts
from scanner.condors import EQUAL_WIDTHS
from scanner.context import ScanContext
from scanner.contracts import (
    ContractCheck,
    Usable,
    leg_checks,
    modelled_checks,
    priced_for,
    static_checks,
    usable_contracts,
)
from scanner.criteria import VERTICALS, Criteria, Range, Structure, ranges_of
from scanner.legs import LegTable, Prospect
from scanner.metrics import POSITION_METRICS
from scanner.position_filters import SOUND, passes, sound
from scanner.positions import Block, Condors, Verticals
from scanner.ranking import score
from scanner.scan import scan, structures_for, underlying_checks
from scanner.singles import Singles
from scanner.spread_text import SHARES, Spread, SpreadLeg, is_spread_text, parse_spread

STRUCTURE = "structures"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One filter applied to one contract, or to the whole spread; a value that is no number is None."""

    subject: str
    filter: str
    passed: bool
    value: float | None
    allowed: str
    unlimited: bool = False
    """Whether the value is None because nothing limits it."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All verdicts, in the order in which a scan applies them, and the outcome in a sentence."""

    subject: str
    verdicts: tuple[Verdict, ...]
    outcome: str
    score: float | None = None
    """Of a spread whose legs are priced."""
    rank_parts: tuple[RankPart, ...] = ()


def explain(chain: OptionChain, criteria: Criteria, context: ScanContext, subject: str) -> Explanation:
    """Explain a contract of `chain` by its id, or a spread such as `GOOG 2016-01-15 -730P +720P`.

    Raises `NotFoundError` for what the chain does not have, `UserError` for text that is neither.
    """
    with np.errstate(all="ignore"):
        if is_spread_text(subject):
            return _spread(chain, criteria, context, parse_spread(subject))
        return _contract(chain, criteria, context, _row_of_contract(chain, subject))


def _contract(chain: OptionChain, criteria: Criteria, context: ScanContext, row: int) -> Explanation:
    model = _priced_rows(chain, context, [row])
    verdicts = [*_whole(chain, criteria, context), *_leg(chain, model, criteria, context, row)]
    for key in ("short_leg", "long_leg"):
        verdicts.extend(_verdicts(model, leg_checks(model, getattr(criteria, key), key), row))
    failed = [verdict for verdict in verdicts if not verdict.passed]
    subject = str(chain.contract[row])
    if not failed:
        outcome = (
            f"{subject} passes every filter on contracts; name a spread to see the filters on positions."
        )
    else:
        outcome = f"{subject} is dropped by {_named(failed)}."
    return Explanation(subject=subject, verdicts=tuple(verdicts), outcome=outcome)


def _spread(chain: OptionChain, criteria: Criteria, context: ScanContext, spread: Spread) -> Explanation:
    root = _root_of(chain, spread)
    rows = [row_of_leg(chain, leg, root=root) for leg in spread.legs]
    structure = _as_built(structure_of(spread), criteria, context)
    model = _priced_rows(chain, context, rows)
    verdicts = [*_whole(chain, criteria, context), _built(structure, criteria, context)]
    for leg, row in zip(spread.legs, rows, strict=True):
        verdicts.extend(_leg(chain, model, criteria, context, row))
        key = "long_leg" if leg.quantity > 0 else "short_leg"
        verdicts.extend(_verdicts(model, leg_checks(model, getattr(criteria, key), key), row))
    usable = usable_contracts(chain, criteria, context, also=rows)
    places = [usable.chain.row_of(str(chain.contract[row])) for row in rows]
    block = block_of(usable, criteria, context, structure, places)
    words = [f"{leg.quantity:+d}x{chain.contract[row]}" for leg, row in zip(spread.legs, rows, strict=True)]
    subject = " ".join([SHARES, *words] if structure is Structure.COVERED_CALL else words)
    verdicts.extend(_position(block, criteria))
    own = float(score(block, criteria.ranking)[0])
    return Explanation(
        subject=subject,
        verdicts=tuple(verdicts),
        outcome=_outcome(subject, verdicts, own, lambda: scan(chain, criteria, context)),
        score=own if math.isfinite(own) else None,
        rank_parts=one_block_parts(block, criteria.ranking),
    )


def _root_of(chain: OptionChain, spread: Spread) -> str | None:
    """Return the class that a spread names (SPXW of SPX), None where it names the underlying itself.

    Raises `UserError` for a spread of anything else.
    """
    if spread.underlying == chain.underlying:
        return None
    if not any(_is_of_root(name, spread.underlying) for name in chain.contract.tolist()):
        raise UserError(
            f"This scan is of {chain.underlying}, the spread is of {spread.underlying}. "
            "Name its underlying with --symbol, or correct the spread."
        )
    return spread.underlying


def _is_of_root(contract: str, root: str) -> bool:
    """Whether a contract's id, an OCC symbol, begins with `root` and its expiry."""
    return contract.startswith(root) and contract[len(root) :].lstrip()[:6].isdigit()


def row_of_leg(chain: OptionChain, leg: SpreadLeg, *, root: str | None = None) -> int:
    """Return the row of the contract that a leg names, of the class `root` if given.

    Raises `NotFoundError` with what is near.
    """
    rights = np.flatnonzero(chain.is_call == leg.is_call).tolist()
    dates = {int(ns): new_york_date(int(ns)) for ns in chain.expiries}
    on_day = [row for row in rights if dates[int(chain.expiry_ns[row])] == leg.expiry]
    of_root = [row for row in on_day if root is None or _is_of_root(str(chain.contract[row]), root)]
    for row in of_root:
        if abs(chain.strike[row] - leg.strike) < 1e-6:
            return int(row)
    right = "call" if leg.is_call else "put"
    missing = (
        f"The chain of {root or chain.underlying} has no {right} {leg.strike:g} expiring on {leg.expiry}. "
    )
    if of_root:
        raise NotFoundError(missing + f"The nearest strikes: {_nearest(chain.strike[of_root], leg.strike)}.")
    days = [day.isoformat() for day in sorted(set(dates.values()))]
    raise NotFoundError(missing + f"Its expiries: {', '.join(days[:12])}{', ...' if len(days) > 12 else ''}.")


def _nearest(strikes: Array, wanted: float, count: int = 4) -> str:
    listed = np.unique(strikes)
    near = listed[np.argsort(np.abs(listed - wanted), kind="stable")[:count]]
    return ", ".join(f"{strike:g}" for strike in np.sort(near))


def structure_of(spread: Spread) -> Structure:
    """Return which structure the legs make; raises `UserError` for anything that a scan does not build."""
    legs = sorted(spread.legs, key=lambda leg: (leg.is_call, leg.strike))
    shape = "".join(("S" if leg.quantity < 0 else "L") + ("C" if leg.is_call else "P") for leg in legs)
    one_unit = all(abs(leg.quantity) == 1 for leg in legs) and len({leg.expiry for leg in legs}) == 1
    shapes = {
        "SP": Structure.SHORT_PUT,
        "SC": Structure.SHORT_CALL,
        "LC": Structure.LONG_CALL,
        "LP": Structure.LONG_PUT,
        "LPSP": Structure.BULL_PUT,
        "SPLP": Structure.BEAR_PUT,
        "SCLC": Structure.BEAR_CALL,
        "LCSC": Structure.BULL_CALL,
        "LPSPSCLC": Structure.IRON_CONDOR,
    }
    if spread.has_shares:
        shapes = {"SC": Structure.COVERED_CALL}
    if not one_unit or shape not in shapes:
        raise UserError(
            "These legs make no position that a scan builds, one unit of each leg, all of one expiry: "
            f"{', '.join(Structure)}."
        )
    if shape == "LPSPSCLC" and legs[1].strike == legs[2].strike:
        return Structure.IRON_BUTTERFLY
    return shapes[shape]


def _as_built(structure: Structure, criteria: Criteria, context: ScanContext) -> Structure:
    """Return the structure, a sold call as covered where the criteria build only those."""
    chosen, _ = structures_for(criteria, context)
    is_covered = structure is Structure.SHORT_CALL and structure not in chosen
    return Structure.COVERED_CALL if is_covered and Structure.COVERED_CALL in chosen else structure


def block_of(
    usable: Usable, criteria: Criteria, context: ScanContext, structure: Structure, rows: list[int]
) -> Block:
    """Return the block of the one position that the usable contracts at `rows` make, in any order."""
    model = usable.chain
    prospect = Prospect.of(model, criteria, context, kept=usable.kept)
    tables = {is_call: LegTable(model, prospect, criteria, is_call=is_call) for is_call in (False, True)}
    places = {
        is_call: np.array(
            sorted(
                int(np.flatnonzero(table.rows == row)[0]) for row in rows if model.is_call[row] == is_call
            ),
            dtype=np.intp,
        )
        for is_call, table in tables.items()
    }
    if structure.legs == 1:
        is_call = bool(places[True].size)
        return Singles(structure, tables[is_call], places[is_call])
    if structure in VERTICALS:
        is_call = bool(places[True].size)
        return Verticals(structure, tables[is_call], places[is_call][:1], places[is_call][1:])
    puts, calls = (
        Verticals(kind, tables[is_call], places[is_call][:1], places[is_call][1:])
        for kind, is_call in ((Structure.BULL_PUT, False), (Structure.BEAR_CALL, True))
    )
    return Condors(structure, puts, calls)


def _row_of_contract(chain: OptionChain, text: str) -> int:
    """Return the row of a contract id, written with or without its padding and venue."""
    wanted = _bare(text)
    for row, name in enumerate(chain.contract.tolist()):
        if _bare(name) == wanted:
            return row
    raise NotFoundError(
        f"The chain of {chain.underlying} has no contract {text!r}. Name one of its {len(chain)} contracts, "
        f"such as {chain.contract[0]!r}, or a spread such as 'GOOG 2016-01-15 -730P +720P'."
    )


def _bare(contract: str) -> str:
    return contract.replace(" ", "").removesuffix(f".{VENUE}").upper()


def _priced_rows(chain: OptionChain, context: ScanContext, rows: list[int]) -> OptionChain:
    kept = np.zeros(len(chain), dtype=np.bool_)
    kept[rows] = True
    return priced_for(chain, kept, context)


def _whole(chain: OptionChain, criteria: Criteria, context: ScanContext) -> Iterator[Verdict]:
    for name, passed, value, allowed in underlying_checks(chain, criteria, context):
        yield Verdict(subject=chain.underlying, filter=name, passed=passed, value=value, allowed=allowed)


def _built(structure: Structure, criteria: Criteria, context: ScanContext) -> Verdict:
    chosen, mode = structures_for(criteria, context)
    kinds = ", ".join(chosen) + (f" (mode {mode})" if mode else "")
    return Verdict(subject=structure, filter=STRUCTURE, passed=structure in chosen, value=None, allowed=kinds)


def _leg(
    chain: OptionChain, model: OptionChain, criteria: Criteria, context: ScanContext, row: int
) -> Iterator[Verdict]:
    yield from _verdicts(chain, static_checks(chain, criteria, context), row)
    yield from _verdicts(model, modelled_checks(model, criteria), row)


def _verdicts(chain: OptionChain, checks: Iterator[ContractCheck], row: int) -> Iterator[Verdict]:
    for check in checks:
        value = None if check.values is None else _finite(float(check.values[row]))
        yield Verdict(
            subject=str(chain.contract[row]),
            filter=check.filter,
            passed=bool(check.passes[row]),
            value=value,
            allowed=check.allowed,
        )


def _position(block: Block, criteria: Criteria) -> Iterator[Verdict]:
    subject = str(block.structure)
    ranges: dict[str, Range] = dict(ranges_of(criteria.position))
    width = ranges.pop("width_usd", None)
    if width is not None and block.structure.legs > 1:
        yield _measure(block, "width_usd", width)
    if isinstance(block, Condors) and criteria.equal_widths:
        equal = bool(np.rint(1e4 * block.puts.width)[0] == np.rint(1e4 * block.calls.width)[0])
        yield Verdict(subject=subject, filter=EQUAL_WIDTHS, passed=equal, value=None, allowed="equal wings")
    wings = (block.puts, block.calls, block) if isinstance(block, Condors) else (block,)
    for wing in wings:
        yield Verdict(
            subject=str(wing.structure),
            filter=SOUND,
            passed=bool(sound(wing)[0]),
            value=_finite(float(wing.net[0])),
            allowed="can gain, and can lose",
        )
    for name, allowed in ranges.items():
        yield _measure(block, name, allowed)


def _measure(block: Block, name: str, allowed: Range) -> Verdict:
    value = float(POSITION_METRICS[name](block)[0])
    return Verdict(
        subject=str(block.structure),
        filter=f"position.{name}",
        passed=bool(passes(block, name, allowed)[0]),
        value=_finite(value),
        allowed=str(allowed),
        unlimited=value == math.inf,
    )


def _outcome(subject: str, verdicts: list[Verdict], own: float, scanned: Callable[[], ScanResult]) -> str:
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if failed:
        return f"{subject} is dropped by {_named(failed)}."
    result = scanned()
    last = result.candidates[-1].score
    if own >= last:
        better = sum(candidate.score > own for candidate in result.candidates)
        return f"{subject} passes every filter; {better} of {result.passed} that do have a higher score."
    return (
        f"{subject} passes every filter, and its score {own:.4f} is below {last:.4f}, the last of the "
        f"{len(result.candidates)} best of {result.passed}."
    )


def _named(failed: list[Verdict]) -> str:
    """Return the filters with value and limit, of each the first contract that fails it."""
    first = {verdict.filter: verdict for verdict in reversed(failed)}
    return ", ".join(
        f"{name} ({_said(first[name])})" for name in dict.fromkeys(verdict.filter for verdict in failed)
    )


def _said(verdict: Verdict) -> str:
    limit = f"allowed: {verdict.allowed}"
    if verdict.unlimited:
        return f"unlimited, {limit}"
    return limit if verdict.value is None else f"{verdict.value:.6g}, {limit}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
