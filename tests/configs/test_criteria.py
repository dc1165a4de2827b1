"""Criteria and event files: everything wrong is named at once, with what is allowed and the line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from configs.criteria import bundled_names, read_criteria, read_events
from market.errors import ConfigError, NotFoundError
from scanner.context import Event
from scanner.criteria import Range, Structure


def _file(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_criteria_loads_under_its_own_name(name: str) -> None:
    criteria = read_criteria(Path(name))
    assert criteria.name == name
    assert criteria.description


def test_a_file_needs_no_more_than_structures(tmp_path: Path) -> None:
    criteria = read_criteria(_file(tmp_path, 'structures = ["bull_put"]\nlegs.delta = { max = 0.3 }'))
    assert criteria.structures == (Structure.BULL_PUT,)
    assert criteria.legs.delta == Range(max=0.3)
    assert criteria.name == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "structures is missing"),
        ("structures = []", "structures is empty"),
        ('structures = ["straddle"]', "structures"),
        ('structures = ["bull_put", "bull_put"]', "more than once"),
        ('structures = ["bull_put"]\n[legs]\ndelta = { min = 2 }', "delta has min 2, allowed: 0 to 1"),
        ('structures = ["bull_put"]\n[legs]\ndelta = {}', "neither min nor max"),
        ('structures = ["bull_put"]\n[legs]\ndelta = { min = 0.4, max = 0.2 }', "min 0.4 above max 0.2"),
        ('structures = ["bull_put"]\n[legs]\ndetla = { min = 0.4 }', "Did you mean legs.delta"),
        ('structures = ["bull_put"]\ntop = 0', "top is 0"),
        (
            'structures = ["bull_put"]\n[mode]\niv_percentile_threshold = 0.5',
            "a credit and a debit structure",
        ),
        ('structures = ["bull_put"]\n[[ranking]]\nby = "luck"\nworst = 0\nbest = 1', "by is 'luck'"),
        ('structures = ["bull_put"]\n[[ranking]]\nby = "delta"\nworst = 1\nbest = 1', "other than worst"),
        ("structures = [", "not valid TOML"),
    ],
)
def test_a_mistake_is_answered_with_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_criteria(_file(tmp_path, text))
    assert said in str(caught.value)


def test_an_unknown_name_is_answered_with_the_bundled_ones() -> None:
    with pytest.raises(NotFoundError, match="iron_condor"):
        read_criteria(Path("bull_putt"))


def test_events_are_read_by_symbol(tmp_path: Path) -> None:
    path = _file(
        tmp_path, "symbol,date,kind\nGOOG,2016-01-28,earnings\ngoog,2016-02-05,ex_dividend\n", "e.csv"
    )
    assert read_events(path) == {
        "GOOG": (Event("earnings", date(2016, 1, 28)), Event("ex_dividend", date(2016, 2, 5)))
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("symbol,date\n", "lacks the column kind"),
        ("symbol,date,kind\nGOOG,28.1.2016,earnings\n", "line 2: '28.1.2016' is not a date"),
        ("symbol,date,kind\nGOOG,2016-01-28,party\n", "allowed: ex_dividend or earnings"),
    ],
)
def test_wrong_events_are_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_events(_file(tmp_path, text, "e.csv"))
    assert said in str(caught.value)
