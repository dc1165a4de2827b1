"""Small changes of one expression each, and those of them that change no behaviour.

A mutant is a comparison, an arithmetic or logical operator, a number, a truth value, a negation or a
`continue` turned into its neighbour. Not mutated: keywords of a class (`frozen=True` is a promise to the
type checker) and what stands below `if __name__ == "__main__"`.
"""

from __future__ import annotations

import ast
import copy
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EQUIVALENT_FILE = Path(__file__).with_name("equivalent_mutants.toml")
TEXT_MAX = 70

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed expression: where it stands, what it was and became; `number` tells equal ones apart."""

    module: str
    scope: str
    line: int
    before: str
    after: str
    number: int
    node: int
    choice: int

    @property
    def name(self) -> str:
        """A name that survives changes elsewhere in the file: it has no line number."""
        number = "" if self.number == 1 else f" #{self.number}"
        return f"{self.module}:{self.scope}: {self.before} -> {self.after}{number}"

    def source(self) -> str:
        """Return the module's source with the change in it."""
        tree = ast.parse(path_of(self.module).read_text())
        target = list(ast.walk(tree))[self.node]
        _become(target, list(_replacements(target))[self.choice])
        return ast.unparse(ast.fix_missing_locations(tree))


def path_of(module: str) -> Path:
    """Return the file of a module."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def sources(names: Sequence[str]) -> list[Path]:
    """Return the files to mutate: those of the risk folder with these stems, without names all of them."""
    folder = ROOT / "risk"
    paths = sorted([*folder.glob("*.py"), *(folder / "rules").glob("*.py")])
    return [path for path in paths if not names or path.stem in names]


def mutants_of(path: Path) -> list[Mutant]:
    """Return every mutant of a file, in the order of its lines."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found = list(_mutants(ast.parse(path.read_text()), module))
    return sorted(found, key=lambda each: (each.line, each.node, each.choice))


def equivalent_mutants() -> dict[str, str]:
    """Return the names of the mutants that no test can notice, each with the reason."""
    listed = tomllib.loads(EQUIVALENT_FILE.read_text())["mutant"]
    return {each["name"]: each["reason"] for each in listed}


def _mutants(tree: ast.Module, module: str) -> Iterator[Mutant]:
    skipped, scopes = _skipped(tree), _scopes(tree)
    seen: Counter[tuple[str, str, str]] = Counter()
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for choice, replacement in enumerate(_replacements(node)):
            changed = copy.copy(node)
            _become(changed, replacement)
            key = (scopes.get(id(node), ""), _text(node), _text(changed))
            seen[key] += 1
            yield Mutant(module, key[0], getattr(node, "lineno", 0), key[1], key[2], seen[key], index, choice)


def _skipped(tree: ast.Module) -> set[int]:
    """Return the nodes that are not mutated."""
    roots: list[ast.AST] = [
        keyword.value
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
        for keyword in each.keywords
    ]
    roots += [each for each in tree.body if isinstance(each, ast.If) and "__name__" in ast.unparse(each.test)]
    return {id(node) for root in roots for node in ast.walk(root)}


def _scopes(tree: ast.Module) -> dict[int, str]:
    """Return for each node the dotted name of the class and function around it."""
    scopes: dict[int, str] = {}

    def enter(node: ast.AST, scope: str) -> None:
        scopes[id(node)] = scope
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            scope = f"{scope}.{node.name}".lstrip(".")
        for child in ast.iter_child_nodes(node):
            enter(child, scope)

    enter(tree, "")
    return scopes


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    fresh = copy.copy(node)
    if isinstance(fresh, ast.Compare) and type(fresh.ops[0]) in _COMPARISONS:
        fresh.ops = [_COMPARISONS[type(fresh.ops[0])](), *fresh.ops[1:]]
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


def _become(node: ast.AST, replacement: ast.AST) -> None:
    for name, value in vars(replacement).items():
        setattr(node, name, value)
    node.__class__ = replacement.__class__


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:TEXT_MAX]
