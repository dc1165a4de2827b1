"""A file that a flag names is whole or absent, and a folder in its place is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.result_file import require_result_files, write_text_file
from market.errors import UserError


def test_a_folder_in_the_place_of_the_file_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.mkdir()
    with pytest.raises(UserError, match=r"there is a folder, not a file. Name a file in it with --html"):
        write_text_file(target, "text", option="--html")
    assert list(tmp_path.rglob("*")) == [target]


def test_missing_folders_are_made_and_an_older_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "page.html"
    write_text_file(target, "first", option="--html")
    assert write_text_file(target, "second", option="--html").read_text(encoding="utf-8") == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_above_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_text_file(tmp_path / "file" / "page.html", "text", option="--html")


def test_what_fails_half_way_leaves_the_older_file(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    write_text_file(target, "first", option="--html")
    with pytest.raises(UnicodeEncodeError):
        write_text_file(target, "second \ud800", option="--html")
    assert target.read_text(encoding="utf-8") == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_outputs_are_checked_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    page, picture = tmp_path / "new" / "page.html", tmp_path / "picture.png"
    require_result_files({"--html": page, "--png": picture, "--csv": None})
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    with pytest.raises(UserError, match=r"is a folder, not a file\. Name a file in it with --png"):
        require_result_files({"--html": page, "--png": tmp_path})
    with pytest.raises(UserError, match="is a file, not a folder"):
        require_result_files({"--html": tmp_path / "file" / "page.html"})
    with pytest.raises(UserError, match="--html and --png name the same file"):
        require_result_files({"--html": picture, "--png": tmp_path / "new" / ".." / "picture.png"})
