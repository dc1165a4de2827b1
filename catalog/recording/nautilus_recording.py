"""The recording of one node: door, tape and writer, put into a built kernel before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nautilus_trader.model.identifiers import InstrumentId

from audit.events import ALERTS_TOPIC, AlertRecord, NodeRecord
from catalog.recording.nautilus_door import DataDoor
from catalog.recording.publication import recover
from catalog.recording.settings import RecordingSettings
from catalog.recording.stamps import Stamps
from catalog.recording.writer import RecordingWriter, Sink

BEFORE_ALL = 1_000_000
"""Priority of the tape's subscriptions: above the portfolio, the gate and every strategy."""
TOPICS = ("data.quotes.*", "data.trades.*", "data.book.deltas.*", "data.option_greeks.*")


class NodeRecording:
    """What `record_market_data` put into a kernel.

    `market_ns` is the `ts_init` of the record that the node is handling or handled last; None before any.
    """

    def __init__(self, kernel: Any, run_dir: Path, *, sink: Sink, settings: RecordingSettings) -> None:
        self.recovered = recover(run_dir)
        self.market_ns: int | None = None
        self._before_ns = _last_stored_ns(run_dir)
        stamps = Stamps(after_ns=self._before_ns)
        self._bus, self._clock, self._sink = kernel.msgbus, kernel.clock, sink
        cache = kernel.cache
        self.writer = RecordingWriter(
            run_dir,
            sink=sink,
            stamps=stamps,
            instrument_of=lambda name: cache.instrument(InstrumentId.from_str(name)),
            settings=settings,
        )
        self._keep = self.writer.pending.append
        self._door = DataDoor(kernel, stamps)
        for topic in TOPICS:
            self._bus.subscribe(topic=topic, handler=self._on_record, priority=BEFORE_ALL)
        self._bus.subscribe(topic=ALERTS_TOPIC, handler=self._on_alert, priority=BEFORE_ALL)
        self._tell_recovery()
        self.writer.start()

    def _tell_recovery(self) -> None:
        """Put on record where the data of a node before ends, and what it left in its spool if it died."""
        recovered, now_ns = self.recovered, self._clock.timestamp_ns()
        if self._before_ns:
            goes_on = NodeRecord(state="recovered", detail="the recording of market data goes on")
            self._sink.append(goes_on, ts_ns=now_ns, market_ns=self._before_ns)
        if recovered is None:
            return
        for file in recovered.files:
            self._sink.append(file, ts_ns=now_ns)
        self._sink.append(recovered.quality(), ts_ns=now_ns)

    def _on_record(self, record: Any) -> None:
        self.market_ns = record.ts_init
        self._keep(record)

    def _on_alert(self, alert: AlertRecord) -> None:
        self._sink.append(alert, ts_ns=self._clock.timestamp_ns(), market_ns=self.market_ns)

    def close(self) -> None:
        """Stop recording and publish everything: when the node has stopped, before its journal is closed."""
        for topic in TOPICS:
            self._bus.unsubscribe(topic=topic, handler=self._on_record)
        self._bus.unsubscribe(topic=ALERTS_TOPIC, handler=self._on_alert)
        self._door.remove()
        self.writer.close()


def record_market_data(
    target: Any, run_dir: Path, *, sink: Sink, settings: RecordingSettings | None = None
) -> NodeRecording:
    """Record the market data of `target` (a TradingNode or a kernel) below `run_dir`, beside its journal.

    Call it after the node is built and before it runs; `sink` is the node's journal. A spool that a node
    before left in `run_dir` is published first. Raises `DataError` while another node records there.
    """
    kernel = getattr(target, "kernel", target)
    return NodeRecording(kernel, run_dir, sink=sink, settings=settings or RecordingSettings())


def _last_stored_ns(run_dir: Path) -> int:
    from catalog.storage.arrow_layout import file_range

    names = [path.name for path in run_dir.glob("data/*/*/*_*.parquet")]
    return max((file_range(name)[1] for name in names), default=0)
