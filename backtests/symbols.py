"""Which symbols a profile's backtest replays."""

from __future__ import annotations

from configs.profile import LoadedProfile


def traded_symbols(loaded: LoadedProfile) -> tuple[str, ...]:
    """Return, sorted, the symbols that any strategy of the profile trades."""
    universe = loaded.profile.universe.symbols
    return tuple(
        sorted({symbol for section in loaded.profile.strategies for symbol in section.symbols or universe})
    )
