"""Profiles that load, and the messages of those that do not."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from configs.profile import LoadedProfile, load_profile
from market.errors import ConfigError, NotFoundError
from tests.configs.profile_builder import Tables, load, valid_tables, write_profile

PROFILES = Path(__file__).resolve().parents[2] / "configs" / "profiles"


def _refusal(folder: Path, tables: Tables, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, tables, *overrides)
    return str(caught.value)


@pytest.mark.parametrize("file", sorted(PROFILES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_bundled_profile_loads_under_its_own_name(file: Path) -> None:
    loaded = load_profile(file, environ={}, purpose="research")
    assert loaded.profile.name == file.stem
    assert loaded.source_paths[0] == file


@pytest.mark.parametrize(
    "name", ["demo", "bac_ticks_2013", "spy_seconds_2013", "aapl_depth_2012", "amzn_level1_2012"]
)
def test_bundled_research_profiles_are_dev_and_can_be_backtested(name: str) -> None:
    loaded = load_profile(PROFILES / f"{name}.toml", environ={})
    assert loaded.profile.environment == "dev"
    assert loaded.require_backtest().catalog == f"data/{name}"


@pytest.mark.parametrize("name", ["demo", "uat_paper", "live_micro"])
def test_the_launch_rules_hold_in_demo_paper_and_live(name: str) -> None:
    limits = load_profile(PROFILES / f"{name}.toml", environ={}, purpose="research").profile.risk
    assert 1 <= limits.max_shares_per_order <= 10
    assert 1 <= limits.max_positions <= 3
    assert limits.max_price_usd <= 10
    assert limits.max_funds_multiple <= 1


@pytest.mark.parametrize("name", ["uat_paper", "live_micro"])
def test_templates_cannot_be_started_before_an_account_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=r"broker\.account .* a template's"):
        load_profile(PROFILES / f"{name}.toml", environ={})


def test_values_arrive_in_their_types(tmp_path: Path) -> None:
    profile = load(tmp_path, valid_tables()).profile
    assert profile.universe.symbols == ("BAC", "F")
    assert profile.risk.max_notional_usd_per_order == Decimal("150.50")
    assert isinstance(profile.risk.max_notional_usd_per_symbol, Decimal)
    assert profile.backtest is not None
    assert profile.backtest.start is not None
    assert profile.backtest.start.isoformat() == "2013-10-07"
    assert profile.backtest.latency_ms == 12.5


def test_a_date_may_be_written_as_text(tmp_path: Path) -> None:
    dated = load(tmp_path, valid_tables())
    quoted = load(tmp_path, valid_tables(backtest__start="2013-10-07"))
    assert quoted.profile == dated.profile


def test_parameters_of_a_strategy_are_completed_with_its_defaults(tmp_path: Path) -> None:
    from strategies.harvester.config import Parameters

    section = load(tmp_path, valid_tables()).profile.strategies[0]
    assert section.parameters.keys() == set(Parameters.__struct_fields__)
    assert section.parameters["stop_loss_bps"] == 21.5
    assert section.parameters["time_stop_ms"] == Parameters().time_stop_ms


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"risk__max_shares_per_ordr": 5},
            "risk.max_shares_per_ordr is unknown. Did you mean risk.max_shares",
        ),
        ({"universes": {}}, "universes is unknown. Did you mean universe?"),
        ({"zzz": 1}, "zzz is unknown, allowed here: name, environment"),
        ({"risk__max_positions": None}, "risk.max_positions is missing, allowed: a whole number from 1"),
        ({"risk": None}, "risk is missing, allowed: a table"),
        ({"fees__schedule": "free"}, "fees.schedule is 'free', allowed: 'ib_fixed' or 'ib_tiered' or 'none'"),
        (
            {"backtest__latency_ms": "fast"},
            "backtest.latency_ms is 'fast', allowed: a number from 0 to 60000 ms",
        ),
        ({"backtest__latency_ms": -1}, "backtest.latency_ms is -1, allowed: a number from 0 to 60000 ms"),
        ({"backtest__seed": True}, "backtest.seed is true, allowed: a whole number"),
        ({"backtest__seed": 1.5}, "backtest.seed is 1.5, allowed: a whole number"),
        ({"backtest__latency_ms": float("nan")}, "backtest.latency_ms is NaN, allowed: a number"),
        ({"backtest__starting_balance_usd": 99}, "allowed: a number from 100 to 1000000000 USD"),
        (
            {"backtest__start": "7 October"},
            "backtest.start is '7 October', allowed: a date such as 2013-10-07",
        ),
        ({"backtest": 7}, "backtest is 7, allowed: a table"),
        ({"strategies": {"name": "x"}}, "strategies is a table, allowed: a list"),
        ({"strategies": ["x"]}, "strategies[0] is 'x', allowed: a table"),
        ({"strategies": []}, "strategies is empty, allowed: at least one"),
        ({"universe__symbols": ["bac"]}, "universe.symbols is ['bac'], allowed: a list, each text such as"),
        ({"universe__symbols": None}, "universe.symbols or file must be given, one of them: neither"),
        ({"universe__file": "x.toml"}, "universe.symbols or file must be given, one of them: both"),
        ({"universe__symbols": ["F", "F"]}, "universe.symbols has 'F' more than once"),
        ({"name": "../up"}, "name is '../up', allowed: text such as demo"),
        (
            {"session__flat_minutes_before_close": 0},
            "session.flat_minutes_before_close is 0, allowed: 1 to 389",
        ),
        (
            {"session__flat_minutes_before_close": 30},
            "session.entry_cutoff_minutes_before_close is 15, allowed",
        ),
        ({"strategies__0__decision": "harvestr"}, "strategies[0].decision is 'harvestr', allowed: harvester"),
        (
            {"strategies__0__parameters__stop_los_bps": 3},
            "parameters.stop_los_bps is unknown. Did you mean strategies[0].parameters.stop_loss_bps?",
        ),
        (
            {"strategies__0__parameters__cooldown_ms": "x"},
            "strategies[0].parameters.cooldown_ms is 'x', allowed",
        ),
        ({"strategies__0__parameters__stop_loss_bps": 0.5}, "strategies[0].parameters.stop_loss_bps is 0.5"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    assert expected in _refusal(tmp_path, valid_tables(**changes))


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    message = _refusal(
        tmp_path,
        valid_tables(risk__max_positions=0, risk__typo=1, fees=None, backtest__seed="x", universe__book="L3"),
    )
    assert "5 problems" in message
    for path in ("risk.max_positions", "risk.typo", "fees", "backtest.seed", "universe.book"):
        assert f"\n  {path} is " in message


def test_a_problem_names_file_and_line_even_of_an_inherited_value(tmp_path: Path) -> None:
    tables = valid_tables()
    rules = {"risk": tables.pop("risk"), "session": tables.pop("session")}
    write_profile(tmp_path, rules, "rules.toml")
    child = tmp_path / "child.toml"
    child.write_text(
        'name = "child"\nenvironment = "dev"\nextends = "rules.toml"\n\n'
        "[universe]\nsymbols = ['F']\n\n"
        "[[strategies]]\nname = 'one'\ndecision = 'harvester'\n\n"
        "[[strategies]]\nname = 'two'\ndecision = 'harvester'\n"
        "[strategies.parameters]\ncooldown_ms = 'soon'\n\n"
        "[fees]\nschedule = 'ib_fixed'\n[risk]\n\nmax_positions = 2\n",
    )
    with pytest.raises(ConfigError) as caught:
        load_profile(child, overrides=["backtest.seed=x", "backtest.starting_balance_usd=500"], environ={})
    assert "[from --set backtest.seed]" in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        load_profile(child, environ={})
    assert "strategies[1].parameters.cooldown_ms is 'soon'" in str(caught.value)
    assert f"[{child}, line 16]" in str(caught.value)


def test_a_missing_profile_lists_those_beside_it(tmp_path: Path) -> None:
    write_profile(tmp_path, valid_tables())
    with pytest.raises(NotFoundError, match=r"no file .*smaple\.toml\. Profiles in .*: sample\.toml"):
        load_profile(tmp_path / "smaple.toml", environ={})


@pytest.mark.parametrize("content", [b"a = \n", b"\xff\xfe", b"x = 1e99999999999999999999", b"[" * 3000])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml is not"):
        load_profile(file, environ={})


def test_a_universe_file_is_found_from_the_profile_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "universes").mkdir()
    (tmp_path / "universes" / "cheap.toml").write_text("")
    tables = valid_tables(universe={"file": "../universes/cheap.toml"})
    universe = tables.pop("universe")
    write_profile(tmp_path, {"universe": universe}, "profiles/parts.toml")
    loaded = load(tmp_path, {**tables, "extends": "profiles/parts.toml"})
    assert loaded.profile.universe.file is not None
    assert Path(loaded.profile.universe.file).samefile(tmp_path / "universes" / "cheap.toml")


def test_a_missing_universe_file_is_refused(tmp_path: Path) -> None:
    message = _refusal(tmp_path, valid_tables(universe={"file": "gone.toml"}))
    assert "universe.file is" in message
    assert "is not a file" in message


def test_masked_is_plain_and_complete(tmp_path: Path) -> None:
    loaded = load(tmp_path, valid_tables())
    masked = loaded.masked()
    assert masked["risk"]["max_notional_usd_per_order"] == "150.50"
    assert masked["logging"] == {"level": "INFO"}
    assert masked["broker"]["connection"] == "none"


def test_loading_imports_neither_nautilus_nor_pandas() -> None:
    code = (
        "import sys; from configs.profile import load_profile;"
        f"load_profile({str(PROFILES / 'demo.toml')!r}, environ={{}});"
        "print([m for m in ('nautilus_trader', 'pandas', 'pyarrow', 'rich', 'cyclopts') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_loaded_profile_cannot_be_changed(tmp_path: Path) -> None:
    loaded: LoadedProfile = load(tmp_path, valid_tables())
    with pytest.raises(AttributeError):
        loaded.profile.risk.max_positions = 99  # type: ignore[misc]
