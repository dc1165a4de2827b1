"""The profiles of recorded days do what their own comments say: ingest, doctor, backtest, and they trade."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from configs.profile import load_profile


def _commands(profile: Path) -> dict[str, list[str]]:
    """Return the `harvester` commands of the comment that a profile begins with, by their first word."""
    comment = profile.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    text = "\n".join(line.removeprefix("#").strip() for line in comment).replace("\\\n", " ")
    commands = [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("harvester ")]
    return {words[0]: words for words in commands}


def _json(capsys: pytest.CaptureFixture[str], words: list[str]) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["bac_ticks_2013", "spy_seconds_2013", "aapl_depth_2012", "amzn_level1_2012"]
)
def test_the_commands_in_a_profiles_comment_lead_to_trades(
    name: str,
    real_data: Path,
    project_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile = project_root / "configs" / "profiles" / f"{name}.toml"
    folder = str(profile.parent)
    commands = {
        word: [part.replace("PATH/TO", str(real_data)).replace("configs/profiles", folder) for part in words]
        for word, words in _commands(profile).items()
    }
    monkeypatch.chdir(tmp_path)  # catalogs and runs lie in the working directory
    assert _json(capsys, commands["ingest"])["rejected"] == 0
    doctor = commands.get("doctor", ["doctor", str(profile)])
    checks = {check["check"]: check["status"] for check in _json(capsys, doctor)["checks"]}
    assert {checks[check] for check in ("catalog", "catalog data", "catalog dates")} == {"ok"}
    run = _json(capsys, commands["backtest"])
    assert run["profile_hash"] == load_profile(profile).hash
    assert run["counts"]["round_trips"] > 0
    assert run["counts"]["filled_orders"] <= run["counts"]["orders"]
