"""The door at the bus endpoint `DataEngine.process`: every record of a node's data clients passes it.

Data clients send there from the node's event loop, and the engine's queue keeps their order; what the
door stamps is therefore handled in the order of its stamps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.recording.stamps import Stamps

PROCESS_ENDPOINT = "DataEngine.process"


class DataDoor:
    """Stamps records on their way into the data engine of `kernel`."""

    def __init__(self, kernel: Any, stamps: Stamps) -> None:
        self._bus = kernel.msgbus
        self._forward: Callable[[Any], None] = kernel.data_engine.process
        self._stamped = stamps.stamped
        self._bus.deregister(endpoint=PROCESS_ENDPOINT, handler=self._forward)
        self._bus.register(endpoint=PROCESS_ENDPOINT, handler=self.process)

    def process(self, record: Any) -> None:
        """Stamp and pass on; the handler of the endpoint."""
        self._forward(self._stamped(record))

    def remove(self) -> None:
        """Give the endpoint back to the engine."""
        self._bus.deregister(endpoint=PROCESS_ENDPOINT, handler=self.process)
        self._bus.register(endpoint=PROCESS_ENDPOINT, handler=self._forward)
