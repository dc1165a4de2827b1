"""A strategy that `new-strategy` wrote is clean, tested and loadable at once; a bad name writes nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import strategies
from cli.__main__ import main
from cli.new_strategy import write_strategy
from configs.profile import load_profile
from market.errors import UserError
from strategies.decision_modules import load_decision

NAME = "opening_fade"


@pytest.fixture
def checkout(tmp_path: Path, project_root: Path) -> Path:
    """The parts of a working copy that the three files need."""
    for folder in ("audit", "market", "strategies", "risk", "tests/strategies", "configs/profiles"):
        shutil.copytree(
            project_root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy2(project_root / name, tmp_path / name)
    return tmp_path


def run(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=checkout,
        env={"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_files_pass_their_tests_the_linter_and_the_type_checker(checkout: Path) -> None:
    written: list[str] = []
    for name in ("ab", NAME, "z" * 40):  # sorted before and after our own modules; the longest
        decision, _, test = write_strategy(name, root=checkout)
        written += [str(decision), str(test)]
    assert written[2:4] == ["strategies/opening_fade.py", "tests/strategies/test_opening_fade.py"]
    tested = run(checkout, "pytest", "-n0", "-q", "-p", "no:cacheprovider", *written[1::2])
    assert tested.returncode == 0, tested.stdout
    for words in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        checked = run(checkout, *words, *written)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_profile_loads_with_the_limits_of_the_demo(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, profile, _ = write_strategy(NAME, root=checkout)
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(checkout / "strategies")])
    loaded = load_profile(checkout / profile).profile
    demo = load_profile(checkout / "configs" / "profiles" / "demo.toml").profile
    assert [section.decision for section in loaded.strategies] == [NAME]
    assert (loaded.risk, loaded.universe, loaded.backtest) == (demo.risk, demo.universe, demo.backtest)
    assert load_decision(NAME).parameters_type.__name__ == "Parameters"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Opening-Fade", "Did you mean 'opening_fade'"),
        ("openingFade", "Did you mean 'opening_fade'"),
        ("class", "no keyword"),
        ("2fast", "a letter first"),
        ("", "lower-case"),
        ("../escape", "Did you mean 'escape'"),
        ("nautilus_idea", "not nautilus_"),
        ("a" * 41, "2 to 40"),
        ("numpy", "an installed package.* such as 'my_numpy'"),
        ("nautilus_trader", "not nautilus_"),
        ("json", "a module of Python itself.* such as 'my_json'"),
        ("market", "one of Harvester.* such as 'my_market'"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        write_strategy(name, root=tmp_path)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", ["harvester", "intents", "intraday", "demo"])
def test_an_existing_name_is_refused_and_nothing_is_written(checkout: Path, name: str) -> None:
    before = sorted(checkout.rglob("*"))
    with pytest.raises(UserError, match="exists already"):
        write_strategy(name, root=checkout)
    assert sorted(checkout.rglob("*")) == before


def test_the_command_exits_with_2_and_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-strategy", "harvester"]) == 2
    assert "exists already" in capsys.readouterr().err
