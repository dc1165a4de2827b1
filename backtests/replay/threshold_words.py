"""Says which features meet a threshold on one side of a replay and miss it on the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from backtests.replay.decision_stream import FieldDifference, Parting

_BOUNDS = ("_min", "_max")


class _Compared(msgspec.Struct, frozen=True):
    """A feature and what it is compared with on both sides; `bound` is `_min`, `_max` or not known."""

    name: str
    value: float
    recorded: float
    replayed: float
    bound: str

    @property
    def _size(self) -> float:
        """The value as a threshold knows it, which is about how far it leans and not to which side."""
        return abs(self.value) if self.recorded >= 0 and self.replayed >= 0 else self.value

    @property
    def is_met_on_one_side(self) -> bool:
        return self._relation(self.recorded) != self._relation(self.replayed)

    def _relation(self, threshold: float) -> str:
        if self.bound == "_min":
            return "passes" if self._size >= threshold else "fails"
        if self.bound == "_max":
            return "passes" if self._size <= threshold else "fails"
        return "reaches" if self._size >= threshold else "is below"

    def words(self, labels: tuple[str, str]) -> str:
        sides = zip((self.recorded, self.replayed), labels, strict=True)
        told = [f"{self._relation(threshold)} {threshold:.8g} {label}" for threshold, label in sides]
        return f"{self.name} {self.value:.8g} {' and '.join(told)}"


def compared_words(
    parting: Parting, changes: Sequence[FieldDifference], labels: tuple[str, str]
) -> Iterator[str]:
    """Yield what the decision of `parting` compared with thresholds that differ between the sides.

    Features that meet theirs on one side only come alone, where there are any: they made the difference.
    `changes` are the values of the profile that the replay changed; `labels` name the sides.
    """
    compared = [*_compared(parting, changes)]
    telling = [each for each in compared if each.is_met_on_one_side]
    yield from (each.words(labels) for each in telling or compared)


def _compared(parting: Parting, changes: Sequence[FieldDifference]) -> Iterable[_Compared]:
    subject = parting.subject
    for name, threshold in subject.thresholds.items():
        change = _change_of(name, threshold, changes)
        recorded = parting.recorded.thresholds.get(name, None if change is None else change.recorded)
        replayed = parting.replayed.thresholds.get(name, None if change is None else change.replayed)
        value = subject.features.get(name)
        if recorded is None or replayed is None or value is None or recorded == replayed:
            continue
        bound = "" if change is None else change.field[-len(_BOUNDS[0]) :]
        yield _Compared(name, value, float(recorded), float(replayed), bound)


def _change_of(name: str, threshold: float, changes: Iterable[FieldDifference]) -> FieldDifference | None:
    """Return the change of the profile that moved the threshold of the feature `name`."""
    named = {f"{name}{bound}" for bound in _BOUNDS}
    for change in changes:
        is_value = threshold in (change.recorded, change.replayed)
        if is_value and change.field.rpartition(".")[2] in named:
            return change
    return None
