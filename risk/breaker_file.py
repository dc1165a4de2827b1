"""Keeps the breaker and the day's result on disk, so that neither a crash nor a restart clears them.

A file is replaced whole (written beside, flushed to disk, renamed), so a crash leaves the old or the
new one. A file that cannot be read or that does not decode is a HALT: fail closed. Files of before,
which named what was paused but not by whom, still load.
"""

from __future__ import annotations

import contextlib
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from risk.breaker import UNRECONCILED, Breaker

EARLIER_RUN = "an earlier run"
"""Who paused what a file of before says is paused."""


class HoldingRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the account held of an instrument, and the last price worth believing, in USD a share."""

    instrument_id: str
    quantity: int
    multiplier: int
    price_usd: Decimal


class DayRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The day's result so far: New York date, money in USD, fees counted; times in ns UTC.

    `paused_until_ns`: until when losses in a row pause openings, None when they do not. `paid_usd` is
    what went into `holdings` today, their value at the day's start included (`DayAccount`), and
    `executed_ns` the last execution in it; both None in a file of before.
    """

    day: date
    realized_usd: Decimal
    high_usd: Decimal
    consecutive_losses: int
    paused_until_ns: int | None = None
    paid_usd: Decimal | None = None
    holdings: tuple[HoldingRecord, ...] = ()
    executed_ns: int | None = None


class BreakerRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What survives a restart; of every paused symbol, and of the pause of everything, by whom."""

    breaker: Breaker
    day: DayRecord | None = None
    paused_symbols: dict[str, str] = {}
    all_paused_by: str | None = None


class _NamelessRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of before: it does not say who paused."""

    breaker: Breaker
    day: DayRecord | None = None
    paused_symbols: tuple[str, ...] = ()
    is_all_paused: bool = False

    def renewed(self) -> BreakerRecord:
        return BreakerRecord(
            breaker=self.breaker,
            day=self.day,
            paused_symbols=dict.fromkeys(self.paused_symbols, EARLIER_RUN),
            all_paused_by=EARLIER_RUN if self.is_all_paused else None,
        )


class BreakerFile:
    """The record at `path`; its folder is made when the record is first saved."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, now_ns: int) -> BreakerRecord:
        """Return the record for a start at `now_ns`: restarted if there was one, HALT if it is damaged."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return BreakerRecord(breaker=Breaker.at_start(now_ns))
        except OSError as error:
            return _damaged(now_ns, f"{self.path.name} cannot be read: {error.strerror}")
        try:
            record = _decode(text)
        except msgspec.DecodeError as error:
            return _damaged(now_ns, f"{self.path.name} is damaged: {error}")
        return msgspec.structs.replace(record, breaker=record.breaker.restarted(now_ns))

    def save(self, record: BreakerRecord, *, is_durable: bool = True) -> None:
        """Replace the record; `is_durable` flushes it to disk (a halt), else it survives a kill only.

        Raises OSError when the disk refuses; the caller halts.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with beside.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
            file.flush()
            if is_durable:
                os.fsync(file.fileno())
        beside.replace(self.path)
        if is_durable:
            self._flush_folder()

    def _flush_folder(self) -> None:
        with contextlib.ExitStack() as stack:
            folder = os.open(self.path.parent, os.O_RDONLY)
            stack.callback(os.close, folder)
            os.fsync(folder)


def _decode(text: bytes) -> BreakerRecord:
    try:
        return msgspec.json.decode(text, type=BreakerRecord)
    except msgspec.ValidationError:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.json.decode(text, type=_NamelessRecord).renewed()
        raise


def _damaged(now_ns: int, reason: str) -> BreakerRecord:
    breaker = Breaker(
        state="HALT", causes=(UNRECONCILED,), changed_at_ns=now_ns, changed_by="start", reason=reason
    )
    return BreakerRecord(breaker=breaker)
