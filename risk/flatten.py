"""One flattening, round by round: what to cancel, what to close, when to rest, and what it tells a person.

Pure: each round looks at what is held and working now, so that leftovers of one round are the work of
the next. What one strategy holds in one stock, or in the options of one symbol, is closed by itself:
first its orders are canceled, then it is closed, and an order that does not cancel keeps nothing else
waiting. `MAX_ROUNDS` rounds make a burst. One that does not end flat is reported; bursts go on, a pause
apart, until everything is flat or a person ends them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from risk.closings import Closing, Held, Leftover, Marketplace, Outstanding, left_over, plan_closings
from risk.intent import InstrumentTerms

MAX_ROUNDS = 20
"""Rounds of a burst; after the first one that does not end flat a person is told what is left."""
PATIENCE_ROUNDS = 3
"""Rounds that a position waits for the cancel of its orders before it is closed beside them."""

CLOSED = "the session is closed"
CANCELS_FIRST = "its working orders are canceled first"
LEGS_DUE = "fills of its legs are still to come"
OTHERS_TURN = "another flattening closes it"
NEVER_SENT = "no closing order was sent"


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """One order that may still fill, `quantity` of it, signed.

    `is_open`: it works, or nobody knows; otherwise it has ended and a fill may still be reported.
    `is_due`: fills of its legs will be reported for certain. `only_closes`: it may stay while the
    session is closed. `is_ours`: the kill switch's, `is_market` without a limit.
    """

    order_id: str
    strategy_id: str
    terms: InstrumentTerms
    quantity: int
    is_open: bool = True
    is_due: bool = False
    only_closes: bool = False
    is_ours: bool = False
    is_market: bool = False


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What a flattening sees of its scope.

    `foreign` is what is held and cannot be closed here; `elsewhere` are symbols that another
    flattening closes at this moment.
    """

    held: Sequence[Held]
    working: Sequence[Working]
    market: Marketplace
    foreign: Sequence[Leftover] = ()
    elsewhere: Collection[str] = ()


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round sends: cancels and closing orders; `waiting` says what has to wait and why."""

    cancels: tuple[str, ...] = ()
    closings: tuple[Closing, ...] = ()
    waiting: tuple[Leftover, ...] = ()


class Rest(msgspec.Struct, frozen=True):
    """A burst is over and a person was told before: nothing to send until the next one."""


class FlattenReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a flattening stands or ended; times in ns UTC. One that is not flat goes on `is_over` or not."""

    by: str
    reason: str
    started_ns: int
    ended_ns: int
    rounds: int
    is_flat: bool
    left: tuple[Leftover, ...]
    is_over: bool = True


Step = Round | Rest | FlattenReport
_Group = tuple[str, str]


