"""What a retention policy keeps, lets go, and never touches."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.archive import Holding, Policy, archive_run, holdings_in, judge, let_go, plan
from market.errors import UserError
from market.time import new_york_ns
from tests.audit.archive.runs import NOON_NS, annotate, damage, write_run

TODAY = date(2024, 3, 15)


def holding(
    day: date,
    *,
    run: str = "a",
    series: str = "live",
    line: str | None = None,
    defect: str | None = None,
    records: int = 1,
    notes: int = 0,
) -> Holding:
    return Holding(
        name=f"{run}-{series}-{line}-{day}-{records}-{notes}",
        run=run,
        series=series,
        line=line or str(day),
        day=day,
        records=records,
        notes=notes,
        size=1,
        defect=defect,
    )


def kept(holdings: list[Holding], policy: Policy) -> list[str]:
    return [str(verdict.holding.day) for verdict in judge(holdings, policy, today=TODAY) if verdict.is_kept]


def test_keeps_days_then_months_and_the_newest() -> None:
    days = [date(2023, 12, 1), date(2023, 12, 29), date(2024, 1, 31), date(2024, 3, 1), date(2024, 3, 14)]
    holdings = [holding(day) for day in days]
    assert kept(holdings, Policy(days=2)) == ["2023-12-29", "2024-01-31", "2024-03-14"]
    assert kept(holdings, Policy(days=2, months=3)) == ["2024-01-31", "2024-03-14"]
    assert kept(holdings, Policy(days=15, months=1)) == ["2024-03-01", "2024-03-14"]
    assert kept(holdings[:1], Policy(days=1, months=1)) == ["2023-12-01"]


def test_of_one_day_the_archive_with_most_records_is_the_newest() -> None:
    early, late = (holding(date(2020, 1, 1), records=records) for records in (5, 9))
    verdicts = judge([late, early], Policy(days=1, months=1), today=TODAY)
    assert [(each.holding.records, each.is_kept) for each in verdicts] == [(5, False), (9, True)]


def test_of_equal_journals_the_one_with_most_notes_is_the_newest() -> None:
    bare, annotated = (holding(date(2020, 1, 1), notes=notes) for notes in (1, 3))
    verdicts = judge([annotated, bare], Policy(days=1, months=1), today=TODAY)
    assert [(each.holding.notes, each.is_kept) for each in verdicts] == [(1, False), (3, True)]


def test_other_journals_of_the_last_day_stay_beside_each_other() -> None:
    day = date(2020, 1, 1)
    holdings = [holding(day, line="morning", records=3), holding(day, line="evening", records=9)]
    verdicts = judge(holdings, Policy(days=1, months=1), today=TODAY)
    assert [each.is_newest for each in verdicts] == [True, True]


def test_series_are_not_thinned_against_each_other() -> None:
    holdings = [holding(date(2020, 1, 1), series="limits"), holding(date(2020, 1, 2), series="others")]
    verdicts = judge(holdings, Policy(days=1, months=1), today=TODAY)
    assert [each.is_newest for each in verdicts] == [True, True]


def test_what_was_archived_just_now_stays() -> None:
    early, late = (holding(date(2020, 1, 1), records=records) for records in (5, 9))
    verdicts = judge([early, late], Policy(days=1, months=1), today=TODAY, just_archived=(early.name,))
    assert [(each.is_kept, each.why) for each in verdicts] == [
        (True, "archived just now"),
        (True, "the newest of its run"),
    ]


HOLDINGS = st.lists(
    st.builds(
        holding,
        st.dates(date(2023, 1, 1), TODAY),
        run=st.sampled_from("ab"),
        series=st.sampled_from("st"),
        line=st.sampled_from((None, "l", "m")),
        defect=st.sampled_from((None, None, "bad")),
        records=st.integers(1, 3),
    ),
    unique_by=lambda each: each.name,
    max_size=12,
)


@given(holdings=HOLDINGS, days=st.integers(1, 60), months=st.none() | st.integers(1, 12))
def test_no_policy_lets_the_newest_or_an_unsound_archive_go(
    holdings: list[Holding], days: int, months: int | None
) -> None:
    verdicts = judge(holdings, Policy(days=days, months=months), today=TODAY)
    assert sorted(each.holding.name for each in verdicts) == sorted(each.name for each in holdings)
    for verdict in verdicts:
        gone = verdict.holding
        assert verdict.why
        if verdict.is_kept:
            continue
        assert gone.defect is None
        assert TODAY - gone.day >= timedelta(days=days)
        assert any(
            each.is_kept and each.holding.defect is None and stands_for(each.holding, gone)
            for each in verdicts
        )


def stands_for(kept: Holding, gone: Holding) -> bool:
    """Say whether what is kept is a later day of the series, or has all that is let go."""
    if (kept.run, kept.series) != (gone.run, gone.series):
        return False
    return kept.day >= gone.day or (kept.line == gone.line and kept.records >= gone.records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Archives of four days of one run, and things that are none."""
    archives = tmp_path / "archives"
    for day in (date(2023, 10, 2), date(2023, 10, 3), date(2023, 10, 4), date(2023, 11, 1)):
        at_ns = new_york_ns(day, time(12))
        write_run(tmp_path / str(day), day_ns=at_ns, summary=False, name="day", environment="uat")
        archive_run(tmp_path / str(day), archives)
    (archives / "notes.txt").write_text("mine")
    (archives / "day-2020-01-01-0123456789ab.harvester.tar.gz").write_bytes(b"only the name is ours")
    (archives / "day-2020-01-02-0123456789ab.harvester.tar.gz").mkdir()
    return archives


