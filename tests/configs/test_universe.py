"""Universe files load, and what is wrong with one is named with key, value and what is allowed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from configs.universe import read_universe, universe_on
from market.errors import ConfigError, NotFoundError
from market.universe import Universe, UniverseRules
from tests.catalog.day_catalog import liquid_and_thin

UNIVERSES = Path(__file__).resolve().parents[2] / "configs" / "universes"


def _file(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _refusal(folder: Path, text: str, name: str = "mine.toml") -> str:
    with pytest.raises(ConfigError) as refused:
        read_universe(_file(folder, text, name))
    return str(refused.value)


@pytest.mark.parametrize("path", sorted(UNIVERSES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_bundled_universe_loads_under_its_own_name(path: Path) -> None:
    universe = read_universe(path)
    assert universe.name == path.stem
    assert universe.rules.price_usd_max == 10


def test_a_toml_universe_has_lists_and_rules(tmp_path: Path) -> None:
    text = """
        name = "small"
        symbols = ["BAC", "F", "BRK.B"]
        whitelist = ["BAC", "F"]
        prohibited = ["AIG"]

        [rules]
        price_usd_max = 10.5
        volume_shares_min = 1_000
        depth_required = true
    """
    assert read_universe(_file(tmp_path, text)) == Universe(
        name="small",
        symbols=("BAC", "F", "BRK.B"),
        whitelist=frozenset({"BAC", "F"}),
        prohibited=frozenset({"AIG"}),
        rules=UniverseRules(price_usd_max=Decimal("10.5"), volume_shares_min=1_000, depth_required=True),
    )


def test_an_empty_file_keeps_whatever_the_catalog_has(tmp_path: Path) -> None:
    assert read_universe(_file(tmp_path, "")) == Universe(name="mine")


def test_candidates_may_stand_in_a_csv_file_beside_it(tmp_path: Path) -> None:
    _file(tmp_path, "symbol,company\nBAC,Bank of America\nF,Ford\n", "list.csv")
    universe = read_universe(_file(tmp_path, 'symbols_file = "list.csv"\n[rules]\ntrades_min = 5'))
    assert universe.symbols == ("BAC", "F")
    assert universe.rules.trades_min == 5


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[rules]\nprice_usd_mx = 10", ["rules.price_usd_mx is unknown", "rules.price_usd_max?"]),
        (
            "[rules]\nprice_usd_max = -1",
            ["rules.price_usd_max is -1, allowed: a number from 0.0001 to 1000000 USD", "[line 2]"],
        ),
        ('[rules]\ntrades_min = "many"', ["rules.trades_min is 'many', allowed: a whole number"]),
        ("[rules]\nspread_bps_max = nan", ["rules.spread_bps_max is NaN, allowed: a number"]),
        (
            "[rules]\nprice_usd_min = 5\nprice_usd_max = 4",
            ["rules.price_usd_min is 5, allowed: at most price_usd_max (4)"],
        ),
        ('symbols = ["bac"]', ["symbols is ['bac'], allowed: a list", "[line 1]"]),
        ("symbols = []", ["symbols is empty"]),
        ("whitelist = []", ["whitelist is empty"]),
        ('symbols = ["F", "F"]', ["symbols has F more than once"]),
        ('whitelist = ["F"]\nprohibited = ["F"]', ["whitelist has F, which is prohibited too"]),
        ('symbols = ["F"]\nsymbols_file = "x.csv"', ["symbols_file cannot stand beside symbols"]),
        ("name = 3\nwhite = 4", ["2 problems", "name is 3", "white is unknown"]),
        ("name = ", ["is not valid TOML"]),
    ],
)
def test_what_is_wrong_with_a_toml_file_is_named(tmp_path: Path, text: str, messages: list[str]) -> None:
    refusal = _refusal(tmp_path, text)
    for message in messages:
        assert message in refusal


def test_a_csv_universe_has_three_lists(tmp_path: Path) -> None:
    text = "symbol, list, note\nBAC, candidate, x\nF,,\nAIG, prohibited,\nBAC, whitelist,\n"
    assert read_universe(_file(tmp_path, text, "mine.csv")) == Universe(
        name="mine",
        symbols=("BAC", "F"),
        whitelist=frozenset({"BAC"}),
        prohibited=frozenset({"AIG"}),
    )


def test_a_csv_whitelist_alone_is_the_list_of_candidates(tmp_path: Path) -> None:
    universe = read_universe(_file(tmp_path, "symbol,list\nBAC,whitelist\n", "mine.csv"))
    assert universe.symbols == ("BAC",)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("ticker\nBAC\n", ["no column `symbol`", "ticker"]),
        ("", ["no column `symbol`", "nothing"]),
        ("symbol\n", ["names no candidate"]),
        ("symbol,list\nAIG,prohibited\n", ["names no candidate"]),
        ("symbol\nBAC\nbac\n\n$X\n", ["2 problems", "line 3 symbol is 'bac'", "symbol is '$X'"]),
        ("symbol,list\nBAC,banned\n", ["line 2 list is 'banned', allowed: candidate, whitelist, prohibited"]),
        ("symbol\nBAC\nBAC\n", ["line 3 BAC is on the list candidate already"]),
        ("symbol,list\nF,whitelist\nF,prohibited\n", ["F on both whitelist and prohibited"]),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_named(tmp_path: Path, text: str, messages: list[str]) -> None:
    refusal = _refusal(tmp_path, text, "mine.csv")
    for message in messages:
        assert message in refusal


def test_a_list_of_candidates_may_not_prohibit(tmp_path: Path) -> None:
    _file(tmp_path, "symbol,list\nBAC,\nF,prohibited\n", "list.csv")
    assert "symbols_file is list.csv, allowed: a list of candidates alone" in _refusal(
        tmp_path, 'symbols_file = "list.csv"'
    )


@pytest.mark.parametrize("name", ["none.toml", "none.csv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match=name):
        read_universe(tmp_path / name)


def test_other_files_are_no_universe(tmp_path: Path) -> None:
    assert "must end in .toml or .csv" in _refusal(tmp_path, "", "mine.json")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"symbol\n\xff\xfe\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_universe(tmp_path / "mine.csv")


def test_a_universe_is_applied_to_a_catalog_day(tmp_path: Path) -> None:
    catalog = liquid_and_thin(tmp_path / "catalog")
    path = _file(tmp_path, "[rules]\nprice_usd_max = 10\nspread_usd_max = 0.02")
    result = universe_on(path, catalog=catalog, day=date(2013, 10, 7))
    assert result.kept == ("LQD",)
    reasons = {decision.symbol: [r.split(":")[0] for r in decision.reasons] for decision in result.decisions}
    assert reasons == {
        "BARS": ["spread_usd_max"],
        "DEAR": ["price_usd_max", "spread_usd_max"],
        "IDLE": ["has_data"],
        "LQD": [],
    }


def test_a_folder_is_no_universe_and_says_so_in_words(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").mkdir()
    with pytest.raises(NotFoundError, match=r"mine\.csv is a folder\. Name a file in it\.$"):
        read_universe(tmp_path / "mine.csv")
