"""Inheritance, overrides, contradictions; and that whatever is written, only a `UserError` comes out."""

from __future__ import annotations

import random
import tomllib
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.profile import load_profile
from configs.profile_problems import line_of
from configs.profile_reading import EXTENDS_DEPTH_MAX
from market.errors import ConfigError, NotFoundError, UserError
from tests.configs.profile_builder import leaf_paths, load, set_key, toml_text, valid_tables, write_profile


def _refusal(folder: Path, tables: dict[str, Any], *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, tables, *overrides)
    return str(caught.value)


def test_tables_merge_and_lists_replace(tmp_path: Path) -> None:
    write_profile(tmp_path, valid_tables(), "base.toml")
    child = {
        "name": "child",
        "environment": "dev",
        "extends": "base.toml",
        "universe": {"symbols": ["SIRI"]},
        "risk": {"max_positions": 1},
    }
    loaded = load_profile(write_profile(tmp_path, child), environ={})
    assert loaded.profile.universe.symbols == ("SIRI",)
    assert loaded.profile.universe.book == "L1"
    assert loaded.profile.risk.max_positions == 1
    assert loaded.profile.risk.max_open_orders == 4
    assert [path.name for path in loaded.source_paths] == ["sample.toml", "base.toml"]


def test_the_nearest_of_three_files_wins(tmp_path: Path) -> None:
    write_profile(tmp_path, valid_tables(risk__max_positions=3, risk__max_open_orders=9), "a/one.toml")
    write_profile(tmp_path, {"extends": "a/one.toml", "risk": {"max_positions": 2}}, "two.toml")
    child = {"name": "c", "environment": "dev", "extends": "../two.toml", "risk": {"max_positions": 1}}
    profile = load_profile(write_profile(tmp_path / "b", child), environ={}).profile
    assert (profile.risk.max_positions, profile.risk.max_open_orders) == (1, 9)


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    write_profile(tmp_path, {"extends": "two.toml"}, "one.toml")
    file = write_profile(tmp_path, {"extends": "./one.toml"}, "two.toml")
    with pytest.raises(
        ConfigError, match=r"two\.toml -> .*one\.toml -> .*two\.toml: a profile extends itself"
    ):
        load_profile(file, environ={})


@pytest.mark.parametrize(("extra", "refused"), [(0, False), (1, True)])
def test_a_chain_of_files_has_a_limit(tmp_path: Path, extra: int, refused: bool) -> None:
    write_profile(tmp_path, valid_tables(), "p0.toml")
    for index in range(1, EXTENDS_DEPTH_MAX + extra):
        tables = {"name": "p", "environment": "dev", "extends": f"p{index - 1}.toml"}
        write_profile(tmp_path, tables, f"p{index}.toml")
    file = tmp_path / f"p{EXTENDS_DEPTH_MAX - 1 + extra}.toml"
    if refused:
        with pytest.raises(ConfigError, match="extends more than 7 files"):
            load_profile(file, environ={})
    else:
        assert len(load_profile(file, environ={}).source_paths) == EXTENDS_DEPTH_MAX


@pytest.mark.parametrize("extends", [5, ["a.toml"], "a", "a.toml\0.toml", ""])
def test_extends_must_name_a_toml_file(tmp_path: Path, extends: object) -> None:
    assert "extends is" in _refusal(tmp_path, valid_tables(extends=extends))


def test_a_missing_base_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file .*gone\.toml"):
        load(tmp_path, valid_tables(extends="gone.toml"))


def test_an_override_reaches_a_strategy_by_name(tmp_path: Path) -> None:
    tables = valid_tables()
    tables["strategies"].append({"name": "second", "decision": "harvester"})
    profile = load(tmp_path, tables, "strategies.second.parameters.cooldown_ms=777").profile
    assert [s.parameters["cooldown_ms"] for s in profile.strategies] == [10_000, 777]


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("logging.level=DEBUG", "DEBUG"),
        ('logging.level="DEBUG"', "DEBUG"),
        (" logging.level = DEBUG ", "DEBUG"),
    ],
)
def test_an_override_may_leave_out_quotes(tmp_path: Path, override: str, value: str) -> None:
    assert load(tmp_path, valid_tables(), override).profile.logging.level == value


