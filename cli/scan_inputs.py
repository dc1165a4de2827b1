"""What a scan of a catalog is of: the chains of a moment, each with the market as known at the chain's time.

Chain, rates, dividends, volatility and events have one moment, that of the chain: an older chain is not mixed
with what became known after it. How old it is, is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.scan_context import KnownMarket, MarketFlags, MarketNeeds, known_market, require_valid
from market.errors import NotFoundError, UserError
from market.time import NS_PER_MINUTE, NS_PER_SECOND, format_new_york

if TYPE_CHECKING:
    from market.option_chain import OptionChain
    from scanner.criteria import Criteria

_HOUR_NS = 60 * NS_PER_MINUTE
NOTED_AGE_NS = _HOUR_NS
"""A chain that is older than this when it is asked for is worth a note."""


@dataclass(frozen=True)
class ScanInput:
    """One underlying of a scan."""

    chain: OptionChain
    market: KnownMarket

    def as_json(self, at_ns: int) -> dict[str, Any]:
        """Return the moment, the numbers and their sources, asked for at `at_ns`."""
        context = self.market.context
        return {
            "underlying": self.chain.underlying,
            **chain_moment(self.chain, at_ns),
            "iv_rank": context.iv_rank,
            "iv_percentile": context.iv_percentile,
            "realised_volatility": context.realised_volatility,
            "from": self.market.sources,
        }


@dataclass(frozen=True)
class ScanInputs:
    """All underlyings of a scan, and what its reader should know of them."""

    at_ns: int
    of: tuple[ScanInput, ...]
    notes: tuple[str, ...]


def scan_inputs(
    catalog: Path, symbols: tuple[str, ...], at_ns: int, *, flags: MarketFlags, criteria: Criteria
) -> ScanInputs:
    """Return the chains of `symbols`, or of all underlyings, at `at_ns` (ns UTC), with what was known then.

    Of several underlyings those without a chain, or without what the criteria ask for, are left out with a
    note. Raises `UserError` where none is left.
    """
    require_valid(flags)
    names = _names(catalog, symbols)
    found: list[ScanInput] = []
    missing: list[str] = []
    for name in names:
        try:
            found.append(_input(catalog, name, at_ns, flags=flags, criteria=criteria))
        except UserError as error:
            if len(names) == 1:
                raise
            missing.append(f"{name} is left out. {error}")
    if not found:
        raise NotFoundError("There is nothing to scan:\n  " + "\n  ".join(missing))
    ages = (age_note(one.chain, at_ns) for one in found)
    return ScanInputs(at_ns, tuple(found), (*missing, *(note for note in ages if note)))


def chain_moment(chain: OptionChain, at_ns: int) -> dict[str, Any]:
    """Return when the chain was made, and its age at `at_ns`, for JSON."""
    return {
        "chain_at": format_new_york(chain.ts_ns),
        "chain_ts_ns": chain.ts_ns,
        "chain_age_seconds": (at_ns - chain.ts_ns) / NS_PER_SECOND,
    }


def age_note(chain: OptionChain, at_ns: int) -> str | None:
    """Return a note where the chain that answers for `at_ns` is older than `NOTED_AGE_NS`, else None."""
    age_ns = at_ns - chain.ts_ns
    if age_ns <= NOTED_AGE_NS:
        return None
    hours = age_ns / _HOUR_NS
    age = f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"
    return (
        f"The latest chain of {chain.underlying} at {format_new_york(at_ns, places=0)} is of "
        f"{format_new_york(chain.ts_ns, places=0)}, {age} before; everything is as known then."
    )


def _names(catalog: Path, symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Return the underlyings and classes to scan, each once; a named underlying has its classes."""
    from catalog.option_chains import chain_symbols, underlying_of

    named = dict.fromkeys(symbol.strip().upper().removeprefix("^") for symbol in symbols)
    names = tuple(named) or chain_symbols(catalog)
    of = {name: underlying_of(catalog, name) for name in names}
    return tuple(name for name in names if of[name] == name or of[name] not in named)


def _input(catalog: Path, name: str, at_ns: int, *, flags: MarketFlags, criteria: Criteria) -> ScanInput:
    from catalog.option_chains import chain_at
    from scanner.contracts import require_known_events

    chain = chain_at(catalog, name, at_ns)
    needs = MarketNeeds.of(criteria)
    market = known_market(catalog, name, at_ns=chain.ts_ns, flags=flags, needs=needs)
    require_known_events(criteria, market.context)
    return ScanInput(chain, market)
