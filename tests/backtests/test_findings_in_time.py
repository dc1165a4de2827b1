"""Findings known beforehand get their place among a journal's records, whatever the times are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit.events import ClosedRecord, DataQualityRecord
from backtests.findings_in_time import FindingsInTime
from tests.audit.memory_journal import MemoryJournal

RECORD = ClosedRecord(reason="")
FINDING = DataQualityRecord(check="gap", instrument_id="BAC.SMART", value="", limit="", why="")
TIMES = st.lists(st.integers(0, 20)).map(sorted)


@given(finding_times=TIMES, record_times=TIMES)
def test_all_are_kept_in_order_of_time_findings_first(
    finding_times: list[int], record_times: list[int]
) -> None:
    journal = MemoryJournal()
    records = FindingsInTime(journal)
    for ts_ns in finding_times:
        records.expect(FINDING, ts_ns=ts_ns)
    for ts_ns in record_times:
        seq = records.append(RECORD, ts_ns=ts_ns, correlation_id="S-1", caused_by=1, market_ns=ts_ns)
        assert journal.entries[seq - 1].body is RECORD
    records.finish()
    kept = [(entry.ts_ns, entry.body is RECORD) for entry in journal.entries]
    assert kept == sorted([(ts, False) for ts in finding_times] + [(ts, True) for ts in record_times])
    own = [entry for entry in journal.entries if entry.body is RECORD]
    assert all(
        (each.correlation_id, each.caused_by, each.market_ns) == ("S-1", 1, each.ts_ns) for each in own
    )


def test_a_failure_of_the_journal_is_its_own() -> None:
    journal = MemoryJournal()
    records = FindingsInTime(journal)
    assert records.failure is None
    journal.failure = "the disk is full"
    assert records.failure == "the disk is full"
