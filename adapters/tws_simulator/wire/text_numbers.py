"""Numbers of the text protocol: what is malformed, what is unset, and how TWS writes them."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

UNSET_INTEGER = 2147483647
UNSET_DOUBLE = 1.7976931348623157e308
UNSET_DOUBLE_TEXT = "1.7976931348623157E308"
RANGES = {"int32": 2**31, "int64": 2**63}
EXPONENT_MAX = 40


class MalformedFrame(ValueError):  # noqa: N818 - names what arrived, not a failure of ours
    """Bytes from the other side that are not a message of the protocol; says what and where.

    `message_id` is the id as far as it could be read, else None.
    """

    def __init__(self, text: str, *, message_id: int | None = None) -> None:
        super().__init__(text)
        self.message_id = message_id


def integer(text: str, *, name: str, kind: str) -> int | None:
    """Return an integer field's value, None when it says unset; raises `MalformedFrame`."""
    try:
        number = int(text)
    except ValueError:
        number = _integral(text, name)
    if number == UNSET_INTEGER:
        return None
    if abs(number) >= RANGES[kind]:
        raise MalformedFrame(f"{name} is {text[:40]!r}, beyond the range of {kind}")
    return number


def double(text: str, *, name: str) -> float | None:
    """Return a double field's value, None when it says unset; raises `MalformedFrame`."""
    if text in {"Infinity", "Infinite"}:
        return math.inf
    try:
        number = float(text)
    except ValueError:
        raise MalformedFrame(f"{name} is {text[:40]!r}, which is no number") from None
    if number == UNSET_DOUBLE:
        return None
    if not math.isfinite(number):
        raise MalformedFrame(f"{name} is {text[:40]!r}, which is not finite")
    return number


def decimal_text(text: str, *, name: str) -> str | None:
    """Return a decimal field in plain notation ("100", "0.5"), None when it says unset."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise MalformedFrame(f"{name} is {text[:40]!r}, which is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > EXPONENT_MAX:
        if text.upper().startswith("1.797"):
            return None
        raise MalformedFrame(f"{name} is {text[:40]!r}, which is out of range")
    if number == number.to_integral_value():
        return str(int(number))
    return f"{number.normalize():f}"


def double_text(number: float) -> str:
    """Return a double as TWS writes it: 196.52, 0.0, 1.7976931348623157E308."""
    return repr(float(number)).replace("e+", "E").replace("e", "E")


def _integral(text: str, name: str) -> int:
    number = double(text, name=name)
    if number is None:
        return UNSET_INTEGER
    if math.isinf(number) or number != int(number):
        raise MalformedFrame(f"{name} is {text[:40]!r}, which is no integer")
    return int(number)
