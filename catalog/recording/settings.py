"""How a recording is kept: intervals, bounds, and what counts as a defect of the data."""

from __future__ import annotations

import msgspec


class RecordingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in records or bytes.

    A node that dies by `kill -9` loses at most what arrived in the last `batch_seconds`, and in the time
    that one write takes. Records beyond `waiting_records_max` (a disk that does not answer) are dropped,
    counted, and named in a data quality record.
    """

    batch_seconds: float = 1.0
    publish_seconds: float = 900.0
    spool_bytes_max: int = 128 * 1024 * 1024
    waiting_records_max: int = 2_000_000
    gap_seconds_max: float = 60.0
    silence_seconds_max: float = 30.0
    delay_seconds_max: float = 1.0
    """How far a stamp may run ahead of the record's own `ts_init` before that is a defect."""
