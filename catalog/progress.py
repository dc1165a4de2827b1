"""How an ingest tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Something that shows progress; the command line shows a bar on standard error."""

    def begin(self, label: str, total_bytes: int) -> None:
        """Start a stage named `label` (a file, usually) that will read `total_bytes`."""

    def advance(self, n_bytes: int) -> None:
        """Say that `n_bytes` more of the stage have been read."""


class SilentProgress:
    """Shows nothing: the default of every library call."""

    def begin(self, label: str, total_bytes: int) -> None:
        """Do nothing."""

    def advance(self, n_bytes: int) -> None:
        """Do nothing."""


SILENT = SilentProgress()
