"""Frames that are lost, late, doubled, permuted or damaged between the broker and the socket.

A `FrameFault` says which frames and what happens; the `FramePipe` applies the faults in force to each
outgoing message, the first that matches. Chance comes from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from adapters.tws_simulator.broker import Outgoing
from adapters.tws_simulator.messages import IN, Message

SECOND_NS = 1_000_000_000
HELD_MAX = 10_000


class FrameAction(StrEnum):
    """What happens to a frame that matches.

    DROP: never sent. DELAY: sent `delay_seconds` later. DUPLICATE: sent twice. HOLD: kept until
    `hold` frames are there or `delay_seconds` have passed since the first, then sent in the order
    of `permutation`. NAN: its doubles become NaN. EMPTY: its numbers in text become "". CORRUPT: its
    bytes after the id are random.
    """

    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    HOLD = "hold"
    NAN = "nan"
    EMPTY = "empty"
    CORRUPT = "corrupt"


class FrameFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which frames (`messages` by TWS's names, none for all; of one client or all) meet `action`.

    `skip` matching frames pass first, then `count` meet it (None: all), each with `probability`.
    `permutation` orders held frames by index ("2,0,1"), or "reverse", or "shuffle".
    """

    action: FrameAction
    messages: tuple[str, ...] = ()
    client_id: int | None = None
    skip: int = 0
    count: int | None = None
    probability: float = 1.0
    delay_seconds: float = 0.0
    hold: int = 2
    permutation: str = "reverse"

    def __post_init__(self) -> None:
        unknown = [name for name in self.messages if not isinstance(getattr(IN, name, None), int)]
        if unknown:
            raise ValueError(f"messages {unknown} are no replies of TWS; use names such as ORDER_STATUS")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability {self.probability} must be 0 to 1")
        if self.delay_seconds < 0 or self.skip < 0 or (self.count is not None and self.count < 1):
            raise ValueError("delay_seconds and skip must be 0 or more, count 1 or more")
        if self.action is FrameAction.HOLD:
            _order(self.permutation, self.hold, random.Random(0))  # noqa: S311 - only to validate


class Sending(msgspec.Struct, frozen=True):
    """A message to send now or later; `is_corrupt` asks the wire to damage its bytes."""

    outgoing: Outgoing
    delay_ns: int = 0
    is_corrupt: bool = False


@dataclass(slots=True)
class _Active:
    """A fault in force and how far it has got."""

    fault: FrameFault
    ids: frozenset[int]
    number: int
    seen: int = 0
    met: int = 0
    held: list[Outgoing] = field(default_factory=list)


