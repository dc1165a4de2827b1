"""What led to what: for every record the record before it, kept while a node runs.

An order's way is decision -> order -> approval or refusal -> submitted -> accepted -> fill -> position. A
decision to change or cancel it follows from where the order stands, and is answered by `updated` or
`canceled`; what fills after a change leads back through it to the first decision.
"""

from __future__ import annotations

from collections.abc import Iterable

REQUESTS = frozenset(("pending_update", "pending_cancel"))
ANSWERS = frozenset(("submitted", "denied", "updated", "modify_rejected", "cancel_rejected", "canceled"))
WORKING = frozenset(("submitted", "accepted", "triggered", "updated", "emulated", "released"))
"""Events after which an order stands as they say: a fill follows from the last of them."""

OPEN_FILLS_MAX = 16
"""Fills of one position that wait for its event; the engine drops a few, so the oldest are forgotten."""


class Trail:
    """Where one order stands: the `seq` of its last unanswered request and of what it works by."""

    __slots__ = ("correlation_id", "request", "working")

    def __init__(self, correlation_id: str | None, request: int | None) -> None:
        self.correlation_id = correlation_id
        self.request = request
        self.working: int | None = None

    def cause_of(self, event: str) -> int | None:
        """Return the record that an order event follows from."""
        if event in REQUESTS or event in ANSWERS:
            return self.working if self.request is None else self.request
        return self.cause_of_fill

    @property
    def cause_of_fill(self) -> int | None:
        """The record that a fill follows from."""
        return self.request if self.working is None else self.working

    def happened(self, event: str, seq: int) -> None:
        """Note an order event recorded as `seq`."""
        if event in REQUESTS:
            self.request = seq
        elif event in ANSWERS:
            self.request = None
        if event in WORKING:
            self.working = seq


class Causes:
    """The trails of all orders, and what moved the breaker."""

    def __init__(self) -> None:
        self._trails: dict[str, Trail] = {}
        self._by_decision: dict[str, Trail] = {}
        self._decided: dict[str, int] = {}
        self._fills: dict[str, list[_OpenFill]] = {}
        self._signals: dict[str, tuple[int, int]] = {}
        self._flattening: int | None = None

    def decided(self, correlation_id: str, seq: int) -> None:
        """Note a decision that sends something: a new order, or a request about the one it made before."""
        trail = self._by_decision.get(correlation_id)
        if trail is None:
            self._decided[correlation_id] = seq
        else:
            trail.request = seq

    def before_decision(self, correlation_id: str) -> int | None:
        """Return where the order stands that a decision is about; None for one about a new order."""
        trail = self._by_decision.get(correlation_id)
        return None if trail is None else trail.cause_of_fill

    def begin(self, order_id: str, correlation_id: str | None, *, is_flattening: bool) -> Trail:
        """Return the trail of a new order; its `request` is what led to it."""
        request = self._flattening if is_flattening else None
        if correlation_id is not None:
            request = self._decided.pop(correlation_id, None)
        trail = self._trails[order_id] = Trail(correlation_id, request)
        if correlation_id is not None:
            self._by_decision[correlation_id] = trail
        return trail

    def trail(self, order_id: str) -> Trail | None:
        """Return the trail of an order; None if no record speaks of it yet."""
        return self._trails.get(order_id)

    def trails(self, order_ids: Iterable[str]) -> list[Trail]:
        """Return the known trails of some orders, in their order."""
        return [trail for name in order_ids if (trail := self._trails.get(name)) is not None]

    # -- Fills and positions ----------------------------------------------------------------------

    def filled(self, position_id: str, seq: int, *, quantity: int, trail: Trail | None) -> None:
        """Note a fill whose position will tell of it."""
        fills = self._fills.setdefault(position_id, [])
        fills.append(_OpenFill(seq, quantity, None if trail is None else trail.correlation_id))
        del fills[:-OPEN_FILLS_MAX]

    def position_moved(self, position_id: str, quantity: int) -> tuple[str | None, int | None]:
        """Return correlation id and `seq` of the fill of (at least) `quantity` that moved a position.

        Events of nested fills come newest first; a fill that turns a position around moves it twice.
        """
        fills = self._fills.get(position_id, [])
        for exact in (True, False):
            for fill in reversed(fills):
                if fill.quantity == quantity if exact else fill.quantity > quantity:
                    fill.quantity -= quantity
                    if not fill.quantity:
                        fills.remove(fill)
                    return fill.correlation_id, fill.seq
        return None, None

    # -- The breaker ------------------------------------------------------------------------------

    def signalled(self, name: str, seq: int, ts_ns: int) -> None:
        """Note what can move the breaker by `name`: a trigger's reading, a refusal, a fill."""
        self._signals[name] = (seq, ts_ns)

    def signal(self, name: str, ts_ns: int) -> int | None:
        """Return the record of `name` at this very time, if there is one."""
        seq, signalled_ns = self._signals.get(name, (None, 0))
        return seq if signalled_ns == ts_ns else None

    def flattening(self, seq: int) -> None:
        """Note the start of a flattening: the orders of the kill switch follow from it."""
        self._flattening = seq


class _OpenFill:
    __slots__ = ("correlation_id", "quantity", "seq")

    def __init__(self, seq: int, quantity: int, correlation_id: str | None) -> None:
        self.seq = seq
        self.quantity = quantity
        self.correlation_id = correlation_id
