"""Records the market data that a node sees, in the order in which its strategies see it.

    recording = record_market_data(node, run_dir, sink=journal)
    ...
    recording.market_ns  # ts_init of the last record that strategies were given
    recording.close()

`stamps` and `nautilus_door` make `ts_init` unique, the tape in `nautilus_recording` keeps each record,
`writer` spools them to disk on a thread, `publication` turns spools into a catalog's Parquet files below
`RUN_DIR/data`.
"""

from catalog.recording.defects import CHECKS
from catalog.recording.nautilus_recording import NodeRecording, record_market_data
from catalog.recording.publication import Recovered, recover
from catalog.recording.settings import RecordingSettings
from catalog.recording.spool import BeingRecordedError

__all__ = [
    "CHECKS",
    "BeingRecordedError",
    "NodeRecording",
    "RecordingSettings",
    "Recovered",
    "record_market_data",
    "recover",
]
