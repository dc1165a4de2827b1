"""What operators may command, and what is recorded of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from market.errors import NotFoundError, UserError
from risk.breaker import NotResumableError
from risk.operator_commands import (
    CancelAll,
    FlattenAll,
    FlattenSymbol,
    Halt,
    PauseAll,
    PauseSymbol,
    Resume,
    ResumeSymbol,
)
from risk.records import CommandRecord
from tests.risk.desk import Desk
from tests.risk.table_market import NOW_NS, stock

F = stock()
WHO: dict[str, str] = {"by": "Ann", "reason": "news"}


def test_halt_and_resume(desk: Desk) -> None:
    record = desk.command(Halt(**WHO))
    assert record == CommandRecord(
        ts_ns=NOW_NS, command="halt", by="Ann", reason="news", outcome="breaker HALT, paused: nothing"
    )
    assert desk.of(CommandRecord) == [record]
    desk.command(PauseAll(**WHO))
    assert desk.command(Resume(**WHO)).outcome == "breaker RUNNING, paused: nothing"


def test_pausing_and_resuming_a_symbol(desk: Desk) -> None:
    assert desk.command(PauseSymbol(symbol="F", **WHO)).outcome == "breaker RUNNING, paused: F"
    assert desk.account.paused_symbols == {"F": "Ann"}
    assert desk.command(PauseSymbol(symbol="BAC", **WHO)).outcome.endswith("paused: BAC, F")
    assert desk.command(ResumeSymbol(symbol="F", **WHO)).outcome.endswith("paused: BAC")
    with pytest.raises(NotFoundError, match=r"F is not paused. Paused: BAC"):
        desk.command(ResumeSymbol(symbol="F", **WHO))


def test_pausing_everything(desk: Desk) -> None:
    assert desk.command(PauseAll(**WHO)).outcome == "breaker RUNNING, paused: everything"
    assert desk.account.all_paused_by == "Ann"


def test_canceling_everything(desk: Desk) -> None:
    assert desk.command(CancelAll(**WHO)).outcome == "3 orders canceled"
    assert desk.executor.calls == [("cancel_all",)]


def test_flattening_pauses_first(desk: Desk) -> None:
    assert desk.command(FlattenSymbol(symbol="F", **WHO)).command == "flatten_symbol"
    assert desk.account.paused_symbols == {"F": "Ann"}
    desk.command(FlattenAll(**WHO))
    assert desk.account.all_paused_by == "Ann"
    assert desk.executor.calls == [
        ("flatten", frozenset({"F"}), "Ann", "news"), ("flatten", None, "Ann", "news"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", [PauseSymbol, FlattenSymbol])
def test_an_unknown_symbol_is_refused_with_the_known_ones(desk: Desk, command: type[Any]) -> None:
    with pytest.raises(NotFoundError, match=r"'XYZ' is neither held nor in the universe. Symbols: BAC, F, "):
        desk.command(command(symbol="XYZ", **WHO))


def test_a_held_symbol_outside_the_universe_can_be_flattened(desk: Desk) -> None:
    desk.account.ledger.filled("", "EXTERNAL", stock("OLD"), 5)
    desk.command(FlattenSymbol(symbol="OLD", **WHO))
    assert desk.executor.calls[-1][1] == frozenset({"OLD"})


@pytest.mark.parametrize("who", [{"by": "", "reason": "x"}, {"by": "Ann", "reason": " "}])
def test_every_command_needs_a_person_and_a_reason(who: dict[str, str]) -> None:
    with pytest.raises(UserError, match="give a person's name and a reason"):
        Halt(**who)


def test_a_command_is_saved(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.command(PauseAll(**WHO))
    assert desk.file is not None
    assert desk.file.load(1).all_paused_by == WHO["by"]


def test_resuming_ends_what_could_not_be_closed(desk: Desk) -> None:
    desk.command(PauseSymbol(symbol="F", **WHO))
    desk.command(ResumeSymbol(symbol="F", **WHO))
    desk.command(Resume(**WHO))
    assert desk.executor.calls == [("stand_down", "F"), ("stand_down", None)]


def test_resuming_is_refused_without_a_name(desk: Desk) -> None:
    with pytest.raises(NotResumableError):
        desk.supervisor.resume(1, by="", reason="x")


def test_each_halt_of_a_person_cancels_openings_once(desk: Desk) -> None:
    for times in (1, 2):
        desk.command(Halt(**WHO))
        assert desk.executor.calls == [("cancel_openings",)] * times
