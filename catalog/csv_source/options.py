"""What a user may say about a CSV or Parquet file."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from catalog.columns import DataKind
from market.errors import ConfigError
from market.time import NS_PER_MINUTE, NS_PER_SECOND

_BAR_STEP = re.compile(r"([1-9]\d{0,3})-(SECOND|MINUTE|HOUR|DAY)")
_NS_OF_UNIT = {
    "SECOND": NS_PER_SECOND,
    "MINUTE": NS_PER_MINUTE,
    "HOUR": 60 * NS_PER_MINUTE,
    "DAY": 24 * 60 * NS_PER_MINUTE,
}
_TIME_UNITS = ("s", "ms", "us", "ns")


class CsvOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read a file; everything that is left out is found by looking at it.

    `columns` maps our fields to the file's columns. `time_zone` (an IANA name) is for times without one,
    `time_unit` for numbers since 1970, `time_format` a strptime pattern. `bar` is the length of bars, such as
    `1-MINUTE`, `bar_stamp` what their times mean, `price_type` what they were made of. `round_prices` rounds
    to four decimals instead of rejecting more of them.
    """

    columns: dict[str, str] = {}
    kind: DataKind | None = None
    time_zone: str | None = None
    time_unit: str | None = None
    time_format: str | None = None
    bar: str | None = None
    bar_stamp: Literal["open", "close"] = "open"
    price_type: Literal["LAST", "BID", "ASK", "MID"] = "LAST"
    round_prices: bool = False

    def __post_init__(self) -> None:
        if self.bar is not None and not _BAR_STEP.fullmatch(self.bar.upper()):
            raise ConfigError(
                f"--bar: {self.bar!r} is no bar length. Write 1-MINUTE, 15-MINUTE, 5-SECOND, 1-DAY ..."
            )
        if self.time_unit is not None and self.time_unit not in _TIME_UNITS:
            raise ConfigError(f"--time-unit: {self.time_unit!r} is not one of {', '.join(_TIME_UNITS)}.")

    def require_bar(self) -> None:
        """Raise `ConfigError` where no length of bars was stated."""
        if self.bar is None:
            raise ConfigError("These are bars: say how long with --bar 1-MINUTE (or 5-SECOND, 1-DAY ...).")

    @property
    def bar_ns(self) -> int:
        """The length of a bar in nanoseconds, 0 where none was stated."""
        match = _BAR_STEP.fullmatch((self.bar or "").upper())
        return int(match[1]) * _NS_OF_UNIT[match[2]] if match else 0

    def bar_type(self, instrument_id: str) -> str:
        """Return Nautilus' bar type, e.g. `BAC.SMART-1-MINUTE-LAST-EXTERNAL`."""
        return f"{instrument_id}-{(self.bar or '').upper()}-{self.price_type}-EXTERNAL"

    def as_text(self) -> dict[str, str]:
        """Return what was stated, as the manifest records it."""
        stated = msgspec.structs.asdict(self)
        columns = ",".join(f"{field}={column}" for field, column in sorted(self.columns.items()))
        texts = stated | {"columns": columns, "round_prices": "yes" if self.round_prices else ""}
        if self.bar is None:
            texts |= {"bar_stamp": "", "price_type": ""}
        return {name: str(value) for name, value in texts.items() if value}
