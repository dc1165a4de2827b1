from __future__ import annotations

from pathlib import Path

import pytest

import strategies


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets strategies find the decisions of tests/strategies/decisions beside the project's own."""
    folder = Path(__file__).parent / "decisions"
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(folder)])