def names(folder: Path) -> list[str]:
    return sorted(path.name[:14] for path in folder.iterdir())


def test_only_archives_of_ours_go(folder: Path) -> None:
    (folder / "day-2020-01-03-0123456789ab.harvester.tar.gz").symlink_to(next(folder.glob("day-2023*")))
    before = names(folder)
    verdicts = plan(folder, Policy(days=30), today=TODAY)
    assert names(folder) == before
    assert [str(each.holding.day) for each in verdicts if not each.is_kept] == ["2023-10-02", "2023-10-03"]
    gone = let_go(folder, verdicts)
    assert [name[:14] for name in gone] == ["day-2023-10-02", "day-2023-10-03"]
    assert names(folder) == [name for name in before if name not in ("day-2023-10-02", "day-2023-10-03")]


def test_an_archive_that_does_not_verify_stays_and_does_not_stand_for_the_newest(folder: Path) -> None:
    newest = next(folder.glob("day-2023-11-01*"))
    newest.write_bytes(newest.read_bytes()[:-30])
    oldest = next(folder.glob("day-2023-10-02*"))
    oldest.write_bytes(oldest.read_bytes()[:-30])
    verdicts = plan(folder, Policy(days=30, months=1), today=TODAY)
    told = {str(each.holding.day): (each.is_kept, each.is_newest) for each in verdicts}
    assert told == {
        "2023-10-02": (True, False),
        "2023-10-03": (False, False),
        "2023-10-04": (True, True),
        "2023-11-01": (True, False),
    }


def test_an_archive_under_another_name_stays(folder: Path) -> None:
    oldest = next(folder.glob("day-2023-10-02*"))
    oldest.rename(folder / "day-2023-10-02-000000000000.harvester.tar.gz")
    (verdict,) = [each for each in plan(folder, Policy(days=30), today=TODAY) if each.holding.day.day == 2]
    assert verdict.is_kept
    assert "belongs to" in verdict.why


def test_what_cannot_be_deleted_is_said(folder: Path) -> None:
    verdicts = plan(folder, Policy(days=30), today=TODAY)
    next(folder.glob("day-2023-10-02*")).unlink()
    with pytest.raises(UserError, match="cannot be deleted"):
        let_go(folder, verdicts)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert holdings_in(tmp_path / "none") == []


def archived_on(day: date, run: Path, archives: Path) -> str:
    """Archive a run as if on another day."""
    path = archive_run(run, archives).path
    at = new_york_ns(day, time(12))
    os.utime(path, ns=(at, at))
    return path.name


def test_a_backtest_is_not_thinned_against_other_backtests_of_its_profile(tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    for records in (5, 6, 7):
        write_run(tmp_path / f"run-{records}", records=records, day_ns=NOON_NS + records)
        archived_on(date(2014, 1, records), tmp_path / f"run-{records}", archives)
    verdicts = plan(archives, Policy(days=1, months=1), today=TODAY)
    assert [each.is_newest for each in verdicts] == [True, True, True]


def test_a_backtest_s_age_counts_from_when_it_was_archived(tmp_path: Path) -> None:
    run, archives = tmp_path / "run", tmp_path / "archives"
    write_run(run)
    annotate(run, "first")
    first = archived_on(date(2024, 3, 13), run, archives)
    annotate(run, "second")
    second = archived_on(date(2024, 3, 14), run, archives)

    def gone(days: int) -> list[str]:
        verdicts = plan(archives, Policy(days=days, months=1), today=date(2024, 4, 2))
        return [each.holding.name for each in verdicts if not each.is_kept]

    assert gone(30) == []
    assert gone(20) == [first]
    assert second in [each.name for each in holdings_in(archives)]


def test_notes_and_data_that_another_archive_lacks_are_not_let_go(tmp_path: Path) -> None:
    run, archives = tmp_path / "run", tmp_path / "archives"
    write_run(run)
    archived_on(date(2020, 1, 1), run, archives)
    annotate(run)
    annotated = archived_on(date(2020, 1, 2), run, archives)
    shutil.rmtree(run / "data")
    archived_on(date(2020, 1, 3), run, archives)
    assert all(each.is_newest for each in plan(archives, Policy(days=1, months=1), today=TODAY))
    assert annotated in [each.name for each in holdings_in(archives)]


def test_runs_without_a_journal_are_told_apart_by_their_summary(tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    for number in (1, 2):
        run = tmp_path / f"run-{number}"
        write_run(run)
        shutil.rmtree(run / "journal")
        summary = json.loads((run / "run.json").read_text()) | {"journal": None, "result_hash": str(number)}
        (run / "run.json").write_text(json.dumps(summary))
        archived_on(date(2020, 1, number), run, archives)
    assert all(each.is_newest for each in plan(archives, Policy(days=1, months=1), today=TODAY))


def test_evidence_of_a_damaged_run_stays_and_does_not_stand_for_a_sound_one(tmp_path: Path) -> None:
    run, archives = tmp_path / "run", tmp_path / "archives"
    write_run(run)
    archived_on(date(2020, 1, 1), run, archives)
    damage(run)
    archive_run(run, archives, even_damaged=True)
    sound, damaged = plan(archives, Policy(days=1, months=1), today=TODAY)
    assert (sound.is_newest, damaged.is_newest) == (True, False)
    assert damaged.is_kept
    assert "was damaged when it was archived" in damaged.why
