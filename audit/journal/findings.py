"""What verification found: problems that name the record, coalesced and limited in number."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

PROBLEMS_MAX = 200
"""Problems named one by one; what follows is counted."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not hold: where (file, line from 1, record), what, and why that is so."""

    file: str
    line: int | None
    seq: int | None
    what: str  # edited | missing | reordered | ...: docs/reference/journal.md lists them
    why: str

    @property
    def where(self) -> str:
        """The file, with the line where there is one."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        record = "" if self.seq is None else f", record {self.seq}"
        return f"{self.where}{record}, {self.what}: {self.why}"


class Gap(msgspec.Struct):
    """Records `first` to `last` that were not where they belong: before `line` of `file`."""

    first: int
    last: int
    file: str
    line: int


class Findings:
    """Collects problems while the records are read once, in the order of the files."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._gaps: list[Gap] = []
        self._more = 0
        self._last_misplaced: int | None = None

    def __bool__(self) -> bool:
        return bool(self._problems or self._gaps)

    def add(self, what: str, why: str, *, file: str, line: int | None = None, seq: int | None = None) -> None:
        """Note one problem."""
        if len(self._problems) >= PROBLEMS_MAX:
            self._more += 1
            return
        self._problems.append(Problem(file=file, line=line, seq=seq, what=what, why=why))

    def missing(self, first: int, last: int, *, file: str, line: int) -> None:
        """Note that records `first` to `last` do not stand before `line`; they may still come."""
        self._gaps.append(Gap(first, last, file, line))
        self._last_misplaced = None

    def misplaced(self, seq: int, *, file: str, line: int) -> None:
        """Note a record that stands after one with a higher number; a run of them is one problem."""
        was_missed = self._fill(seq)
        is_run = self._last_misplaced is not None and seq == self._last_misplaced + 1
        self._last_misplaced = seq
        if is_run:
            return
        if was_missed:
            why = f"Record {seq} stands here and not in its place; records were put into another order."
            self.add("reordered", why, file=file, line=line, seq=seq)
        else:
            why = f"Record {seq} stands here once more; it was copied or inserted."
            self.add("duplicated", why, file=file, line=line, seq=seq)

    def pop_if_at(self, file: str, line: int) -> bool:
        """Take back the last problem when it is the only one and about this line; say whether it was."""
        only = self._problems[0] if len(self._problems) == 1 and not self._gaps else None
        if only is None or (only.file, only.line) != (file, line):
            return False
        self._problems.pop()
        return True

    def all(self) -> tuple[Problem, ...]:
        """Return the problems in the order in which a reader of the files meets them."""
        gaps = [_of_gap(gap) for gap in self._gaps[:PROBLEMS_MAX]]
        found = sorted([*self._problems, *gaps], key=lambda each: (each.file, each.line or 0))
        more = self._more + max(0, len(self._gaps) - PROBLEMS_MAX)
        if more:
            why = f"{more} more problems were found and are not listed."
            found.append(Problem(file="", line=None, seq=None, what="more", why=why))
        return tuple(found)

    def _fill(self, seq: int) -> bool:
        """Take `seq` out of the gap that it belongs to; the gaps are in the order of their records."""
        index = bisect_right(self._gaps, seq, key=lambda gap: gap.first) - 1
        if index < 0 or seq > self._gaps[index].last:
            return False
        gap = self._gaps[index]
        rest = [Gap(gap.first, seq - 1, gap.file, gap.line), Gap(seq + 1, gap.last, gap.file, gap.line)]
        self._gaps[index : index + 1] = [each for each in rest if each.first <= each.last]
        return True


def _of_gap(gap: Gap) -> Problem:
    one = gap.first == gap.last
    records = f"Record {gap.first} is" if one else f"Records {gap.first} to {gap.last} are"
    where = "a day file before it, or the beginning of this one," if gap.line == 1 else "what stood there"
    why = f"{records} missing before this line: {where} was deleted."
    return Problem(file=gap.file, line=gap.line, seq=gap.first, what="missing", why=why)
