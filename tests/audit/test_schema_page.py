"""The generated page of records is current and holds every kind."""

from __future__ import annotations

from pathlib import Path

from audit.events import KINDS
from audit.schema_page import page


def test_the_page_of_records_is_current(project_root: Path) -> None:
    written = (project_root / "docs" / "reference" / "journal-records.md").read_text()
    assert written == page(), "run: uv run just reference"


def test_every_kind_and_field_is_on_the_page() -> None:
    text = page()
    for kind, record in KINDS.items():
        section = text.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
        assert all(f"| `{name}` |" in section for name in record.__struct_fields__), kind
