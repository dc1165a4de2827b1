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


def _said(tmp_path: Path, text: str) -> list[str]:
    """Return the problems that a file is answered with, a line each."""
    with pytest.raises(ConfigError) as caught:
        read_criteria(_file(tmp_path, text))
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_everything_wrong_is_reported_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    said = _said(
        tmp_path,
        """structures = ["bull_put", "bull_putt"]
top = 0
[legs]
detla = { min = 0.1 }
dte = { min = 50, max = 10 }
[short_leg]
delta = { min = -0.35, max = 1.4 }
gamma = { min = "small", max = 200 }
vega = { mni = 1, max = -5 }
[positon]
width_usd = 1
[[ranking]]
by = "profit"
worst = 1
best = 1
[[ranking]]
by = "delta"
worst = "low"
best = 2e9
""",
    )
    structures = ", ".join(Structure)
    assert [one for one in said if "ranking[0].by" not in one] == [
        f"structures has 'bull_putt', allowed: {structures}. Did you mean 'bull_put'? [line 1]",
        "top is 0, allowed: a whole number from 1 to 1000 [line 2]",
        "legs.detla is unknown. Did you mean legs.delta? [line 4]",
        "legs.dte has min 50 above max 10. Exchange them. [line 5]",
        "short_leg.delta has min -0.35 and max 1.4, allowed: 0 to 1 [line 7]",
        "short_leg.gamma has max 200, allowed: 0 to 100 per USD [line 8]",
        "short_leg.gamma.min is 'small', allowed: a number [line 8]",
        "short_leg.vega has max -5, allowed: 0 to 10000 USD a volatility point [line 9]",
        "short_leg.vega.mni is unknown. Did you mean short_leg.vega.min? [line 9]",
        "positon is unknown. Did you mean position? [line 10]",
        "ranking[0].best is 1, allowed: a value other than worst [line 15]",
        "ranking[1].worst is 'low', allowed: a number from -1000000000 to 1000000000 [line 18]",
        "ranking[1].best is 2000000000.0, allowed: a number from -1000000000 to 1000000000 [line 19]",
    ]


@pytest.mark.parametrize("before", ["", "no_such_key = 1\n", "description = 5\n"])
def test_a_contradiction_is_found_beside_other_mistakes(tmp_path: Path, before: str) -> None:
    text = before + 'structures = ["bull_put", "bull_put"]\nmode = { iv_percentile_threshold = 0.5 }\n'
    said = _said(tmp_path, text)
    assert [one.partition(" [line")[0] for one in said if one.startswith(("structures", "mode"))] == [
        "structures has bull_put more than once. Keep one.",
        "mode needs a credit and a debit structure to choose from. Add one to structures.",
    ]
    assert len(said) == 2 + bool(before)


@pytest.mark.parametrize("value", ['"bull_put"', "5", "{ a = 1 }"])
def test_structures_that_are_no_list_are_answered_with_the_structures(tmp_path: Path, value: str) -> None:
    [said] = _said(tmp_path, f"structures = {value}\n")
    assert f"allowed: a list of {', '.join(Structure)}" in said


def test_an_empty_range_and_an_empty_list_are_named(tmp_path: Path) -> None:
    said = _said(tmp_path, "structures = []\nranking = []\n[legs]\niv = {}\n")
    assert said == [
        "structures is empty, allowed: at least one entry [line 1]",
        "ranking is empty, allowed: at least one entry [line 2]",
        "legs.iv has neither min nor max, allowed: at least one of them [line 4]",
    ]
