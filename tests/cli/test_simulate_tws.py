"""`simulate-tws` and `frames` as typed at the prompt: a run, a recording, and mistakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from adapters.tws_simulator.control.client import SimulatorClient
from adapters.tws_simulator.messages import IN
from adapters.tws_simulator.settings import SimulatorSettings
from cli.__main__ import main
from cli.simulate_tws import _settings
from tests.wire.raw_client import RawClient


def _recorded(folder: Path) -> tuple[Path, dict[str, object]]:
    """Run the command, connect once, interrupt it; return the recording and what it printed."""
    recording = folder / "day.frames"
    words = ["simulate-tws", "--port", "0", "--control-port", "0", "--record", str(recording), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stdout is not None
    lines = [process.stderr.readline() for _ in range(2)]
    port, control_port = (int(line.rstrip(".\n").split(":")[1].split(",")[0].split(".")[0]) for line in lines)
    with RawClient(port).start(1) as client, SimulatorClient(control_port) as control:
        control.run("notice", code=2110)
        client.until(lambda number, body: number == IN.ERR_MSG and body.errorCode == 2110)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    said: dict[str, object] = json.loads(printed)
    assert said["port"] == port
    return recording, said


def test_a_run_is_recorded_and_its_frames_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, _ = _recorded(tmp_path)
    assert main(["frames", str(recording)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "opened" in lines[0]
    assert lines[1].split()[2:] == ["[1]", "->", "START_API", "clientId=1"]
    assert "<- MANAGED_ACCTS accountsList=DU1234567" in lines[2]
    assert "closed" in lines[-1]

    assert main(["frames", str(recording), "--name", "ERR_MSG", "--limit", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "errorCode=2104" in line

    assert main(["frames", str(recording), "--json"]) == 0
    frames = json.loads(capsys.readouterr().out)["frames"]
    assert frames[1]["name"] == "START_API"
    assert frames[1]["fields"] == {"clientId": 1}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["simulate-tws", "--server-version", "190"], "176"),
        (["simulate-tws", "--port", "70000"], "port"),
        (["simulate-tws", "--speed", "0"], "speed"),
        (["simulate-tws", "--catalog", "x"], "date"),
        (["simulate-tws", "--catalog", "x", "--synthetic", "1"], "not both"),
        (["simulate-tws", "--port", "0", "--scenario", "missing.toml"], "missing.toml"),
        (["simulate-tws", "--settings", "missing.toml"], "missing.toml"),
        (["frames", "missing.frames"], "--record"),
        (["frames", "x", "--limit", "0"], "--limit"),
    ],
)
def test_a_mistake_is_named_with_exit_code_2(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("session = 1", "section"),
        ("x = [", "settings.toml"),
        ("[orders]\nfill_rule = 'luck'", "fill_rule"),
        ("[account]\nmoney = 1", "money"),
    ],
)
def test_settings_that_are_wrong_are_named_with_their_place(
    tmp_path: Path, text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    assert main(["simulate-tws", "--port", "0", "--settings", str(path)]) == 2
    assert why in capsys.readouterr().err


def test_options_win_over_the_settings_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        "seed = 3\n[session]\naccounts = ['U1']\nfirst_order_id = 50\n[orders]\nfill_rule = 'through'\n"
    )
    merged = _settings(path, {"seed": 9, "server_version": None}, {"accounts": ("U2",), "is_read_only": None})
    settings = msgspec.convert(merged, SimulatorSettings, strict=False)
    assert (settings.seed, settings.server_version) == (9, 223)
    assert (settings.session.accounts, settings.session.first_order_id) == (("U2",), 50)
    assert settings.orders.fill_rule == "through"
