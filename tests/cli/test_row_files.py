"""Files of rows come from one reading, and are there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli import row_files
from cli.row_files import write_rows
from market.errors import UserError


class Row(msgspec.Struct, frozen=True):
    name: str
    size: int | None


def test_rows_are_read_once_for_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "BATCH_ROWS", 2)
    rows: Iterator[Row] = iter([Row("a", 1), Row("b", None), Row("c", 3)])
    csv_file, json_file = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    assert write_rows(rows, row_type=Row, csv_file=csv_file, json_lines_file=json_file) == 3
    assert csv_file.read_text().splitlines() == ["name,size", "a,1", "b,", "c,3"]
    assert msgspec.json.Decoder(Row).decode_lines(json_file.read_bytes()) == [
        Row("a", 1),
        Row("b", None),
        Row("c", 3),
    ]


def test_the_file_that_cannot_be_written_is_named_and_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk:
        def __init__(self, _: Any) -> None: ...

        def writerow(self, _: Any) -> None: ...

        def writerows(self, _: Any) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("csv.writer", FullDisk)
    files = {"csv_file": tmp_path / "rows.csv", "json_lines_file": tmp_path / "rows.jsonl"}
    with pytest.raises(UserError, match=r"rows\.csv cannot be written: .*No space left"):
        write_rows([Row("a", 1)], row_type=Row, **files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-3 USD", "'-3 USD"), ("-3.5", "-3.5"), ("plain", "plain")],
)
def test_no_text_of_a_csv_is_a_formula(tmp_path: Path, text: str, cell: str) -> None:
    write_rows([Row(text, None)], row_type=Row, csv_file=tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text().splitlines()[1] == f"{cell},"
