"""Recorded backtests replay identically, and changes of data, profile or journal are found and named."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from audit.events import DataFileRecord
from audit.journal import read_entries
from backtests.replay.replay import Replay, Request, replay
from catalog.recording.publication import file_hash
from catalog.store import CatalogStore
from catalog.synthetic_market import write_synthetic_market
from market.errors import ConfigError, DataError, NotFoundError
from tests.backtests.replay.recorded_backtest import recorded, spec
from tests.backtests.replay.tampering import edit_quotes, edit_record

__all__ = ["recorded"]


@pytest.fixture
def copied(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed; replays of its run need `--catalog`."""
    return Path(shutil.copytree(recorded, tmp_path / "copied"))


def _replayed(folder: Path, **options: Any) -> Replay:
    return replay(Request(run_dir=folder / "run", catalog=folder / "catalog", **options))


def _quotes_of(folder: Path) -> Path:
    (path,) = (folder / "catalog" / "data" / "quote_tick").glob("*/*.parquet")
    return path


def test_a_backtest_replays_to_identical_decisions(recorded: Path) -> None:
    result = replay(Request(run_dir=recorded / "run"))
    assert (result.mode, result.difference, result.unverified) == ("backtest", None, None)
    assert result.recorded_hash == result.replayed_hash
    assert result.recorded_decisions > 50


def test_the_journal_of_a_backtest_names_its_data_by_their_hashes(recorded: Path) -> None:
    files = [entry.body for entry in read_entries(recorded / "run" / "journal", kinds=("data_file",))]
    assert {file.kind for file in files} == {"quote", "trade"}
    for file in files:
        assert isinstance(file, DataFileRecord)
        assert file_hash(recorded / "catalog" / file.path) == file.sha256


def test_changed_data_is_refused_and_on_request_replayed_and_named(copied: Path) -> None:
    edit_quotes(_quotes_of(copied), from_row=1_500, cents=25)
    with pytest.raises(DataError, match="is not what the run saw"):
        _replayed(copied)
    result = _replayed(copied, accepts_changed_data=True)
    assert result.difference is not None
    assert result.difference.verdict.cause == "data"
    assert _quotes_of(copied).name in result.difference.verdict.why[0]


def test_days_that_came_into_the_catalog_later_do_not_matter(copied: Path) -> None:
    write_synthetic_market(spec(date(2024, 3, 6)), store=CatalogStore(copied / "catalog"))
    assert _replayed(copied).is_identical


def test_an_edited_decision_is_the_first_difference_and_the_journal_says_so(copied: Path) -> None:
    seq = edit_record(copied / "run", "decision", lambda body: body.update(reason="greed"), number=7)
    result = _replayed(copied)
    assert result.difference is not None
    assert result.difference.parting.index == 7
    assert [each.field for each in result.difference.parting.fields] == ["reason"]
    assert f"record {seq}" in result.difference.verdict.why[0]


def test_tighter_limits_show_what_they_would_have_refused(recorded: Path, tmp_path: Path) -> None:
    limits = tmp_path / "tighter.toml"
    limits.write_text("[risk]\nmax_consecutive_losses = 1\n", encoding="utf-8")
    result = _replayed(recorded, limits=limits)
    assert result.what_if is not None
    refused = result.what_if.refused["consecutive_losses"]
    assert refused.base < refused.changed
    fills = result.what_if.done["total"]["fills"]
    assert fills.base > fills.changed
    assert result.difference is not None
    assert result.difference.verdict.cause == "limit"
    assert "risk.max_consecutive_losses" in result.difference.verdict.why[0]


def test_another_parameter_is_named_as_the_cause(recorded: Path) -> None:
    result = _replayed(recorded, overrides=("strategies.harvester.parameters.imbalance_min=0.45",))
    assert result.difference is not None
    assert result.difference.verdict.cause == "parameter"
    assert "imbalance_min" in result.difference.verdict.why[0]
    assert result.what_if is not None
    assert result.what_if.done["total"]["orders"].base > result.what_if.done["total"]["orders"].changed


def test_a_limit_that_nothing_touches_changes_nothing(recorded: Path) -> None:
    result = _replayed(recorded, overrides=("risk.max_daily_loss_usd=499",))
    assert result.is_identical
    assert result.difference is None
    assert result.base_is_as_recorded


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown key": ({"overrides": ("risk.max_horses=2",)}, ConfigError, "max_horses"),
    "not a limit": ({"limits": "[backtest]\nlatency_ms = 1\n"}, ConfigError, "beside \\[risk\\]"),
    "no table": ({"limits": "\n"}, ConfigError, "has no \\[risk\\] table"),
    "bad value": ({"limits": "[risk]\nmax_positions = -1\n"}, ConfigError, "max_positions"),
    "missing": ({"limits": None}, NotFoundError, "no file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_changes_are_refused_in_words(recorded: Path, tmp_path: Path, case: str) -> None:
    options, error, words = BAD[case]
    if "limits" in options:
        path = tmp_path / "limits.toml"
        if options["limits"] is not None:
            path.write_text(options["limits"], encoding="utf-8")
        options = {"limits": path}
    with pytest.raises(error, match=words):
        _replayed(recorded, **options)


def test_a_folder_without_a_journal_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="has no journal/"):
        replay(Request(run_dir=tmp_path))


def test_a_run_whose_catalog_is_gone_is_refused_in_words(copied: Path) -> None:
    shutil.rmtree(copied / "catalog")
    with pytest.raises(DataError, match="is missing"):
        _replayed(copied)


def _opened(body: dict[str, Any], **changes: Any) -> None:
    body.update(changes)


def test_a_profile_of_another_version_is_refused_in_words(copied: Path) -> None:
    edit_record(copied / "run", "opened", lambda body: body["profile"].pop("risk"))
    with pytest.raises(DataError, match="does not fit this version"):
        _replayed(copied)


def test_a_journal_without_its_beginning_is_refused_in_words(copied: Path) -> None:
    (journal,) = (copied / "run" / "journal").glob("*.jsonl")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(DataError, match="does not begin with the record of its node"):
        _replayed(copied)


def test_a_run_that_names_no_catalog_and_has_no_data_is_refused_in_words(copied: Path) -> None:
    edit_record(copied / "run", "opened", lambda body: _opened(body, catalog=None, environment="dev"))
    with pytest.raises(NotFoundError, match="has no market data"):
        replay(Request(run_dir=copied / "run"))


def test_other_software_is_mentioned_where_decisions_part(copied: Path) -> None:
    edit_record(copied / "run", "opened", lambda body: body["versions"].update(numpy="1.0"))
    edit_record(copied / "run", "decision", lambda body: body.update(reason="greed"), number=3)
    result = _replayed(copied)
    assert result.difference is not None
    assert any("numpy: 1.0, now" in why for why in result.difference.verdict.why)


def test_limits_may_be_of_options(recorded: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[risk.options]\nmax_horses = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="options"):
        _replayed(recorded, limits=limits)
