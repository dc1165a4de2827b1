"""Wall-clock times like `19980102 09:00`, as Lean's files of all years state them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

EXAMPLE = "19980102 09:00"
_FORMAT = "%Y%m%d %H:%M"
_LENGTH = len(EXAMPLE)


def is_wall_clock(text: str) -> bool:
    """Say whether `text` is the date and minute of some day."""
    try:
        datetime.strptime(text, _FORMAT)  # noqa: DTZ007  # New York's clock; only its form counts
    except ValueError:
        return False
    return True


def wall_clock_seconds(column: pa.StringArray) -> npt.NDArray[np.int64]:
    """Return times like `19980102 09:00` in seconds since 1970 as if in UTC.

    Arrow's own parser would read 31 February as 3 March. Raises `pa.ArrowInvalid` for any other text.
    """
    ends = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    if len(column) and (np.diff(ends) != _LENGTH).any():
        raise pa.ArrowInvalid("a time of another length")
    letters = np.frombuffer(column.buffers()[2], dtype=np.uint8)[ends[0] : ends[-1]]
    digits = letters.reshape(-1, _LENGTH).astype(np.int64) - ord("0")
    is_digit = np.array([mark.isdigit() for mark in EXAMPLE])
    marks = np.array([ord(" "), ord(":")]) - ord("0")
    if (
        (digits[:, is_digit] < 0).any()
        or (digits[:, is_digit] > 9).any()
        or (digits[:, ~is_digit] != marks).any()
    ):
        raise pa.ArrowInvalid("a letter in a time")
    year = digits[:, 0:4] @ np.array([1_000, 100, 10, 1])
    month, day, hour, minute = (digits[:, at] * 10 + digits[:, at + 1] for at in (4, 6, 9, 12))
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    date = first.astype("datetime64[D]") + (day - 1)
    is_real = (month >= 1) & (month <= 12) & (day >= 1) & (date.astype("datetime64[M]") == first)
    if not (is_real & (hour <= 23) & (minute <= 59)).all():
        raise pa.ArrowInvalid("a date or time that does not exist")
    return date.astype(np.int64) * 86_400 + hour * 3_600 + minute * 60
