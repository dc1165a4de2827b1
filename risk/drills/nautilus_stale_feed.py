"""Drill: the market data falls silent for a minute and comes back."""

from __future__ import annotations

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Quantity

from market.time import NS_PER_SECOND
from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import LIMITS
from risk.drills.nautilus_rig import START_NS, Rig, Scripted, quotes

_F = InstrumentId.from_str("F.SMART")
_SILENT_FROM, _SILENT_TO = 10, 80
"""Seconds; the silence is longer than the drill's `max_data_silence_seconds`."""


class _Stubborn(Scripted):
    """Buys once before the silence; in it tries to buy more, then closes."""

    def on_start(self) -> None:
        super().on_start()
        silent_ns = START_NS + _SILENT_FROM * NS_PER_SECOND
        late_ns = silent_ns + (LIMITS.max_data_silence_seconds + 5) * NS_PER_SECOND
        self.clock.set_time_alert_ns("open", late_ns, lambda _: self._send(OrderSide.BUY, 11))
        self.clock.set_time_alert_ns("close", late_ns + 1, lambda _: self._send(OrderSide.SELL, 10))

    def _send(self, side: OrderSide, count: int) -> None:
        self.submit_order(self.order_factory.market(_F, side, Quantity.from_int(count)))


def rehearse() -> list[Check]:
    """Run the silence in a backtest engine with the live node's timer."""
    data = [
        tick for second, tick in enumerate(quotes("F", count=100)) if not _SILENT_FROM <= second < _SILENT_TO
    ]
    rig = Rig(data=data, has_timer=True)
    strategy = _Stubborn(lambda each, seen: each._send(OrderSide.BUY, 10) if seen == 1 else None)
    rig.run(strategy)
    changes = [change for change in rig.recorder.breaker_changes if change.by == "stale_data"]
    filled = [int(order.filled_qty) for order in rig.orders]
    silence_ends_ns = START_NS + (_SILENT_FROM - 1 + LIMITS.max_data_silence_seconds) * NS_PER_SECOND
    late_ns = [change.ts_ns - silence_ends_ns for change in changes[:1]]
    return [
        equal(
            "silence is SAFE_MODE, and data ends it",
            [(change.before, change.after, change.by) for change in changes],
            [("RUNNING", "SAFE_MODE", "stale_data"), ("SAFE_MODE", "RUNNING", "stale_data")],
        ),
        Check("within two seconds of its limit", late_ns < [2 * NS_PER_SECOND], f"{late_ns} ns"),
        equal("the opening order in the silence was refused", rig.rules(), ["breaker_state"]),
        equal("shares were held, and the closing order passed", filled, [10, 0, 10]),
        equal("nothing is held", rig.net(), 0),
    ]


DRILL = Drill(
    name="stale-feed", incident="No quote arrives for more than a minute in session.", rehearse=rehearse
)
