"""One number for everything a run decided and did: equal exactly when two runs are the same.

Hashed are decisions, refusals, changes of the breaker, orders with all their events, and fills, in their
order; not hashed are wall-clock times, random ids, paths, and the venue's trade ids (they count what the
venue was fed).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from backtests.outcome import Outcome

_ENCODER = msgspec.json.Encoder(order="deterministic")


def result_hash(outcome: Outcome) -> str:
    """Return SHA-256 as 64 hexadecimal digits over the canonical JSON lines of `outcome`."""
    digest = hashlib.sha256()
    for kind, records in _sections(outcome):
        for record in records:
            digest.update(_ENCODER.encode([kind, record]))
            digest.update(b"\n")
    return digest.hexdigest()


def _sections(outcome: Outcome) -> Iterable[tuple[str, Iterable[Any]]]:
    yield "decision", outcome.decisions
    yield "refusal", outcome.refusals
    yield "breaker", outcome.breaker_changes
    yield "order", outcome.orders
    yield "fill", (msgspec.structs.replace(fill, trade_id="") for fill in outcome.fills)
    yield "balance", [(outcome.starting_balance_usd, outcome.closing_balance_usd)]
