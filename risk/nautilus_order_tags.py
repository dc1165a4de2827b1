"""Reads the tags of a Nautilus order as Nautilus' adapter to Interactive Brokers reads them.

The adapter takes the first tag that begins with `IBOrderTags:` and that it can parse; one that it cannot
parse it drops, with a warning, and sends the order without what the tag says.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import msgspec

from risk.intent import Special

DECISION_TAG = "decision:"
"""Prefix of the order tag that names the decision behind an order."""
IB_PREFIX = "IBOrderTags:"
_HOLDING_OCA_TYPES = (0, 1)
"""Those that cancel the others with overfill protection: the adapter makes 1 of 0."""


class IbTags(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The fields of Nautilus' `IBOrderTags`, as the adapter parses them."""

    whatIf: bool = False  # noqa: N815 - Nautilus' names
    ocaGroup: str = ""  # noqa: N815
    ocaType: int = 0  # noqa: N815
    allOrNone: bool = False  # noqa: N815
    activeStartTime: str = ""  # noqa: N815
    activeStopTime: str = ""  # noqa: N815
    goodAfterTime: str = ""  # noqa: N815
    outsideRth: bool = False  # noqa: N815
    hidden: bool = False
    conditions: list[dict] = []  # type: ignore[type-arg]
    conditionsCancelOrder: bool = False  # noqa: N815
    NonGuaranteed: bool = False


class OrderTags(msgspec.Struct, frozen=True, gc=False):
    """What tags say: the OCA group that IB makes (None: none), and what the gate cannot judge."""

    is_outside_hours: bool = False
    decision: str | None = None
    oca_group: str | None = None
    specials: tuple[Special, ...] = ()


_UNREADABLE = OrderTags(specials=("tags",))


def read_tags(tags: Sequence[str]) -> OrderTags:
    """Return what the tags of an order say; the first decision that they name counts."""
    decision: str | None = None
    said: OrderTags | None = None
    for tag in tags:
        if tag.startswith(DECISION_TAG):
            decision = decision or tag
        elif tag.startswith(IB_PREFIX):
            said = _read_ib(tag) if said is None else _UNREADABLE
    if said is None:
        return OrderTags(False, decision)
    return msgspec.structs.replace(said, decision=decision)


@functools.lru_cache(maxsize=10_000)
def _read_ib(tag: str) -> OrderTags:
    try:
        said = msgspec.json.decode(tag.replace(IB_PREFIX, ""), type=IbTags)
    except (msgspec.DecodeError, UnicodeError):
        return _UNREADABLE
    specials: list[Special] = []
    if said.conditions:
        specials.append("conditions")
    if said.goodAfterTime or said.activeStartTime or said.activeStopTime:
        specials.append("times")
    if said.NonGuaranteed:
        specials.append("non_guaranteed")
    holds = bool(said.ocaGroup) and said.ocaType in _HOLDING_OCA_TYPES
    return OrderTags(said.outsideRth, None, said.ocaGroup if holds else None, tuple(specials))
