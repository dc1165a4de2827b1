"""The generated reference pages are current, and explain every key and every command."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_origin

import msgspec
import pytest

from cli.__main__ import COMMANDS
from cli.commands_reference import commands_page, write_pages
from configs.profile import Profile
from configs.profile_environments import LIVE_PORTS, PAPER_PORTS, SIMULATOR_PORTS
from configs.profile_fields import bare_type
from configs.profile_reference import SESSION_MEANINGS, documented_keys, profile_page
from market.session_windows import SessionRules

HOW = "Run `uv run python -m cli.commands_reference` and commit the pages."


def _page(project_root: Path, name: str) -> str:
    return (project_root / "docs" / "reference" / name).read_text(encoding="utf-8")


def test_the_page_of_the_profile_is_current(project_root: Path) -> None:
    assert _page(project_root, "profile.md") == profile_page(), HOW


def test_the_page_of_the_commands_is_current(project_root: Path) -> None:
    assert _page(project_root, "commands.md") == commands_page(), HOW


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    written = {"profile.md", "commands.md", "journal-records.md", "scan-criteria.md"}
    assert {page.name for page in write_pages(tmp_path)} == written
    assert write_pages(tmp_path) == []


def _keys(struct: type[msgspec.Struct], path: str = "") -> list[str]:
    """Walk the types themselves, so that a section left out of the page is noticed."""
    found = []
    for field in msgspec.structs.fields(struct):
        key = f"{path}.{field.name}" if path else field.name
        found.append(key)
        bare = bare_type(field.type)
        if get_origin(bare) is tuple and isinstance(get_args(bare)[0], type):
            inner = get_args(bare)[0]
            if issubclass(inner, msgspec.Struct):
                found += _keys(inner, f"[{key}]")
        elif isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            found += _keys(bare, key)
    return found


def test_every_key_of_a_profile_is_explained() -> None:
    assert sorted(documented_keys()) == sorted(_keys(Profile))
    assert set(SESSION_MEANINGS) == {field.name for field in msgspec.structs.fields(SessionRules)}


def test_no_row_of_the_profiles_page_lacks_a_meaning() -> None:
    rows = [line for line in profile_page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(documented_keys())
    for row in rows:
        cells = [cell.strip() for cell in row.replace("\\|", "/").strip("|").split("|")]
        assert len(cells) == 5, row
        assert cells[1], row
        assert len(cells[4]) > 10, row


def test_every_command_has_a_section() -> None:
    page = commands_page()
    for row in COMMANDS:
        if row.target is not None:
            assert f"\n## {row.name}\n" in page


@pytest.mark.parametrize(
    "words", ["ingest csv PATH --catalog CATALOG", "backtest PROFILE", "doctor [PROFILE]"]
)
def test_usage_names_what_is_required(words: str) -> None:
    assert f"\nharvester {words} [OPTIONS]\n" in commands_page()


def test_the_page_of_environments_names_every_port(project_root: Path) -> None:
    text = (project_root / "docs" / "concepts" / "environments.md").read_text(encoding="utf-8")
    ports = [port for table in (PAPER_PORTS, LIVE_PORTS) for row in table.values() for port in row]
    for port in (*ports, SIMULATOR_PORTS[0], SIMULATOR_PORTS[-1]):
        assert str(port) in text
