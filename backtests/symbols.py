"""Which symbols a profile's backtest replays, without looking into the future to choose them.

A universe file has rules about a day's prices and volumes. They are applied to the last session of the
catalog before the period: what a trader would have known. Where the catalog begins with the period there
is no such session; then the first day itself is used, and the result says that it knew that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from catalog.store import CatalogStore
from configs.profile import LoadedProfile
from configs.universe import universe_on
from market.calendar import TradingCalendar
from market.errors import DataError
from market.time import new_york_date


@dataclass(frozen=True, slots=True)
class TradedSymbols:
    """Symbols in order; `chosen_on` is the day a universe file was applied to, None for a plain list."""

    symbols: tuple[str, ...]
    chosen_on: date | None = None
    with_hindsight: bool = False


def traded_symbols(loaded: LoadedProfile, catalog: Path) -> TradedSymbols:
    """Return the symbols that any strategy of the profile trades.

    Raises `DataError` when the rules of a universe file leave none, and what `universe_on` raises.
    """
    strategies = loaded.profile.strategies
    named = {symbol for section in strategies for symbol in section.symbols}
    if all(section.symbols for section in strategies):
        return TradedSymbols(tuple(sorted(named)))
    universe = loaded.profile.universe
    if universe.file is None:
        return TradedSymbols(tuple(sorted(named.union(universe.symbols))))
    day, with_hindsight = _day_to_choose_on(catalog, loaded.require_backtest().start)
    kept = universe_on(Path(universe.file), catalog=catalog, day=day).kept
    if not kept:
        raise DataError(
            f"The universe {universe.file} keeps no symbol of {catalog} on {day}. "
            f"`harvester universe {universe.file} --catalog {catalog} --date {day}` says why."
        )
    return TradedSymbols(tuple(sorted(named.union(kept))), day, with_hindsight)


def _day_to_choose_on(catalog: Path, start: date | None) -> tuple[date, bool]:
    ingests = CatalogStore.open_existing(catalog).manifest().ingests
    if not ingests:
        raise DataError(f"The catalog {catalog} is empty. Bring data in with `harvester ingest`.")
    first = new_york_date(min(ingest.start_ns for ingest in ingests))
    if start is None or start <= first:
        return start or first, True
    before = TradingCalendar(first, start).sessions(first, start - timedelta(days=1))
    return (before[-1].date, False) if before else (start, True)
