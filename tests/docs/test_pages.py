"""Every page's code blocks run as a reader would run them; every relative link leads somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.code_blocks import SHELL_LANGUAGES, CodeBlock, code_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in {"runs", "data"} for part in page.relative_to(ROOT).parts)
)
KNOWN_LANGUAGES = SHELL_LANGUAGES | {"python", "toml", "json", "text", "csv", "xml", ""}
SECONDS_PER_BLOCK = 300


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _runs(page: Path) -> bool:
    return any(
        b.is_run and (b.language in SHELL_LANGUAGES or b.language == "python") for b in code_blocks(page)
    )


def _checkout(folder: Path) -> Path:
    """Copy the working tree's own files, so that a page may write into it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


def _environment(checkout: Path) -> dict[str, str]:
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(checkout)
    environment.setdefault("HARVESTER_REAL_DATA", str(ROOT.parent / "shared" / "data"))
    return environment


def _run(block: CodeBlock, *, checkout: Path, environment: dict[str, str]) -> None:
    if block.language == "python":
        _execute([sys.executable, "-c", block.text], block, 0, checkout=checkout, environment=environment)
        return
    commands = block.commands()
    for index, command in enumerate(commands):
        plain = re.sub(r"\buv run (--\S+ )*harvester\b", f"{sys.executable} -m cli", command)
        plain = re.sub(r"\buv run (--\S+ )*", "", plain)
        expected = block.expected_exit if index == len(commands) - 1 else 0
        _execute(["bash", "-c", plain], block, expected, checkout=checkout, environment=environment)


def _execute(
    words: list[str], block: CodeBlock, expected: int, *, checkout: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        words,
        check=False,
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_PER_BLOCK,
    )
    said = f"{block.page}:{block.line}: {words[-1]}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.returncode == expected, said


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [p for p in PAGES if _runs(p)], ids=_name)
def test_code_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path, real_data: Path) -> None:
    checkout = _checkout(tmp_path / "harvester")
    environment = _environment(checkout)
    for block in code_blocks(page):
        if block.is_run and (block.language in SHELL_LANGUAGES or block.language == "python"):
            _run(block, checkout=checkout, environment=environment)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_code_blocks_have_a_known_language_and_valid_toml(page: Path) -> None:
    for block in code_blocks(page):
        assert block.language in KNOWN_LANGUAGES, f"{page}:{block.line}: {block.language}"
        if block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        path = (page.parent / target.split("#")[0]).resolve()
        assert path.exists(), f"{page}: broken link {target}"


def test_every_page_is_reachable_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {
        (ROOT / "docs" / t.split("#")[0]).resolve()
        for t in re.findall(r"\]\(([^)\s]+)\)", index)
        if "://" not in t
    }
    missing = [
        _name(p)
        for p in PAGES
        if p.is_relative_to(ROOT / "docs") and p.name != "README.md" and p not in linked
    ]
    assert missing == []