def test_an_override_may_add_a_section(tmp_path: Path) -> None:
    loaded = load(tmp_path, valid_tables(backtest=None), "backtest.starting_balance_usd=500")
    assert loaded.require_backtest().starting_balance_usd == 500


def test_the_last_of_several_overrides_wins(tmp_path: Path) -> None:
    loaded = load(tmp_path, valid_tables(), "risk.max_positions=1", "risk.max_positions=3")
    assert loaded.profile.risk.max_positions == 3


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("risk.max_positions", "is not KEY=VALUE"),
        ("=5", "--set '=5' is not KEY=VALUE"),
        ("strategies.first.parameters.typo=7", "strategies.first.parameters.typo is unknown"),
        ("strategies.first.parameters.stop_loss_bp=7", "mean strategies.first.parameters.stop_loss_bps?"),
        ("strategies.first.parameters.stop_loss_bps=x", "  strategies.first.parameters.stop_loss_bps is 'x'"),
        ("strategies.first.parameters={typo=7}", "strategies.first.parameters.typo is unknown"),
        ("strategies.first.decision.x=5", "  strategies.first.decision is not a table"),
        ("risk..x=5", "is not KEY=VALUE"),
        ("risk.max_positions=0", r"risk.max_positions is 0"),
        ("risk.max_positions=2\nname = 'x'", "risk.max_positions is"),
        ("risk.max_positions.x=5", "risk.max_positions is not a table"),
        ("strategies.none.parameters.x=5", "strategies.none does not exist"),
        ("strategies.first=5", "strategies is not a table"),
        ("universe.symbols.0=F", "universe.symbols is not a table"),
        ("risk.typo=5", "risk.typo is unknown"),
        ("typo.x=5", "typo is unknown"),
    ],
)
def test_a_wrong_override_is_refused(tmp_path: Path, override: str, expected: str) -> None:
    assert expected in _refusal(tmp_path, valid_tables(), override)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"universe__symbols": ["F"], "strategies__0__symbols": ["BAC"]}, "strategies[0].symbols has 'BAC'"),
        (
            {"risk__prohibited_symbols": ["F"]},
            "universe.symbols has 'F', which risk.prohibited_symbols forbids",
        ),
        ({"risk__allowed_symbols": ["F"]}, "universe.symbols has 'BAC', which risk.allowed_symbols lacks"),
        ({"risk__min_price_usd": 20}, "min_price_usd"),
        (
            {"risk__allowed_symbols": ["F", "BAC"], "risk__prohibited_symbols": ["F"]},
            "risk is contradictory: F is both in allowed_symbols and prohibited_symbols",
        ),
        (
            {"risk__min_price_usd": 15, "risk__max_price_usd": 16, "risk__max_notional_usd_per_order": 149},
            "risk.max_notional_usd_per_order is 149, which max_shares_per_order (10) at min_price_usd (15)",
        ),
        ({"risk__max_daily_loss_usd": 1001}, "risk.max_daily_loss_usd is 1001, more than backtest.starting"),
        (
            {"backtest__end": "2013-10-06"},
            "backtest.end is 2013-10-06, allowed: on or after start, 2013-10-07",
        ),
        (
            {"session__no_trade_windows": ["17:00-18:00"]},
            "no_trade_windows[0] is '17:00-18:00', allowed: a time",
        ),
        ({"session__no_trade_windows": ["09:00-15:50"]}, "leave no minute for entries"),
        ({"session__no_trade_windows": ["12:00-13:00", "12:30-14:00"]}, "overlap"),
        ({"session__open_ramp_minutes": 375}, "leave nothing of a session"),
        (
            {"strategies__0__parameters__shares_per_entry": 11},
            "strategies[0].parameters.shares_per_entry is 11, allowed: at most risk.max_shares_per_order, 10",
        ),
    ],
)
def test_contradictory_values_are_refused(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    assert expected in _refusal(tmp_path, valid_tables(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"risk__min_price_usd": 15, "risk__max_price_usd": 16, "risk__max_notional_usd_per_order": 150},
        {"risk__max_daily_loss_usd": 1000},
        {"backtest__end": "2013-10-07"},
        {"session__no_trade_windows": ["09:00-15:44"]},
        {"strategies__0__parameters__shares_per_entry": 10},
    ],
)
def test_values_at_the_edge_of_a_contradiction_are_allowed(tmp_path: Path, changes: dict[str, Any]) -> None:
    load(tmp_path, valid_tables(**changes))