class Flattening:
    """One flattening on its way: of some symbols, or of everything (`symbols` is None)."""

    def __init__(self, symbols: Collection[str] | None, *, by: str, reason: str, started_ns: int) -> None:
        self.symbols = None if symbols is None else frozenset(symbols)
        self.by = by
        self.reason = reason
        self.started_ns = started_ns
        self.rounds = 0
        self.is_resting = False
        self.is_closing = False
        self._burst = 0
        self._is_told = False
        self._goes_on = True
        self._tries: dict[_Group, int] = {}
        self._stuck: dict[_Group, int] = {}
        self._sent: set[tuple[str, str]] = set()
        self._waiting: tuple[Leftover, ...] = ()
        self._left: tuple[Leftover, ...] = ()

    def covers(self, symbol: str) -> bool:
        """Whether a symbol is to be closed."""
        return self.symbols is None or symbol in self.symbols

    def includes(self, other: Flattening) -> bool:
        """Whether everything that another one closes is closed by this one."""
        return self.symbols is None or (other.symbols is not None and other.symbols <= self.symbols)

    def next_round(self, scene: Scene, now_ns: int) -> Step:
        """Return what to send now, the report when nothing is left or a burst is over, or a rest.

        While `is_closing` nobody else may close in its scope: the kill switch has taken over.
        """
        self.is_resting = False
        self.is_closing = scene.market.is_open
        if not scene.held and not scene.foreign:
            if not scene.working:
                return self._report(now_ns, (), is_over=True)
            if not any(each.is_open or each.is_due for each in scene.working):
                return Round()  # canceled orders, within the time in which a fill may be reported
        self._left = self._what_is_left(scene)
        if self._burst >= MAX_ROUNDS:
            return self._pause(now_ns)
        self.rounds += 1
        self._burst += 1
        step = self._plan(scene)
        self._waiting = step.waiting
        self._sent |= {key for each in step.closings for key in _legs(each)}
        if self._is_told and not (scene.market.is_open or step.cancels):
            return self._pause(now_ns)
        return step

    def failed(self, why: str, now_ns: int) -> Step:
        """Count a round that failed; return a further round, the report, or a rest."""
        self.is_resting = False
        self.rounds += 1
        self._burst += 1
        if self._burst <= MAX_ROUNDS:
            return Round()
        self._left = (Leftover("", "the account", 0, why),)
        return self._pause(now_ns)

    def not_sent(self, closing: Closing, why: str) -> None:
        """Take note that a closing order of the last round did not leave, and why."""
        self._waiting += tuple(Leftover(*key, 0, why) for key in _legs(closing))

    def stand_down(self, now_ns: int) -> FlattenReport | None:
        """End after this burst; return the last report when it rests, so that it ends now."""
        self._goes_on = False
        return self._report(now_ns, self._left, is_over=True) if self.is_resting else None

    # -- Inside -----------------------------------------------------------------------------------

    def _plan(self, scene: Scene) -> Round:
        held: dict[_Group, list[Held]] = {}
        working: dict[_Group, list[Working]] = {}
        for position in scene.held:
            held.setdefault(_group(position), []).append(position)
        for order in scene.working:
            working.setdefault(_group(order), []).append(order)
        rounds = [
            self._plan_group(key, held.get(key, []), working.get(key, []), scene)
            for key in dict.fromkeys([*held, *working])
        ]
        return Round(
            cancels=tuple(each for step in rounds for each in step.cancels),
            closings=tuple(each for step in rounds for each in step.closings),
            waiting=tuple(each for step in rounds for each in step.waiting),
        )

    def _plan_group(
        self, key: _Group, held: Sequence[Held], working: Sequence[Working], scene: Scene
    ) -> Round:
        symbol = held[0].terms.symbol if held else working[0].terms.symbol
        if symbol in scene.elsewhere:
            return _wait(held, OTHERS_TURN)
        orders = [each for each in working if each.is_open]
        if not scene.market.is_open:
            cancels = tuple(each.order_id for each in orders if not each.only_closes)
            return Round(cancels=cancels, waiting=_wait(held, CLOSED).waiting)
        is_stale = self._is_told and self._burst == 1  # a market order of a minute ago: send a new one
        obstacles = orders if is_stale else _obstacles(held, orders)
        is_last = self._burst == MAX_ROUNDS
        cancels = tuple(each.order_id for each in obstacles if not (is_last and each.is_ours))
        if any(each.is_due for each in working):
            return Round(cancels=cancels, waiting=_wait(held, LEGS_DUE).waiting)
        self._stuck[key] = self._stuck.get(key, 0) + 1 if obstacles else 0
        if 0 < self._stuck[key] <= PATIENCE_ROUNDS:
            return Round(cancels=cancels, waiting=_wait(held, CANCELS_FIRST).waiting)
        tries = self._tries.get(key, 0)
        plan = plan_closings(held, scene.market, tries=tries, outstanding=_outstanding(orders))
        if plan.closings:
            self._tries[key] = tries + 1
        return Round(cancels=cancels, closings=plan.closings, waiting=plan.waiting)

    def _pause(self, now_ns: int) -> Rest | FlattenReport:
        """End a burst; a person is told of the first, and of the last."""
        is_told, self._is_told = self._is_told, True
        self.is_resting, self.is_closing = True, False
        self._burst = 0
        self._tries.clear()
        self._stuck.clear()
        if is_told and self._goes_on:
            return Rest()
        return self._report(now_ns, self._left, is_over=not self._goes_on)

    def _what_is_left(self, scene: Scene) -> tuple[Leftover, ...]:
        why = {(each.strategy_id, each.instrument_id): each.why for each in self._waiting}
        orders = tuple(
            Leftover("", f"order {each.order_id}", 0, f"{_fate(each)} in {self.rounds} rounds")
            for each in scene.working
            if (each.is_open and (scene.market.is_open or not each.only_closes)) or each.is_due
        )
        positions = tuple(
            left_over(each, why.get(each.key) or self._tried(each)) for each in scene.held if each.quantity
        )
        unclear = tuple(
            left_over(each, f"the gate holds {each.gate}, Nautilus {each.nautilus}: compare with TWS")
            for each in scene.held
            if each.gate != each.nautilus
        )
        return orders + positions + unclear + tuple(scene.foreign)

    def _tried(self, each: Held) -> str:
        return f"not filled in {self.rounds} rounds" if each.key in self._sent else NEVER_SENT

    def _report(self, now_ns: int, left: tuple[Leftover, ...], *, is_over: bool) -> FlattenReport:
        return FlattenReport(
            by=self.by,
            reason=self.reason,
            started_ns=self.started_ns,
            ended_ns=now_ns,
            rounds=self.rounds,
            is_flat=not left,
            left=left,
            is_over=is_over,
        )


def _group(each: Held | Working) -> _Group:
    terms = each.terms
    return each.strategy_id, terms.instrument_id if terms.kind == "stock" else f"options of {terms.symbol}"


def _legs(closing: Closing) -> list[tuple[str, str]]:
    """Return strategy and instrument of each position that an order closes."""
    return [(closing.strategy_id, leg.terms.instrument_id) for leg in closing.terms.components]


def _wait(held: Iterable[Held], why: str) -> Round:
    return Round(waiting=tuple(left_over(each, why) for each in held if each.quantity))


def _obstacles(held: Sequence[Held], orders: Sequence[Working]) -> list[Working]:
    """Return the orders to cancel: all but our own market orders that close no more stock than is held."""
    kept: list[Working] = []
    room = sum(each.quantity for each in held)
    for each in orders:
        is_within = each.quantity * room < 0 and abs(each.quantity) <= abs(room)
        if each.is_ours and each.is_market and each.terms.kind == "stock" and is_within:
            kept.append(each)
            room += each.quantity
    return [each for each in orders if each not in kept]


def _outstanding(orders: Iterable[Working]) -> Outstanding:
    buys: dict[str, int] = {}
    sells: dict[str, int] = {}
    for each in orders:
        for leg in each.terms.components:
            signed = each.quantity * leg.ratio
            side = buys if signed > 0 else sells
            side[leg.terms.instrument_id] = side.get(leg.terms.instrument_id, 0) + abs(signed)
    return Outstanding(buys=buys, sells=sells)


def _fate(order: Working) -> str:
    if order.is_due:
        return "its legs' fills were not reported"
    return "not filled" if order.is_ours else "not canceled"
