"""What is printed, and the border: every exception is a message and an exit code."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cli.output import json_text, print_json, run
from market.errors import DataError


def _raise(error: BaseException) -> int:
    raise error


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARVESTER_DEBUG", raising=False)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (2, 2)])
def test_the_command_decides_the_exit_code(returned: int | None, code: int) -> None:
    assert run(lambda: returned) == code


def test_a_users_error_is_its_message_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: _raise(DataError("x.csv is empty. Name another."))) == 2
    assert capsys.readouterr() == ("", "error: x.csv is empty. Name another.\n")


def test_an_interrupt_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: _raise(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_failure_of_ours_is_one_line_and_a_traceback_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: _raise(RuntimeError("first line\nsecond line"))) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "RuntimeError: first line second line" in printed
    match = re.search(r"traceback is in (\S+) ", printed)
    assert match is not None
    file = Path(match[1])
    assert "_raise" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    file.unlink()


def test_debugging_prints_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARVESTER_DEBUG", "1")
    assert run(lambda: _raise(RuntimeError("broken"))) == 1
    assert run(lambda: _raise(DataError("empty"))) == 2
    printed = capsys.readouterr().err
    assert printed.count("Traceback (most recent call last)") == 2
    assert "The traceback is above." in printed


def test_where_no_traceback_can_be_written_the_message_still_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent-folder")
    assert run(lambda: _raise(RuntimeError("broken"))) == 1
    assert "writing one failed" in capsys.readouterr().err


def test_an_exit_passes() -> None:
    with pytest.raises(SystemExit):
        run(lambda: _raise(SystemExit(3)))


class _Reply(msgspec.Struct):
    total_usd: Decimal
    folder: Path


def test_values_become_json() -> None:
    reply = {
        "decimal": Decimal("1.10"),
        "date": date(2013, 10, 7),
        "path": Path("a") / "b",
        "count": np.int64(3),
        "mean": np.float64(0.5),
        "row": np.array([1, 2]),
        "nan": float("nan"),
        "struct": _Reply(total_usd=Decimal(2), folder=Path("x")),
    }
    assert json.loads(json_text(reply)) == {
        "decimal": "1.10",
        "date": "2013-10-07",
        "path": "a/b",
        "count": 3,
        "mean": 0.5,
        "row": [1, 2],
        "nan": None,
        "struct": {"total_usd": "2", "folder": "x"},
    }


@pytest.mark.parametrize("value", [[1], "text", 3, None])
def test_a_reply_that_is_no_object_is_our_own_mistake(value: object) -> None:
    with pytest.raises(TypeError, match="must be one object"):
        print_json(value)


def test_a_second_object_is_our_own_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    def twice() -> None:
        print_json({"a": 1})
        print_json({"b": 2})

    assert run(twice, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "TypeError"


def test_without_json_nothing_is_held_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": 1})
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        json_text({"a": object()})
