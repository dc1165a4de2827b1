"""Runs the tests against mutants: one forked child each, loaded in place of the module.

The parent imports what is slow and not ours once; the child imports the rest. The tests that import
the mutated module run first, and the first failure ends the trial.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests.risk.mutation.mutants import ROOT, Mutant

CPU_SECONDS = 120
"""CPU time of one trial, well above what all tests take; a mutant that hangs is noticed by it."""
MEMORY_BYTES = 6 * 2**30
"""Of one trial: a mutant that collects for ever must not take the machine's."""
TIMEOUT_SECONDS = 900.0
"""Time of one trial by the clock, for a mutant that waits for ever; a busy machine must not reach it."""
OPTIONS = (
    "-x", "-q", "-n0", "-m", "not slow and not real_data", "-p", "no:cacheprovider", "--no-header",
    "-p", "no:randomly",
)  # fmt: skip


def test_files() -> list[Path]:
    """Return the tests that may notice a mutant."""
    own = [path for path in (ROOT / "tests" / "risk").glob("test_*.py") if path.stem != "test_mutation"]
    return sorted([*own, ROOT / "tests" / "drills" / "test_drills.py"])


def outcomes(mutants: Sequence[Mutant], *, jobs: int) -> Iterator[tuple[Mutant, bool]]:
    """Yield each mutant, and whether a test noticed it, as the trials end; `jobs` run at a time.

    Raises `FailingTestsError` when the tests fail without any change: then they would notice everything.
    """
    _warm_up()
    _require_passing_tests()
    waiting, running = list(reversed(mutants)), dict[int, tuple[Mutant, float]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            mutation, groups = _Mutation(mutant), _by_nearness(mutant)
            child = os.fork()
            if child == 0:
                sys.meta_path.insert(0, mutation)
                os._exit(_run(groups))
            running[child] = (mutant, time.monotonic() + TIMEOUT_SECONDS)
        for child, (mutant, ends) in list(running.items()):
            done, status = os.waitpid(child, os.WNOHANG)
            if not done and time.monotonic() > ends:  # a mutant that hangs is noticed
                os.kill(child, 9)
                done, status = os.waitpid(child, 0)
            if done:
                del running[child]
                yield mutant, status != 0
        time.sleep(0.02)


class FailingTestsError(RuntimeError):
    """Tests fail on the code as it is."""


def _require_passing_tests() -> None:
    child = os.fork()
    if child == 0:
        os._exit(_run([test_files()]))
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise FailingTestsError("tests/risk or tests/drills fail without a mutant. Mend them first.")


class _Mutation(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from the mutated source."""

    def __init__(self, mutant: Mutant) -> None:
        self.module = mutant.module
        self.source = mutant.source()

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, self.module, "exec"), module.__dict__)


def _run(groups: Sequence[Sequence[Path]]) -> int:
    """Run each group of test files in silence; return 0 when all of them pass."""
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        return next((1 for files in groups if pytest.main([*OPTIONS, *map(str, files)])), 0)
    except BaseException:  # noqa: BLE001 - a mutant may break the import of anything
        return 1


def _by_nearness(mutant: Mutant) -> list[list[Path]]:
    """Return the tests that import the module, which notice most, and the others.

    A pure module is not tried in a Nautilus node: its own tests must notice.
    """
    package = "risk.rules" if mutant.module.startswith("risk.rules.") else mutant.module
    texts = {path: path.read_text() for path in test_files()}
    is_shell = ".nautilus_" in mutant.module
    chosen = [path for path in texts if is_shell or not _needs_node(texts[path])]
    own = [path for path in chosen if f"from {package} import" in texts[path]]
    others = [path for path in chosen if path not in own]
    return [files for files in (own, others) if files]


def _needs_node(text: str) -> bool:
    return "all_drills" in text or any(
        "nautilus" in line for line in text.splitlines() if line.startswith(("import ", "from "))
    )


def _warm_up() -> None:
    """Import what is slow and not ours, so that a forked child need not."""
    import exchange_calendars
    import hypothesis
    import nautilus_trader.backtest.engine
    import nautilus_trader.examples.algorithms.twap
    import nautilus_trader.live.node
    import nautilus_trader.trading.strategy
    import pandas
    import pytest  # noqa: F401

    assert exchange_calendars
    assert hypothesis
    assert nautilus_trader
    assert pandas
