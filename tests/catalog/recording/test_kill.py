"""A recording whose process dies by `kill -9` keeps everything that had reached the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from catalog.recording import recover
from tests.catalog.recording.records import START_NS

PROGRAM = "tests.catalog.recording.node_to_kill"


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 4, 23])
def test_a_killed_node_loses_nothing_that_was_on_disk(tmp_path: Path, project_root: Path, lines: int) -> None:
    command = [sys.executable, "-m", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, cwd=project_root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        rows = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
    recover(tmp_path)
    stamps = [tick.ts_init - START_NS for tick in ParquetDataCatalog(str(tmp_path)).quote_ticks()]
    assert stamps == list(range(1, len(stamps) + 1))  # a beginning of the day without a hole
    assert len(stamps) >= rows[-1]