def test_two_strategies_of_one_name_are_refused(tmp_path: Path) -> None:
    tables = valid_tables()
    tables["strategies"] *= 2
    assert "strategies[1].name is 'first', which an earlier strategy has" in _refusal(tmp_path, tables)


def test_a_decision_that_fails_to_import_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import strategies

    (tmp_path / "broken_decision.py").write_text("def decide(a, b, c):\n    return 1\n\n1 / 0\n")
    monkeypatch.setattr(strategies, "__path__", [str(tmp_path), *strategies.__path__])
    message = _refusal(tmp_path / "p", valid_tables(strategies__0__decision="broken_decision"))
    assert "strategies[0].decision is 'broken_decision', which fails to import: ZeroDivisionError" in message


def test_a_module_that_is_no_decision_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import strategies

    (tmp_path / "half_decision.py").write_text("def decide(a, b, c):\n    return 1\n")
    monkeypatch.setattr(strategies, "__path__", [str(tmp_path), *strategies.__path__])
    message = _refusal(tmp_path / "p", valid_tables(strategies__0__decision="half_decision"))
    assert "half_decision" in message
    assert "Parameters" in message


def test_a_flood_of_problems_is_cut_short(tmp_path: Path) -> None:
    message = _refusal(tmp_path, {**valid_tables(), **{f"unknown_{index}": 1 for index in range(45)}})
    assert "45 problems" in message
    assert message.count("\n") == 41
    assert message.endswith("... and 5 more")


def test_a_profile_in_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file .*gone/x\.toml\."):
        load_profile(tmp_path / "gone" / "x.toml", environ={})


def test_beside_a_missing_profile_only_profiles_are_named(tmp_path: Path) -> None:
    write_profile(tmp_path, valid_tables(), "mine.toml")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    (tmp_path / "broken.toml").write_bytes(b"\xff = [")
    with pytest.raises(NotFoundError) as caught:
        load_profile(tmp_path / "nope.toml", environ={})
    assert str(caught.value).endswith(f"nope.toml. Profiles in {tmp_path}: mine.toml.")


def test_where_no_profile_is_near_those_that_come_along_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match=r"There is no file nope\.toml\.$"):
        load_profile("nope.toml", environ={})
    (tmp_path / "configs" / "profiles").mkdir(parents=True)
    write_profile(tmp_path / "configs" / "profiles", valid_tables(), "demo.toml")
    with pytest.raises(NotFoundError, match=r"nope\.toml\. Profiles in configs/profiles: demo\.toml\.$"):
        load_profile("nope.toml", environ={})


def test_a_folder_is_not_a_profile_but_its_profiles_are_named(tmp_path: Path) -> None:
    write_profile(tmp_path, valid_tables(), "mine.toml")
    with pytest.raises(NotFoundError, match=r"is a folder\. Name a file in it\. Profiles in .*: mine\.toml"):
        load_profile(tmp_path, environ={})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x7fELF\x02\0\0\xff", r"is not a text file\. Name another\.$"),
        (b'name = "x"\n# caf\xe9\n', r"is not UTF-8 text: line 2 has the byte 0xe9\. Save it as UTF-8\.$"),
    ],
)
def test_what_is_not_text_is_told_from_text_in_another_encoding(
    content: bytes, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "p.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=expected):
        load_profile(tmp_path / "p.toml", environ={})


def test_a_profile_without_a_backtest_says_which_lines_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, valid_tables(backtest=None)).require_backtest()
    message = str(caught.value)
    assert 'is a profile for development (environment = "dev") and has no [backtest] section' in message
    lines = tomllib.loads(message.partition(":\n")[2])
    again = load(tmp_path, valid_tables(backtest=lines["backtest"]))
    assert again.require_backtest().starting_balance_usd == 25_000


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("live_micro", 'real money (environment = "live")'),
        ("uat_paper", 'paper trading (environment = "uat")'),
    ],
)
def test_a_profile_that_trades_says_that_it_is_no_backtest(name: str, words: str, project_root: Path) -> None:
    file = project_root / "configs" / "profiles" / f"{name}.toml"
    with pytest.raises(ConfigError) as caught:
        load_profile(file, environ={}, purpose="research").require_backtest()
    assert f"{name}.toml is a profile for {words} and has no [backtest] section" in str(caught.value)


