"""What a person is told of while it happens, and how loudly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from risk.breaker import BreakerState
from risk.notices import Notice, of_change, of_command
from risk.operator_commands import CancelAll, Halt
from risk.records import BreakerChangeRecord, CommandRecord
from tests.risk.desk import Desk, losing
from tests.risk.limit_cases import limits
from tests.risk.table_market import NOW_NS


def change(before: BreakerState, after: BreakerState, *causes: str) -> BreakerChangeRecord:
    return BreakerChangeRecord(
        ts_ns=1, before=before, after=after, causes=causes, by="Ann", reason="the news are bad"
    )


@pytest.mark.parametrize(
    ("record", "text", "is_urgent"),
    [
        (
            change("RUNNING", "HALT"),
            "Breaker RUNNING to HALT by Ann: the news are bad. See docs/runbooks/halt.md.",
            True,
        ),
        (
            change("SAFE_MODE", "SAFE_MODE", "stale_data", "unreconciled"),
            "Breaker stays in SAFE_MODE. Causes of SAFE_MODE: stale_data, unreconciled.",
            False,
        ),
        (
            change("HALT", "HALT", "stale_data"),
            "Breaker stays in HALT. Causes of SAFE_MODE: stale_data.",
            False,
        ),
        (change("HALT", "RUNNING"), "Breaker HALT to RUNNING by Ann: the news are bad.", False),
    ],
)
def test_a_change_of_the_breaker_says_who_and_why(
    record: BreakerChangeRecord, text: str, is_urgent: bool
) -> None:
    assert of_change(record) == Notice(text, is_urgent)


@pytest.mark.parametrize(
    ("outcome", "is_urgent"),
    [
        ("flat", False),
        ("NOT FLAT after 20 rounds: 100 F.SMART of S: not filled.", True),
        ("NOT CANCELED", True),
    ],
)
def test_what_did_not_succeed_is_urgent(outcome: str, is_urgent: bool) -> None:
    record = CommandRecord(
        ts_ns=1, command="flatten_report", by="daily_loss", reason="20 USD", outcome=outcome
    )
    notice = of_command(record)
    assert notice == Notice(f"flatten_report by daily_loss (20 USD): {outcome.removesuffix('.')}.", is_urgent)


def told(desk: Desk) -> list[Notice]:
    """Return the list that the desk's notices go to."""
    notices: list[Notice] = []
    desk.supervisor.on_notice = notices.append
    return notices


def test_a_halt_is_told_and_a_second_one_changes_nothing(desk: Desk) -> None:
    notices = told(desk)
    desk.command(Halt(by="Ann", reason="news"))
    desk.supervisor.halt(2, by="Bob", reason="again")
    assert notices == [
        Notice("Breaker RUNNING to HALT by Ann: news. See docs/runbooks/halt.md.", is_urgent=True),
        Notice("halt by Ann (news): breaker HALT, paused: nothing."),
    ]


def test_a_command_is_told_with_its_outcome(desk: Desk) -> None:
    notices = told(desk)
    desk.command(CancelAll(by="Ann", reason="news"))
    assert notices == [Notice("cancel_all by Ann (news): 3 orders canceled.")]


def test_a_symbol_that_is_paused_by_its_loss_is_told(desk: Desk) -> None:
    notices = told(desk)
    losing(desk, "4.70")
    desk.look(3)
    assert [each.text for each in notices if "F" in each.text] == [
        "Openings in F are paused by loss_per_trade: 30.00 USD open in F, limit 20 USD."
    ]


def test_a_pause_after_losses_is_told_once_with_its_end() -> None:
    desk = Desk(risk_limits=limits(max_consecutive_losses=1, consecutive_loss_pause_minutes=10))
    notices = told(desk)
    desk.buy(10, "5.00")
    desk.buy(-10, "4.90")
    desk.look(2)
    assert notices == [Notice("Openings are paused until 2024-03-05 10:10:00 EST by 1 loss in a row.")]


def test_a_halt_that_cannot_be_kept_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    assert desk.file is not None
    notices = told(desk)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desk.file, "save", full)
    desk.supervisor.halt(NOW_NS, by="Ann", reason="news")
    assert [(each.is_urgent, each.text.partition(":")[0]) for each in notices] == [
        (True, "The HALT will not outlive a restart"),
        (True, "Breaker RUNNING to HALT by Ann"),
    ]
