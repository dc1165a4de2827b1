"""The gate's verdict as types: an `Approved[OrderIntent]` is not an `OrderIntent`.

Only what carries `Approved` may be sent, so an order that no policy has seen does not type-check.
"""

from __future__ import annotations

import msgspec


class Approved[T](msgspec.Struct, frozen=True, gc=False):
    """`value` may be sent. `is_reducing` says that it passed because it only lowers risk."""

    value: T
    is_reducing: bool = False


class Breach(msgspec.Struct, frozen=True):
    """What a rule found: the `value` beyond the `limit`, both as a reader wants them, and what to do."""

    value: str
    limit: str
    advice: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An order that must not be sent: the `rule` that refused it, the value it saw and the limit.

    `ib_code` is Interactive Brokers' error code where the broker would have refused it too.
    """

    rule: str
    value: str
    limit: str
    advice: str
    ib_code: int | None = None

    @property
    def reason(self) -> str:
        """One line for the order event, e.g. `shares_per_order: 500 shares, limit 100 shares. ...`."""
        code = "" if self.ib_code is None else f" (IB {self.ib_code})"
        return f"{self.rule}{code}: {self.value}, limit {self.limit}. {self.advice}"


type Decision[T] = Approved[T] | Refused
