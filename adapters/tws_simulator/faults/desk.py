"""The faults as control commands, for scenarios and for the control channel alike.

What each does to a client is described in `docs/reference/tws-scenarios.md`, which a test holds
against the commands here.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Component, ControlCommand
from adapters.tws_simulator.faults import parameters as wanted
from adapters.tws_simulator.faults.frame_faults import FrameFault, FramePipe
from adapters.tws_simulator.faults.notices import FARMS, notice_text
from adapters.tws_simulator.faults.wire_control import WireControl
from adapters.tws_simulator.interfaces import Subscriptions
from adapters.tws_simulator.session.sessions import Session
from adapters.tws_simulator.timers import Callback

SECOND_NS = 1_000_000_000


class FaultDesk(Component):
    """Offers every fault as a command; `subscriptions` is None where no market data is installed."""

    def __init__(
        self, broker: Broker, *, wire: WireControl, pipe: FramePipe, subscriptions: Subscriptions | None
    ) -> None:
        super().__init__(broker)
        self._wire, self._pipe, self._subscriptions = wire, pipe, subscriptions

    def commands(self) -> Mapping[str, ControlCommand]:
        """Return the faults by name."""
        return {
            "notice": ControlCommand(wanted.Notice, self._notice),
            "connection_lost": ControlCommand(wanted.ConnectionLost, self._connection_lost),
            "connection_restored": ControlCommand(wanted.ConnectionRestored, self._connection_restored),
            "farm": ControlCommand(wanted.FarmState, self._farm),
            "farm_flaps": ControlCommand(wanted.FarmFlaps, self._farm_flaps),
            "port_reset": ControlCommand(wanted.PortReset, self._port_reset),
            "disconnect": ControlCommand(wanted.Disconnect, self._disconnect),
            "refuse_connections": ControlCommand(wanted.Refuse, self._refuse),
            "hold_handshakes": ControlCommand(wanted.ForSeconds, self._hold_handshakes),
            "accept_connections": ControlCommand(wanted.Accept, self._accept),
            "freeze": ControlCommand(wanted.Freeze, self._freeze),
            "thaw": ControlCommand(wanted.Thaw, lambda _: {"connections": self._wire.thaw()}),
            "slow_reading": ControlCommand(wanted.SlowReading, self._slow_reading),
            "segments": ControlCommand(wanted.Segments, self._segments),
            "malformed": ControlCommand(wanted.Malformed, self._malformed),
            "frame_fault": ControlCommand(FrameFault, self._frame_fault),
            "end_frame_faults": ControlCommand(wanted.EndFrameFaults, self._end_frame_faults),
            "silence": ControlCommand(wanted.Silence, self._silence),
            "drop_subscriptions": ControlCommand(wanted.DropSubscriptions, self._drop_subscriptions),
            "clock_skew": ControlCommand(wanted.ClockSkew, self._clock_skew),
            "read_only": ControlCommand(wanted.ReadOnly, self._read_only),
            "restart": ControlCommand(wanted.Restart, self._restart),
        }

    # ------------------------------------------------------------------ notices

    def _notice(self, wish: wanted.Notice) -> None:
        text = wish.text or notice_text(wish.code)
        for session in self._sessions(wish.client_id):
            self.broker.error(session, wish.request_id, wish.code, text)

    def _connection_lost(self, _wish: wanted.ConnectionLost) -> None:
        self._set_silent(con_id=None, is_silent=True)
        self.broker.notify_all(1100, notice_text(1100))

    def _connection_restored(self, wish: wanted.ConnectionRestored) -> None:
        self._set_silent(con_id=None, is_silent=False)
        if wish.is_data_lost and self._subscriptions is not None:
            self._subscriptions.drop_all()
        code = 1101 if wish.is_data_lost else 1102
        self.broker.notify_all(code, notice_text(code))

    def _farm(self, wish: wanted.FarmState) -> None:
        farm = FARMS[wish.farm]
        code = farm.well if wish.is_well else farm.broken
        if wish.farm == "market":
            self._set_silent(con_id=None, is_silent=not wish.is_well)
        self.broker.notify_all(code, notice_text(code, farm.name))

    def _farm_flaps(self, wish: wanted.FarmFlaps) -> None:
        at_ns = 0
        for _ in range(wish.times):
            for is_well, lasts_seconds in ((False, wish.broken_seconds), (True, wish.well_seconds)):
                self.broker.call_after(at_ns, self._later_farm(wish.farm, is_well=is_well))
                at_ns += round(lasts_seconds * SECOND_NS)

    def _later_farm(self, farm: wanted.FarmName, *, is_well: bool) -> Callback:
        return lambda: self._farm(wanted.FarmState(farm=farm, is_well=is_well))

    def _port_reset(self, wish: wanted.PortReset) -> None:
        self.broker.notify_all(1300, notice_text(1300, str(wish.port)))
        self._end_sessions()

    # ------------------------------------------------------------------ connections

    def _disconnect(self, wish: wanted.Disconnect) -> dict[str, int]:
        return {"connections": self._wire.close(self._session_id(wish.client_id), is_reset=wish.how == "rst")}

    def _refuse(self, wish: wanted.Refuse) -> None:
        self._wire.refuse(is_reset=wish.how == "rst")
        self._accept_after(wish.seconds)

    def _hold_handshakes(self, wish: wanted.ForSeconds) -> None:
        self._wire.hold_handshakes()
        self._accept_after(wish.seconds)

    def _accept(self, _wish: wanted.Accept) -> None:
        self._wire.accept()

    def _accept_after(self, seconds: float | None) -> None:
        if seconds is not None:
            self.broker.call_after(round(seconds * SECOND_NS), self._wire.accept)

    def _freeze(self, wish: wanted.Freeze) -> dict[str, int]:
        count = self._wire.freeze(self._session_id(wish.client_id), is_lost=wish.is_lost)
        if wish.seconds is not None:
            self.broker.call_after(round(wish.seconds * SECOND_NS), self._thaw)
        return {"connections": count}

    def _thaw(self) -> None:
        self._wire.thaw()

    def _slow_reading(self, wish: wanted.SlowReading) -> None:
        self._wire.read_slowly(wish.bytes_per_second)

    def _segments(self, wish: wanted.Segments) -> None:
        self._wire.write_in_segments(wish.bytes_each, glue_seconds=wish.glue_seconds)

    def _malformed(self, wish: wanted.Malformed) -> dict[str, int]:
        return {"connections": self._wire.inject(self._session_id(wish.client_id), wish.data())}

    def _restart(self, wish: wanted.Restart) -> None:
        self.broker.notify_all(1100, notice_text(1100))
        self._wire.refuse(is_reset=False)
        self.broker.restart()
        down_ns = round(wish.down_seconds * SECOND_NS)
        if wish.two_factor_seconds:
            self.broker.call_after(down_ns, self._wire.hold_handshakes)
        self.broker.call_after(down_ns + round(wish.two_factor_seconds * SECOND_NS), self._wire.accept)

    # ------------------------------------------------------------------ frames, data, time

    def _frame_fault(self, fault: FrameFault) -> dict[str, int]:
        return {"number": self._pipe.add(fault)}

    def _end_frame_faults(self, wish: wanted.EndFrameFaults) -> dict[str, int]:
        return {"ended": self._pipe.remove(wish.number)}

    def _silence(self, wish: wanted.Silence) -> None:
        self._set_silent(con_id=wish.con_id, is_silent=wish.is_silent)

    def _drop_subscriptions(self, _wish: wanted.DropSubscriptions) -> None:
        if self._subscriptions is not None:
            self._subscriptions.drop_all()

    def _clock_skew(self, wish: wanted.ClockSkew) -> None:
        self.broker.clock_skew_ns = round(wish.seconds * SECOND_NS)

    def _read_only(self, wish: wanted.ReadOnly) -> None:
        self.broker.is_read_only = wish.is_read_only

    # ------------------------------------------------------------------ whom it meets

    def _sessions(self, client_id: int | None) -> list[Session]:
        if client_id is None:
            return self.broker.sessions.started()
        session = self.broker.sessions.of_client(client_id)
        if session is None:
            raise ValueError(f"client {client_id} is not connected")
        return [session]

    def _session_id(self, client_id: int | None) -> int | None:
        return None if client_id is None else self._sessions(client_id)[0].session_id

    def _end_sessions(self) -> None:
        for session in self.broker.sessions.all():
            self.broker.hang_up(session)

    def _set_silent(self, *, con_id: int | None, is_silent: bool) -> None:
        if self._subscriptions is not None:
            self._subscriptions.silence(con_id, is_silent=is_silent)
