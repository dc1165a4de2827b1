"""Interactive Brokers' pacing of historical data, for all clients of one user together.

Documented: no identical request within 15 seconds; fewer than 6 for the same contract, exchange and type
within 2 seconds; at most 60 in 10 minutes, BID_ASK counting twice. Documented too: since bars of one minute
and more are freed of these, they count here only for smaller bars and for ticks. Modelled: that a refused
request does not count.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.market_data.history_request import FAILED
from adapters.tws_simulator.market_data.settings import HistorySettings

VIOLATION = f"{FAILED}Historical data request pacing violation"
TEN_MINUTES_NS = 600_000_000_000
SECOND_NS = 1_000_000_000


class PacedRequest(NamedTuple):
    """What makes requests identical, and what makes them of the same contract, exchange and type."""

    identity: tuple[object, ...]
    con_id: int
    exchange: str
    kind: str

    @property
    def weight(self) -> int:
        """How many requests it counts for."""
        return 2 if self.kind == "BID_ASK" else 1


class HistoryPacing:
    """The requests of the last ten minutes of real time."""

    def __init__(self, settings: HistorySettings) -> None:
        self._settings = settings
        self._recent: deque[tuple[int, PacedRequest]] = deque()
        self._weight = 0

    def admit(self, request: PacedRequest, now_ns: int) -> None:
        """Count a request at `now_ns`; raises `Refused` 162 when a rule forbids it."""
        while self._recent and now_ns - self._recent[0][0] >= TEN_MINUTES_NS:
            self._weight -= self._recent.popleft()[1].weight
        if self._weight + request.weight > self._settings.requests_per_ten_minutes_max:
            raise Refused(162, VIOLATION)
        if self._is_repeated(request, now_ns) or self._is_crowded(request, now_ns):
            raise Refused(162, VIOLATION)
        self._recent.append((now_ns, request))
        self._weight += request.weight

    def _is_repeated(self, request: PacedRequest, now_ns: int) -> bool:
        since = now_ns - self._settings.identical_seconds * SECOND_NS
        return any(ts > since and before.identity == request.identity for ts, before in self._recent)

    def _is_crowded(self, request: PacedRequest, now_ns: int) -> bool:
        since = now_ns - self._settings.same_contract_seconds * SECOND_NS
        count = sum(before.weight for ts, before in self._recent if ts > since and before[1:] == request[1:])
        return count + request.weight >= self._settings.same_contract_max
