"""A folder that cannot be is refused with what is in its way and the option that named it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from market.errors import UserError
from market.folders import require_no_file_in_the_way, require_writable_folder


@pytest.mark.parametrize("name", [".", "new", "new/below"])
def test_a_folder_that_is_there_or_can_be_made_is_fine(tmp_path: Path, name: str) -> None:
    require_writable_folder(tmp_path / name, option="--output")
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    require_writable_folder(Path("runs/new"), option="--output")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.touch()
    with pytest.raises(UserError, match=r"README\.md is a file, not a folder\. .* with --output"):
        require_no_file_in_the_way(file, option="--output")


@pytest.mark.parametrize("below", ["x", "x/y"])
def test_nothing_can_be_below_a_file(tmp_path: Path, below: str) -> None:
    file = tmp_path / "README.md"
    file.touch()
    with pytest.raises(UserError, match=rf"{below} cannot be a folder: .*README\.md is a file"):
        require_no_file_in_the_way(file / below, option="--catalog")
    with pytest.raises(UserError, match=r"/dev/null is a file"):
        require_writable_folder(Path("/dev/null") / below, option="--catalog")


def test_a_folder_without_the_right_to_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    require_no_file_in_the_way(tmp_path / "new", option="--output")
    with pytest.raises(UserError, match="no right to write in"):
        require_writable_folder(tmp_path / "new", option="--output")


def test_a_dangling_link_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match="is a file"):
        require_writable_folder(tmp_path / "link" / "x", option="--output")
