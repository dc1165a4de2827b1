"""Mutation testing of the risk folder, on demand: `uv run python -m tests.risk.mutation --sample 400`.

Each mutant is one small change of one expression: a comparison, an arithmetic or logical operator, a
number, a truth value, a negation, an early return. A child process (forked after the slow imports)
loads the mutant in place of the module and runs the tests; a mutant that no test notices survives.
Without --sample every mutant is tried. Exit code 1 below the score of --least.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 60.0
PURE_TESTS = (
    "test_rules.py", "test_breaker.py", "test_option_loss.py", "test_performance.py", "test_ib_rule_book.py",
    "test_flatten.py", "test_ledger.py", "test_gatekeeper.py", "test_supervisor.py", "test_limits.py",
    "test_rules_page.py", "test_random_streams.py",
)  # fmt: skip
SHELL_TESTS = ("test_nautilus_parts.py", "test_nautilus_gate.py", "../drills/test_drills.py")

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed expression: module, line, what it was and became, and the mutated source."""

    module: str
    line: int
    change: str
    source: str


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    tree = ast.parse(path.read_text())
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    flags = {
        id(keyword.value)
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
        for keyword in each.keywords
    }
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in flags:  # `frozen=True` of a Struct: a property of the type checker, not of behaviour
            continue
        for replacement in _replacements(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[index]
            before = ast.unparse(node)[:60]
            for name, value in vars(replacement).items():
                setattr(target, name, value)
            target.__class__ = replacement.__class__
            after = ast.unparse(target)[:60]
            source = ast.unparse(ast.fix_missing_locations(changed))
            yield Mutant(module, getattr(node, "lineno", 0), f"{before}  ->  {after}", source)


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    fresh = copy.deepcopy(node)
    if isinstance(fresh, ast.Compare) and type(fresh.ops[0]) in _COMPARISONS:
        fresh.ops[0] = _COMPARISONS[type(fresh.ops[0])]()
        yield fresh
    elif isinstance(fresh, ast.BinOp) and type(fresh.op) in _OPERATORS:
        fresh.op = _OPERATORS[type(fresh.op)]()
        yield fresh
    elif isinstance(fresh, ast.BoolOp):
        fresh.op = ast.Or() if isinstance(fresh.op, ast.And) else ast.And()
        yield fresh
    elif isinstance(fresh, ast.UnaryOp) and isinstance(fresh.op, ast.Not):
        yield ast.UnaryOp(ast.Not(), fresh)
    elif isinstance(fresh, ast.UnaryOp) and isinstance(fresh.op, ast.USub):
        yield ast.UnaryOp(ast.UAdd(), fresh.operand)
    elif isinstance(fresh, ast.Constant) and isinstance(fresh.value, bool):
        yield ast.Constant(not fresh.value)
    elif isinstance(fresh, ast.Constant) and type(fresh.value) is int:
        yield ast.Constant(fresh.value + 1)
    elif isinstance(fresh, ast.Continue):
        yield ast.Break()


class _Mutation(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from the mutated source."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.mutant.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.source, self.mutant.module, "exec"), module.__dict__)


def survivors(mutants: Sequence[Mutant], *, jobs: int) -> list[Mutant]:
    """Run the tests on each mutant in a forked child, `jobs` at a time; return those that all tests pass."""
    waiting, running, left = list(reversed(mutants)), dict[int, tuple[Mutant, float]](), list[Mutant]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            child = os.fork()
            if child == 0:
                os._exit(_run_tests(mutant))
            running[child] = (mutant, time.monotonic() + TIMEOUT_SECONDS)
        for child, (mutant, ends) in list(running.items()):
            done, status = os.waitpid(child, os.WNOHANG)
            if not done and time.monotonic() > ends:  # a mutant that hangs is noticed
                os.kill(child, 9)
                done, status = os.waitpid(child, 0)
            if done:
                del running[child]
                if status == 0:
                    print(f"survived {mutant.module}:{mutant.line}  {mutant.change}", flush=True)
                    left.append(mutant)
        time.sleep(0.02)
    return left


def _run_tests(mutant: Mutant) -> int:
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, _Mutation(mutant))
    is_shell = ".nautilus_" in mutant.module
    names = (*SHELL_TESTS, *PURE_TESTS) if is_shell else PURE_TESTS
    files = [str(ROOT / "tests" / "risk" / name) for name in names]
    options = [
        "-x",
        "-q",
        "-n0",
        "-m",
        "not slow",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "-p",
        "no:randomly",
    ]
    try:
        return int(pytest.main([*options, *files]))
    except BaseException:  # noqa: BLE001 - a mutant may break the import of anything
        return 1


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


def _sources(names: Sequence[str]) -> list[Path]:
    folder = ROOT / "risk"
    paths = sorted([*folder.glob("*.py"), *(folder / "rules").glob("*.py")])
    return [path for path in paths if not names or path.stem in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants and print the survivors and the score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="names of modules, e.g. ledger; without: all")
    parser.add_argument("--sample", type=int, help="try so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.90)
    options = parser.parse_args(arguments)
    mutants = [mutant for path in _sources(options.modules) for mutant in mutants_of(path)]
    total = len(mutants)
    if options.sample is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, total))
    _warm_up()
    left = survivors(mutants, jobs=options.jobs)
    score = 1 - len(left) / len(mutants)
    print(f"{len(mutants)} of {total} mutants, {len(left)} survived, score {score:.1%}")
    return 0 if score >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
