"""Every limit has a value wherever limits are written out: a new one is missing by file and key here.

This file imports no limits that are written out, so that it can say what other tests break on.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk.limits import OptionLimits, RiskLimits

REQUIRED = {
    "RiskLimits": set(RiskLimits.__struct_fields__) - {"options"},
    "OptionLimits": set(OptionLimits.__struct_fields__),
}
FOLDERS = ("risk", "tests", "backtests", "audit", "strategies", "cli")


def _written_out(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield class and keywords of each construction of limits that takes over nothing by `**`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        names = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
        if node.func.id in REQUIRED and len(names) == len(node.keywords) > 0:
            yield node.func.id, names


def _python_files(root: Path) -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    return [path for path in found if any(name in path.read_text() for name in REQUIRED)]


def _lacking(root: Path) -> Iterator[str]:
    """Yield each file that writes limits out and lacks some, with their keys."""
    found: list[tuple[Path, set[str]]] = []
    for path in _python_files(root):
        found += [(path, REQUIRED[kind] - names) for kind, names in _written_out(path)]
    assert len(found) > 1
    rules = root / "configs" / "profiles" / "parts" / "launch_rules.toml"
    found.append((rules, REQUIRED["RiskLimits"] - set(tomllib.loads(rules.read_text())["risk"])))
    tables = root / "tests" / "configs" / "profile_builder.py"  # plain dicts: its texts are its keys
    texts = {node.value for node in ast.walk(ast.parse(tables.read_text())) if isinstance(node, ast.Constant)}
    found.append((tables, {name for name in REQUIRED["RiskLimits"] if name not in texts}))
    for path, missing in found:
        if missing:
            yield f"{path.relative_to(root)} lacks {', '.join(sorted(missing))}"


def test_whatever_writes_limits_out_lacks_no_key(project_root: Path) -> None:
    lacking = list(_lacking(project_root))
    assert not lacking, "\n".join([*lacking, "Give it a value there: docs/how-to/write-a-rule.md."])


@pytest.mark.parametrize("lacking", ["max_positions", "options.max_spread_usd"])
def test_a_key_that_is_missing_is_seen(tmp_path: Path, lacking: str) -> None:
    kind = "OptionLimits" if "." in lacking else "RiskLimits"
    names = REQUIRED[kind] - {lacking.rpartition(".")[2]}
    path = tmp_path / "limits.py"
    path.write_text(f"{kind}({', '.join(f'{name}=1' for name in sorted(names))})\n{kind}(**values)\n")
    assert list(_written_out(path)) == [(kind, names)]
