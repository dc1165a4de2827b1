"""What a person may tell the gate, as plain values; every command names who and why.

In process here; the signed link to a running node carries the same values.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from market.errors import NotFoundError, UserError
from risk.counted import counted
from risk.records import CommandRecord
from risk.supervisor import Supervisor


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="command"):
    """Who commands, and why; both are needed and are kept in the record."""

    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip():
            name = type(self).__name__
            raise UserError(f"{name} by {self.by!r} for {self.reason!r}: give a person's name and a reason.")


class Halt(Command, frozen=True, tag="halt"):
    """Nothing but cancels and closing orders from now on; cancels what could add risk."""


class Resume(Command, frozen=True, tag="resume"):
    """End a halt and the pause of everything."""


class PauseAll(Command, frozen=True, tag="pause_all"):
    """Open nothing; what works goes on working."""


class PauseSymbol(Command, frozen=True, tag="pause_symbol"):
    """Open nothing in one symbol."""

    symbol: str


class ResumeSymbol(Command, frozen=True, tag="resume_symbol"):
    """End the pause of one symbol."""

    symbol: str


class CancelAll(Command, frozen=True, tag="cancel_all"):
    """Cancel every working order."""


class FlattenSymbol(Command, frozen=True, tag="flatten_symbol"):
    """Pause a symbol, cancel its orders and close its positions."""

    symbol: str


class FlattenAll(Command, frozen=True, tag="flatten_all"):
    """Pause everything, cancel every order and close every position."""


OperatorCommand = (
    Halt | Resume | PauseAll | PauseSymbol | ResumeSymbol | CancelAll | FlattenSymbol | FlattenAll
)


class CommandExecutor(Protocol):
    """The kill switch as an operator uses it."""

    def cancel_all(self) -> int:
        """Cancel every working order and return how many."""

    def flatten(self, symbols: frozenset[str] | None, now_ns: int, *, by: str, reason: str) -> None:
        """Close the positions in `symbols`, or all of them."""

    def stand_down(self, symbol: str | None, now_ns: int) -> None:
        """Try no longer to close a symbol, or (None) anything, that could not be closed so far."""


def carry_out(
    command: OperatorCommand, supervisor: Supervisor, executor: CommandExecutor, now_ns: int
) -> CommandRecord:
    """Carry out a command and return its record; raises `UserError` for one that cannot be."""
    outcome = _carry_out(command, supervisor, executor, now_ns)
    supervisor.save(now_ns)
    record = CommandRecord(
        ts_ns=now_ns,
        command=str(type(command).__struct_config__.tag),
        by=command.by,
        reason=command.reason,
        outcome=outcome,
    )
    supervisor.record_command(record)
    return record


def _carry_out(
    command: OperatorCommand, supervisor: Supervisor, executor: CommandExecutor, now_ns: int
) -> str:
    account = supervisor.account
    match command:
        case Halt():
            is_halted = account.breaker.state == "HALT"
            supervisor.halt(now_ns, by=command.by, reason=command.reason)
            if is_halted:  # the first halt keeps its reason, but what it left working ends now
                supervisor.enforce_halt()
        case Resume():
            supervisor.resume(now_ns, by=command.by, reason=command.reason)
            account.all_paused_by = None
            executor.stand_down(None, now_ns)
        case PauseAll():
            account.all_paused_by = command.by
        case PauseSymbol():
            account.paused_symbols[_known(command.symbol, supervisor)] = command.by
        case ResumeSymbol():
            if account.paused_symbols.pop(command.symbol, None) is None:
                raise NotFoundError(f"{command.symbol} is not paused. Paused: {_paused(supervisor)}.")
            executor.stand_down(command.symbol, now_ns)
        case CancelAll():
            return f"{counted(executor.cancel_all(), 'order')} canceled"
        case FlattenSymbol():
            account.paused_symbols[_known(command.symbol, supervisor)] = command.by
            executor.flatten(frozenset({command.symbol}), now_ns, by=command.by, reason=command.reason)
        case FlattenAll():  # pragma: no branch - the last of the union
            account.all_paused_by = command.by
            executor.flatten(None, now_ns, by=command.by, reason=command.reason)
    return f"breaker {account.breaker.state}, paused: {_paused(supervisor)}"


def _known(symbol: str, supervisor: Supervisor) -> str:
    account = supervisor.account
    held = {book.terms.symbol for book in account.ledger.books.values()}
    if symbol in account.allowed_symbols or symbol in held:
        return symbol
    known = ", ".join(sorted(account.allowed_symbols | held))
    raise NotFoundError(f"{symbol!r} is neither held nor in the universe. Symbols: {known}.")


def _paused(supervisor: Supervisor) -> str:
    account = supervisor.account
    if account.all_paused_by is not None:
        return "everything"
    return ", ".join(sorted(account.paused_symbols)) or "nothing"
