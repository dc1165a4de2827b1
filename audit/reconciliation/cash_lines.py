"""The lines of a statement's cash report: which of them are trades, and what the others are.

A Flex query names them as attributes (`brokerInterest`), an activity statement in words (`Broker Interest
Paid and Received`); both are told by their words. Source: IBKR Reporting Guide, "Cash Report".
"""

from __future__ import annotations

import re
from typing import Literal

MovementKind = Literal["deposit", "dividend", "interest", "fee", "tax", "transfer", "currency", "other"]

_TRADING_LINES = frozenset(
    ("commissions", "nettradessales", "nettradespurchases", "nettradespurchase")  # Flex, and older statements
) | frozenset(("tradessales", "tradespurchase", "tradespurchases"))
_KINDS: tuple[tuple[str, MovementKind], ...] = (
    ("tax", "tax"),
    ("withholding", "tax"),
    ("deposit", "deposit"),
    ("withdrawal", "deposit"),
    ("dividend", "dividend"),
    ("paymentinlieu", "dividend"),
    ("interest", "interest"),
    ("transfer", "transfer"),
    ("translation", "currency"),
    ("fee", "fee"),
    ("charge", "fee"),
    ("commission", "fee"),
)


def is_trading_line(label: str) -> bool:
    """Say whether the line sums up what the statement's trades say one by one."""
    return _plain(label) in _TRADING_LINES


def movement_kind(label: str) -> MovementKind:
    """Return what kind of cash a line is that does not come from trades."""
    plain = _plain(label)
    return next((kind for word, kind in _KINDS if word in plain), "other")


def _plain(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())
