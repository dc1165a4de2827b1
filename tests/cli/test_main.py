"""The table of commands: help, dispatch, misspelt words, exit codes, one JSON object."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cli.__main__ as program
from cli.__main__ import COMMANDS, Command, help_text, load_command, main

CONTRACT = [
    "demo",
    "doctor",
    "ingest csv",
    "ingest lean",
    "ingest lobster",
    "catalog show",
    "catalog check",
    "universe",
    "backtest",
    "report",
    "new-strategy",
    "risk show",
    "risk explain",
    "drill",
]


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the sample commands, and a group of them, into the table."""
    names = ["reply", "chatter", "refuse", "fail-inside", "fail-ours", "interrupt", "partly"]
    rows = [
        Command(name, f"tests.cli.sample_commands:{name.replace('-', '_')}", f"Sample {name}.")
        for name in names
    ]
    rows += [
        Command("group", None, "A group."),
        Command("group reply", "tests.cli.sample_commands:reply", "Member."),
        Command("group partly", "tests.cli.sample_commands:partly", "Member."),
        Command("absent", "tests.cli.no_such_module:command", "Not written yet."),
    ]
    monkeypatch.setattr(program, "COMMANDS", tuple(rows))


def test_the_table_holds_the_commands_of_the_contract() -> None:
    names = [row.name for row in COMMANDS]
    assert set(CONTRACT) <= {row.name for row in COMMANDS if row.target is not None}
    assert len(set(names)) == len(names)
    for row in COMMANDS:
        group = row.name.rpartition(" ")[0]
        assert not group or any(other.name == group and other.target is None for other in COMMANDS)


@pytest.mark.parametrize("row", [row for row in COMMANDS if row.target], ids=lambda row: row.name)
def test_every_command_of_the_table_exists_and_explains_itself(row: Command) -> None:
    function = load_command(row)
    assert function.__doc__, row.name


def test_summaries_are_sentences_that_fit_the_line() -> None:
    for line in help_text().splitlines():
        assert len(line) <= 80, line
    assert all(row.summary.endswith(".") for row in COMMANDS)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command_and_succeeds(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    listed = capsys.readouterr().out
    for row in COMMANDS:
        assert f"\n  {row.name.split()[0]} " in listed


def test_help_imports_no_argument_parser() -> None:
    code = (
        "import sys; from cli.__main__ import main; main(['--help']);"
        "print([m for m in ('cyclopts', 'rich', 'msgspec', 'argparse', 'pathlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"harvester {version('harvester')}\n"


@pytest.mark.parametrize("words", [["group"], ["group", "--help"]])
def test_a_group_lists_its_members(
    samples: None, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert "group partly" in capsys.readouterr().out


def test_a_command_gets_its_arguments(samples: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reply", "--amount", "3"]) == 0
    assert main(["group", "reply", "4"]) == 0
    assert capsys.readouterr().out == "amount 3\namount 4\n"


def test_help_of_a_command_comes_from_its_docstring(
    samples: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["group", "reply", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: harvester group reply" in shown
    assert "How many of them." in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["replay"], 'There is no command "replay". Did you mean "reply"?'),
        (["zzz"], 'There is no command "zzz". Commands: reply,'),
        (["--zzz"], 'There is no command "--zzz".'),
        (["group", "partyl"], 'There is no command "group partyl". Did you mean "group partly"?'),
        (["reply", "--amuont", "3"], "Did you mean --amount?"),
        (["reply", "--amount", "many"], 'unable to convert "many" into int'),
        (["reply", "1", "2", "3"], "`harvester reply --help` lists its arguments."),
        (["reply", "1", "2", "3"], '" is more than the command takes. Leave it out'),
        (["reply", "--amount"], "--amount has no value. Write one after it."),
    ],
)
def test_wrong_words_are_a_users_error_with_advice(
    samples: None, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert expected in captured.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["backtest"], "backtest: PROFILE is missing. `harvester backtest --help`"),
        (["universe", "a.toml", "--date", "2013-10-07"], "universe: --catalog is missing."),
    ],
)
def test_a_missing_argument_is_named(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert expected in capsys.readouterr().err


def test_a_command_that_is_not_written_yet_does_not_break_the_others(
    samples: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["absent"]) == 1
    assert main(["reply"]) == 0
    assert main(["raply"]) == 2


def test_the_return_value_is_the_exit_code(samples: None) -> None:
    assert main(["partly"]) == 2


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object], str]:
    code = main([*words, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def test_json_is_one_object_whatever_else_is_printed(
    samples: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, reply, printed = _json(capsys, "reply", "7")
    assert (code, reply) == (0, {"amount": "7", "path": "x"})
    assert "a stray line" in printed


@pytest.mark.parametrize(
    ("word", "code", "kind"),
    [
        ("refuse", 2, "ConfigError"),
        ("fail-inside", 1, "ZeroDivisionError"),
        ("fail-ours", 1, "HarvesterError"),
        ("interrupt", 130, "KeyboardInterrupt"),
        ("replay", 2, "UserError"),
    ],
)
def test_an_error_too_is_one_json_object(
    samples: None, word: str, code: int, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, reply, _ = _json(capsys, word)
    assert exit_code == code
    assert reply.keys() == {"error"}
    error = reply["error"]
    assert isinstance(error, dict)
    assert (error["type"], error["exit_code"]) == (kind, code)
    assert error["message"]


def test_a_reply_may_come_with_an_exit_code(samples: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, reply, _ = _json(capsys, "partly")
    assert (code, reply) == (2, {"failed": 1})


def _process(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    preamble = (
        "import sys; import cli.__main__ as p;"
        "p.COMMANDS = tuple(p.Command(n, f'tests.cli.sample_commands:{n}', '') "
        "for n in ('chatter', 'flood', 'reply', 'fail_inside'));"
    )
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-c", preamble + code],
        cwd=root,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
        **options,  # type: ignore[call-overload]
    )


def test_json_stays_alone_on_the_real_descriptor_too() -> None:
    done = _process("sys.exit(p.main(['chatter', '--json']))")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"ok": True}
    assert "native log line" in done.stderr


@pytest.mark.parametrize("command_name", ["flood", "flood_of_tables"])
def test_a_reader_that_goes_away_ends_the_command_quietly(command_name: str) -> None:
    script = f"import os; os.close(0); sys.exit(p.main(['{command_name}']))"
    command = f'"{sys.executable}" -c "$CODE" | head -n 1; echo "${{PIPESTATUS[0]}}"'
    root = Path(__file__).resolve().parents[2]
    code = (
        "import sys; import cli.__main__ as p;"
        f"p.COMMANDS = (p.Command('{command_name}', 'tests.cli.sample_commands:{command_name}', ''),);"
        + script
    )
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=root,
        text=True,
        capture_output=True,
        check=True,
        env={**os.environ, "CODE": code, "PYTHONPATH": str(root)},
    )
    assert done.stdout.splitlines() == ["a line that nobody reads", "141"]
    assert done.stderr == ""
