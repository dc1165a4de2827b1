"""What decides how a chain file is read."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from market.errors import ConfigError


class ChainCsvOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`columns` maps fields to columns; times without a zone are in `time_zone`; a time that is a date alone
    means the close of the session. `vega_per` and `theta_per` are the vendor's units of vega (a volatility
    point, or 1.00) and theta (a calendar day, or a year). Raises `ConfigError` for an unknown zone.
    """

    columns: dict[str, str] = {}
    time_zone: str = "America/New_York"
    time_format: str | None = None
    vega_per: Literal["point", "unit"] = "point"
    theta_per: Literal["day", "year"] = "day"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(
                f"time_zone {self.time_zone!r} is not known. Write e.g. America/New_York or UTC."
            ) from None

    def identity(self) -> dict[str, str]:
        """Return all that decides what is written, as text."""
        stated = msgspec.structs.asdict(self)
        columns = ",".join(f"{field}={column}" for field, column in sorted(self.columns.items()))
        return {**{name: str(value) for name, value in stated.items()}, "columns": columns}
