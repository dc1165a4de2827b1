"""What the checks found: counted per check and stream, with the first few places as examples."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from catalog.columns import Int64Array
from catalog.quality_checks.registry import CHECKS, Check, Severity
from market.time import format_new_york

EXAMPLES_MAX = 5


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of defect in one stream; times are ns UTC of the event, None where time has no part in it."""

    check: str
    severity: Severity
    instrument_id: str
    data_type: str
    count: int
    first_ns: int | None
    last_ns: int | None
    examples: tuple[str, ...]
    meaning: str
    remedy: str


class CheckedStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that was checked: how many records, and the first and last event (ns UTC)."""

    instrument_id: str
    data_type: str
    records: int
    first_ns: int | None
    last_ns: int | None
    has_sessions: bool
    """Whether the exchange calendar applies to this instrument."""


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    """The streams of a catalog that were checked, and all findings, gravest first."""

    catalog: str
    streams: tuple[CheckedStream, ...]
    findings: tuple[Finding, ...]

    @property
    def records(self) -> int:
        """How many records were checked."""
        return sum(stream.records for stream in self.streams)

    def count(self, severity: Severity) -> int:
        """Return the number of findings (not of records) of `severity`."""
        return sum(finding.severity is severity for finding in self.findings)


class FindingLog:
    """Collects the findings of one stream."""

    def __init__(self, *, instrument_id: str, data_type: str) -> None:
        self._instrument_id = instrument_id
        self._data_type = data_type
        self._open: dict[str, _OpenFinding] = {}

    def add(self, check: str, example: str, *, at_ns: int | None = None, count: int = 1) -> None:
        """Count `count` occurrences of `check`, with one example (those beyond the first few are dropped)."""
        finding = self._of(check)
        finding.count += count
        if at_ns is not None:
            finding.extend(at_ns, at_ns)
        if len(finding.examples) < EXAMPLES_MAX:
            finding.examples.append(example if at_ns is None else f"{format_new_york(at_ns)}: {example}")

    def extend(self, check: str, at_ns: int) -> None:
        """Say that `check`, already added, was seen at `at_ns` as well."""
        self._of(check).extend(at_ns, at_ns)

    def add_rows(
        self, check: str, rows: Int64Array, ts_event: Int64Array, *, describe: Callable[[int], str]
    ) -> None:
        """Count one occurrence of `check` at each of `rows` (positions in `ts_event`)."""
        if not len(rows):
            return
        for row in rows[: EXAMPLES_MAX - len(self._of(check).examples)].tolist():
            self._of(check).examples.append(f"{format_new_york(int(ts_event[row]))}: {describe(row)}")
        finding = self._of(check)
        finding.count += len(rows)
        finding.extend(int(np.min(ts_event[rows])), int(np.max(ts_event[rows])))

    def findings(self) -> list[Finding]:
        """Return what was collected, in the order in which the checks are listed."""
        return [
            self._open[name].closed(self._instrument_id, self._data_type)
            for name in CHECKS
            if name in self._open
        ]

    def _of(self, check: str) -> _OpenFinding:
        return self._open.setdefault(check, _OpenFinding(CHECKS[check]))


class _OpenFinding:
    def __init__(self, check: Check) -> None:
        self.check = check
        self.count = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.examples: list[str] = []

    def extend(self, first_ns: int, last_ns: int) -> None:
        self.first_ns = first_ns if self.first_ns is None else min(self.first_ns, first_ns)
        self.last_ns = last_ns if self.last_ns is None else max(self.last_ns, last_ns)

    def closed(self, instrument_id: str, data_type: str) -> Finding:
        return Finding(
            check=self.check.name,
            severity=self.check.severity,
            instrument_id=instrument_id,
            data_type=data_type,
            count=self.count,
            first_ns=self.first_ns,
            last_ns=self.last_ns,
            examples=tuple(self.examples),
            meaning=self.check.meaning,
            remedy=self.check.remedy,
        )
