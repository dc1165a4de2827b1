"""A chain made ready to be shown: priced, by expiry, as text, JSON or the data of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from catalog.option_chains import chain_at
from catalog.pricing_inputs import inputs_at
from cli.scan_context import PricingFlags
from cli.scan_inputs import age_note, chain_moment
from market.dividends import DividendSchedule
from market.errors import NotFoundError
from market.option_chain import CROSSED, GREEKS, NO_TWO_SIDED_QUOTE, NOT_PRICED, OptionChain
from market.option_chain_pricing import implied_forward, priced, with_underlying_price
from market.pricing.implied_volatility import Reason
from market.time import format_new_york, new_york_date
from market.volatility import TermStructure, constant_maturity_iv, skew, term_structure

MATURITY_DAYS = 30.0
ROWS_SHOWN = 20
"""Strikes around the money in the text; the page and the JSON have all."""

_COLUMNS = ("bid", "ask", "bid_size", "ask_size", "last", "volume", "open_interest", *GREEKS)
_WHY = {
    NOT_PRICED: "not priced",
    NO_TWO_SIDED_QUOTE: "no two-sided quote",
    CROSSED: "crossed",
    **{int(reason): reason.name.lower().replace("_", " ") for reason in Reason if reason is not Reason.OK},
}


@dataclass(frozen=True)
class ChainView:
    """A priced chain with what is said of it; `catalog_price` is absent where parity gave the price."""

    chain: OptionChain
    structure: TermStructure
    forwards: dict[int, float]
    skews: dict[int, tuple[float, float]]
    """Risk reversal and butterfly at 25 delta, by expiry."""
    rates_from: str
    dividends_from: str
    dividends: DividendSchedule
    """Declared by then and still to come."""
    price_from: str
    has_quotes: bool
    asked_ns: int
    """The moment asked for; the chain is the latest until then."""


def view_at(catalog: Path, symbol: str, at_ns: int, flags: PricingFlags) -> ChainView:
    """Return the view of a moment, rates and dividends as known at its chain's time.

    Raises `NotFoundError` where the catalog has no chain of it, `ConfigError` for flags that are none.
    """
    stored = chain_at(catalog, symbol, at_ns)
    known = inputs_at(
        catalog,
        stored.ts_ns,
        symbol=stored.underlying,
        rate=flags.rate,
        dividend_yield=flags.dividend_yield,
    )
    has_quotes = bool(stored.is_two_sided.any())
    chain = priced(stored, known.inputs) if has_quotes else with_underlying_price(stored, known.inputs)
    skews = {}
    for expiry in chain.expiries.tolist():
        found = skew(chain, expiry, known.inputs)
        skews[expiry] = (found.risk_reversal, found.butterfly)
    return ChainView(
        chain=chain,
        structure=term_structure(chain, known.inputs),
        forwards={
            expiry: implied_forward(chain.of_expiry(expiry), known.inputs.rates)
            for expiry in chain.expiries.tolist()
        },
        skews=skews,
        rates_from=known.rates_from,
        dividends_from=known.dividends_from,
        dividends=known.inputs.dividends.between(chain.ts_ns, int(chain.expiry_ns[-1])),
        price_from="put-call parity" if np.isnan(stored.underlying_price) else "catalog",
        has_quotes=has_quotes,
        asked_ns=at_ns,
    )


def chosen_expiry(view: ChainView, day: date | None) -> int:
    """Return the expiry of `day`, by default the nearest that is not over; raises `NotFoundError`."""
    if day is None:
        ahead = view.chain.expiry_ns[view.chain.dte >= 0]
        return int(ahead[0] if ahead.size else view.chain.expiries[-1])
    expiries = {new_york_date(ns): ns for ns in reversed(view.chain.expiries.tolist())}
    if day not in expiries:
        listed = ", ".join(str(known) for known in sorted(expiries))
        raise NotFoundError(f"{view.chain.underlying} has no expiry {day}; it has {listed}.")
    return int(expiries[day])


def chain_json(view: ChainView) -> dict[str, Any]:
    """Return the JSON of `harvester chain --json`; absent numbers are null."""
    chain = view.chain
    return {
        "underlying": chain.underlying,
        "asked_at": format_new_york(view.asked_ns, places=0),
        **chain_moment(chain, view.asked_ns),
        "note": age_note(chain, view.asked_ns),
        "ts_ns": chain.ts_ns,
        "time": format_new_york(chain.ts_ns, places=0),
        "underlying_price": _number(chain.underlying_price),
        "underlying_price_from": view.price_from,
        "rates_from": view.rates_from,
        "dividends_from": view.dividends_from,
        "dividends": [
            {"ex_dividend": str(new_york_date(ex_ns)), "amount": amount}
            for ex_ns, amount in zip(view.dividends.ex_ns, view.dividends.amounts, strict=True)
        ],
        "greeks_from": "quotes" if view.has_quotes else "vendor",
        "contracts": len(chain),
        "two_sided": int(chain.is_two_sided.sum()),
        "crossed": int(chain.is_crossed.sum()),
        "constant_maturity_iv_30d": _number(constant_maturity_iv(view.structure, days=MATURITY_DAYS)),
        "expiries": [_expiry_json(view, expiry) for expiry in chain.expiries.tolist()],
    }


def chain_lines(view: ChainView, expiry_ns: int) -> Iterator[str]:
    """Yield the text: a line an expiry, and the strikes around the money of `expiry_ns`."""
    data = chain_json(view)
    price = data["underlying_price"]
    shown = "unknown" if price is None else f"{price:,.2f}"
    yield f"{data['underlying']} at {data['time']}: {shown} ({view.price_from}), rates: {view.rates_from}"
    if data["note"]:
        yield f"note: {data['note']}"
    if view.dividends.amounts:
        listed = ", ".join(f"{one['amount']:.4g} on {one['ex_dividend']}" for one in data["dividends"])
        yield f"dividends declared: {listed} (ex-dividend, USD a share)"
    yield f"{len(view.chain):,} contracts, {data['two_sided']:,} two-sided, {data['crossed']} crossed"
    if not view.has_quotes:
        yield "no quotes in this snapshot: volatilities and greeks are the vendor's"
    yield ""
    yield f"{'expiry':<12}{'dte':>5}{'contracts':>11}{'forward':>11}{'atm iv':>9}{'25d rr':>9}{'25d bf':>9}"
    for one in data["expiries"]:
        numbers = (one["atm_iv"], one["risk_reversal_25d"], one["butterfly_25d"])
        tail = "".join(_cell(number, 9, percent=True) for number in numbers)
        count = len(one["contracts"])
        yield f"{one['expiry']:<12}{one['dte']:>5}{count:>11}{_cell(one['forward'], 11)}{tail}"
    yield ""
    yield from _expiry_lines(view, expiry_ns)


def _expiry_lines(view: ChainView, expiry_ns: int) -> Iterator[str]:
    part = view.chain.of_expiry(expiry_ns)
    strikes = np.unique(part.strike)
    middle = view.forwards[expiry_ns]
    middle = view.chain.underlying_price if np.isnan(middle) else middle
    if not np.isnan(middle):
        nearest = np.argsort(np.abs(strikes - middle), kind="stable")[:ROWS_SHOWN]
        strikes = np.sort(strikes[nearest])
    yield f"{new_york_date(expiry_ns)}: calls, strike, puts"
    side = f"{'bid':>9}{'ask':>9}{'iv':>8}{'delta':>8}{'theta':>8}"
    yield f"{side}{'strike':>11}{side}"
    for strike in strikes.tolist():
        found = np.flatnonzero(part.strike == strike).tolist()
        rows = {bool(part.is_call[row]): row for row in found}
        yield f"{_side(part, rows.get(True))}{strike:>11,.2f}{_side(part, rows.get(False))}"


def _side(chain: OptionChain, row: int | None) -> str:
    if row is None:
        return " " * 42
    cells = [_cell(_number(chain.bid[row]), 9), _cell(_number(chain.ask[row]), 9)]
    cells.append(_cell(_number(chain.iv[row]), 8, percent=True))
    cells += [_cell(_number(values[row]), 8) for values in (chain.delta, chain.theta)]
    return "".join(cells)


def _expiry_json(view: ChainView, expiry_ns: int) -> dict[str, Any]:
    part = view.chain.of_expiry(expiry_ns)
    position = int(np.searchsorted(view.structure.expiry_ns, expiry_ns))
    reversal, butterfly = view.skews[expiry_ns]
    return {
        "expiry": str(new_york_date(expiry_ns)),
        "expiry_ns": expiry_ns,
        "dte": int(part.dte[0]),
        "days": round(float(part.years[0]) * 365.0, 4),
        "settlement": sorted(set(part.settlement.tolist())),
        "forward": _number(view.forwards[expiry_ns]),
        "atm_iv": _number(view.structure.atm_iv[position]),
        "risk_reversal_25d": _number(reversal),
        "butterfly_25d": _number(butterfly),
        "contracts": [_contract_json(part, row) for row in range(len(part))],
    }


def _contract_json(chain: OptionChain, row: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "contract": str(chain.contract[row]),
        "strike": float(chain.strike[row]),
        "right": "C" if chain.is_call[row] else "P",
    }
    found |= {name: _number(getattr(chain, name)[row]) for name in _COLUMNS}
    found["iv_absent_because"] = _WHY.get(int(chain.iv_reason[row])) if np.isnan(chain.iv[row]) else None
    return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 8)


def _cell(value: float | None, width: int, *, percent: bool = False) -> str:
    if value is None:
        return f"{'-':>{width}}"
    return f"{100 * value:>{width - 1}.2f}%" if percent else f"{value:>{width},.2f}"
