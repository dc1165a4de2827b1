"""Whose fault an exception is that ended a decision: the strategy's own, and where in its file, or ours."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import strategies
from market.errors import StrategyError
from market.time import format_new_york
from strategies.intents import Decision
from strategies.intraday.symbol_trader import Decide


def strategy_error(error: Exception, decide: Decide, *, symbol: str, now_ns: int) -> StrategyError | None:
    """Return `error` as the fault of the author of `decide`, at `now_ns` (ns UTC); None when it is not his.

    It is his when it was raised below `decide`, and when `decide` returned something that is no `Decision`.
    """
    code = getattr(decide, "__code__", None)
    if code is None:
        return None
    when = f"at {format_new_york(now_ns, places=0).rsplit(' ', 1)[0]} New York for {symbol}"
    file = _shown(Path(code.co_filename))
    line = _last_line(error.__traceback__, code.co_filename)
    if line is not None:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return StrategyError(
            f"Your strategy {file}, line {line}, raised {what} {when}. "
            "Correct it there; HARVESTER_DEBUG=1 prints the whole traceback."
        )
    if isinstance(error, AttributeError) and error.name in Decision.__struct_fields__:
        return StrategyError(
            f"Your strategy {file} returned {error.obj!r} from decide (line {code.co_firstlineno}) {when}. "
            "Return a Decision on every path, such as Decision(Hold(), 'waiting')."
        )
    return None


def _last_line(traceback: TracebackType | None, file: str) -> int | None:
    """Return the innermost line of `file` on the way to where it was raised; None if it was not there."""
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _shown(file: Path) -> Path:
    """Return the path as it stands in the working copy, `strategies/NAME.py`."""
    for folder in strategies.__path__:
        if file.is_relative_to(folder):
            return Path("strategies") / file.relative_to(folder)
    return file