class FramePipe:
    """Applies the faults in force to outgoing messages.

    `client_id_of(session_id)` names the client behind a session; `call_after(delay_ns, callback)` and
    `release(sendings)` serve held frames whose time is up.
    """

    def __init__(
        self,
        *,
        seed: int,
        client_id_of: Callable[[int], int | None],
        call_after: Callable[[int, Callable[[], None]], object],
        release: Callable[[list[Sending]], None],
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible chance, not secrecy
        self._client_id_of, self._call_after, self._release = client_id_of, call_after, release
        self._active: list[_Active] = []
        self._number = 0

    @property
    def is_idle(self) -> bool:
        """Whether no fault is in force."""
        return not self._active

    def add(self, fault: FrameFault) -> int:
        """Put a fault in force and return its number."""
        self._number += 1
        ids = frozenset(getattr(IN, name) for name in fault.messages)
        self._active.append(_Active(fault, ids, self._number))
        return self._number

    def remove(self, number: int | None = None) -> int:
        """End one fault, or all; held frames are sent. Returns how many faults ended."""
        ended = [active for active in self._active if number in (None, active.number)]
        self._active = [active for active in self._active if active not in ended]
        for active in ended:
            self._release([Sending(out) for out in active.held])
        return len(ended)

    def pass_through(self, outgoing: Outgoing) -> list[Sending]:
        """Return what becomes of a message: nothing, itself, or several, now or later."""
        for active in self._active:
            if self._matches(active, outgoing):
                sendings = self._apply(active, outgoing)
                self._retire(active)
                return sendings
        return [Sending(outgoing)]

    def _matches(self, active: _Active, outgoing: Outgoing) -> bool:
        fault = active.fault
        if active.ids and outgoing.message_id not in active.ids:
            return False
        if fault.client_id is not None and self._client_id_of(outgoing.session_id) != fault.client_id:
            return False
        if fault.count is not None and active.met >= fault.count:
            return False
        active.seen += 1
        if active.seen <= fault.skip:
            return False
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return False
        active.met += 1
        return True

    def _apply(self, active: _Active, outgoing: Outgoing) -> list[Sending]:
        fault = active.fault
        delay_ns = round(fault.delay_seconds * SECOND_NS)
        match fault.action:
            case FrameAction.DROP:
                return []
            case FrameAction.DELAY:
                return [Sending(outgoing, delay_ns)]
            case FrameAction.DUPLICATE:
                return [Sending(outgoing), Sending(outgoing, delay_ns)]
            case FrameAction.HOLD:
                return self._hold(active, outgoing, delay_ns)
            case FrameAction.CORRUPT:
                return [Sending(outgoing, is_corrupt=True)]
            case FrameAction.NAN:
                return [Sending(outgoing._replace(body=_with_nan(outgoing.body)))]
            case FrameAction.EMPTY:
                return [Sending(outgoing._replace(body=_with_empty_numbers(outgoing.body)))]

    def _hold(self, active: _Active, outgoing: Outgoing, delay_ns: int) -> list[Sending]:
        active.held.append(outgoing)
        if len(active.held) >= min(active.fault.hold, HELD_MAX):
            return self._let_go(active)
        if len(active.held) == 1 and delay_ns:
            self._call_after(delay_ns, lambda: self._time_is_up(active))
        return []

    def _time_is_up(self, active: _Active) -> None:
        self._release(self._let_go(active))
        self._retire(active)

    def _retire(self, active: _Active) -> None:
        """End a fault that has met its count and holds nothing."""
        count = active.fault.count
        if count is not None and active.met >= count and not active.held and active in self._active:
            self._active.remove(active)

    def _let_go(self, active: _Active) -> list[Sending]:
        held, active.held = active.held, []
        order = _order(active.fault.permutation, len(held), self._random)
        return [Sending(held[index]) for index in order]


def _order(permutation: str, count: int, chance: random.Random) -> list[int]:
    """Return the indices of `count` held frames in sending order; raises `ValueError`."""
    indices = list(range(count))
    if permutation == "reverse":
        return indices[::-1]
    if permutation == "shuffle":
        chance.shuffle(indices)
        return indices
    try:
        wanted = [int(part) for part in permutation.split(",")]
    except ValueError:
        wanted = []
    if sorted(wanted) == indices:
        return wanted
    if wanted and sorted(wanted) == list(range(len(wanted))) and count < len(wanted):
        return [index for index in wanted if index < count]
    raise ValueError(
        f'permutation "{permutation}" must order {count} frames: "reverse", "shuffle", or indices as in "1,0"'
    )


def _with_nan(body: Message) -> Message:
    changed = type(body)()
    changed.CopyFrom(body)
    _set_doubles(changed)
    return changed


def _set_doubles(message: Message) -> None:
    for descriptor, value in message.ListFields():
        if descriptor.type == descriptor.TYPE_DOUBLE and descriptor.label != descriptor.LABEL_REPEATED:
            setattr(message, descriptor.name, float("nan"))
        elif (
            descriptor.type == descriptor.TYPE_MESSAGE and not descriptor.message_type.GetOptions().map_entry
        ):
            for item in value if descriptor.label == descriptor.LABEL_REPEATED else (value,):
                _set_doubles(item)


def _with_empty_numbers(body: Message) -> Message:
    """Return a copy whose text fields that hold a number are ""; an empty decimal stops some clients."""
    changed = type(body)()
    changed.CopyFrom(body)
    for descriptor, value in changed.ListFields():
        if (
            descriptor.type == descriptor.TYPE_STRING
            and descriptor.label != descriptor.LABEL_REPEATED
            and _is_number(value)
        ):
            setattr(changed, descriptor.name, "")
    return changed


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()