def test_the_line_of_a_key_is_found_in_tables_and_lists(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('name = "x"\n\n[a.b]\nc = 1\n[[s]]\nn = 1\n[[s]]\nn = 2\n[s.p]\nq = 3\n[[s.t]]\nu = 1\n')
    expected = {"name": 1, "a.b": 3, "a.b.c": 4, "s[0].n": 6, "s[1].n": 8, "s[1].p.q": 10, "s[1].t[0].u": 12}
    assert {path: line_of(path, file) for path in expected} == expected
    assert line_of("nothing", file) is None
    assert line_of("name", tmp_path / "gone.toml") is None


def test_a_message_cannot_move_the_terminals_cursor(tmp_path: Path) -> None:
    message = _refusal(tmp_path, {**valid_tables(), "\x1b[2Kx\r": 1})
    assert "\x1b" not in message
    assert "\r" not in message


_KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)
    | st.dates()
)
_VALUES = st.recursive(
    _SCALARS.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_PATHS = [
    *leaf_paths(valid_tables()),
    *valid_tables(),
    "extends",
    "broker.port",
    "secrets.file",
    "universe.file",
]


def _loads_or_is_refused(folder: Path, text: str, *overrides: str) -> None:
    file = folder / "sample.toml"
    file.write_text(text, encoding="utf-8", newline="")
    with suppress(UserError):
        load_profile(file, overrides=overrides, environ={})


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(_PATHS), value=_VALUES)
def test_any_value_in_any_place_loads_or_is_refused(path: str, value: Any) -> None:
    tables = valid_tables()
    set_key(tables, path, value)
    with TemporaryDirectory() as folder:
        _loads_or_is_refused(Path(folder), toml_text(tables))


@settings(max_examples=100, deadline=None)
@given(keys=st.lists(_KEYS, min_size=1, max_size=3), value=_VALUES)
def test_any_unknown_key_is_refused(keys: list[str], value: Any) -> None:
    tables = valid_tables()
    node = tables
    for key in keys[:-1]:
        node = node.setdefault(f"x{key}", {})
    node[f"x{keys[-1]}"] = value
    with TemporaryDirectory() as folder, pytest.raises(ConfigError):
        load(Path(folder), tables)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=200) | st.randoms().map(lambda chance: _damaged(chance))
)
def test_any_text_loads_or_is_refused(text: str) -> None:
    with TemporaryDirectory() as folder:
        _loads_or_is_refused(Path(folder), text)


def _damaged(chance: random.Random) -> str:
    """Return a valid profile with one stretch of text cut out, doubled or replaced."""
    text = toml_text(valid_tables())
    start, end = sorted(chance.sample(range(len(text)), 2))
    end = min(end, start + 30)
    return text[:start] + chance.choice(["", text[start:end] * 2, "[[", '"', "=", "\n", "{"]) + text[end:]


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(st.characters(codec="utf-8"), max_size=40),
        st.tuples(st.sampled_from(_PATHS), st.text(st.characters(codec="utf-8"), max_size=20)).map("=".join),
    )
)
def test_any_override_loads_or_is_refused(override: str) -> None:
    with TemporaryDirectory() as folder:
        _loads_or_is_refused(Path(folder), toml_text(valid_tables()), override)
