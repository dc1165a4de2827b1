"""The mutation harness: what it changes, what it keeps, and how it counts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.risk.mutation import mutants as mutants_module
from tests.risk.mutation.mutants import Mutant, equivalent_mutants, mutants_of, sources
from tests.risk.mutation.results import Results

SOURCE = """
class Order(Struct, frozen=True):
    def is_large(self, limit: int = 5) -> bool:
        for part in self.parts:
            if not part:
                continue
            if part > limit and -part != 1:
                return True
        return False

if __name__ == "__main__":
    main(7 + 1)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mutants_module, "ROOT", tmp_path)
    path = tmp_path / "risk" / "sample.py"
    path.parent.mkdir()
    path.write_text(SOURCE)
    return path


def test_each_expression_is_changed_once_but_class_keywords_and_the_main_block(module: Path) -> None:
    assert [(each.before, each.after) for each in mutants_of(module)] == [
        ("5", "6"),
        ("not part", "not not part"),
        ("continue", "break"),
        ("part > limit and -part != 1", "part > limit or -part != 1"),
        ("part > limit", "part >= limit"),
        ("-part != 1", "-part == 1"),
        ("-part", "+part"),
        ("1", "2"),
        ("True", "False"),
        ("False", "True"),
    ]


def test_a_mutant_has_one_change_in_an_otherwise_equal_module(module: Path) -> None:
    whole = ast.unparse(ast.parse(SOURCE))
    for mutant in mutants_of(module):
        changed = mutant.source()
        assert changed != whole
        assert len(set(changed.splitlines()) ^ set(whole.splitlines())) == 2


def test_names_are_unique_and_have_no_line(module: Path) -> None:
    before = [each.name for each in mutants_of(module)]
    module.write_text("\n\n" + SOURCE)
    assert [each.name for each in mutants_of(module)] == before
    assert "risk.sample:Order.is_large: part > limit -> part >= limit" in before
    everything = [mutant.name for path in sources([]) for mutant in mutants_of(path)]
    assert len(set(everything)) == len(everything)


def test_every_mutant_listed_as_equivalent_exists_and_has_its_reason() -> None:
    names = {mutant.name for path in sources([]) for mutant in mutants_of(path)}
    listed = equivalent_mutants()
    assert set(listed) <= names, "the source has changed: correct equivalent_mutants.toml"
    assert all(listed.values())


def _noted(path: Path, mutants: list[Mutant]) -> Results:
    results = Results(path, mutants)
    for number, mutant in enumerate(mutants):
        results.note(mutant, is_killed=number != 1)
    return results


def test_the_score_leaves_out_what_is_equivalent_and_not_tried(module: Path, tmp_path: Path) -> None:
    mutants = mutants_of(module)
    summary = _noted(tmp_path / "out.json", mutants[:4]).summary(mutants, {mutants[4].name: "why"})
    assert (summary["mutants"], summary["tried"], summary["killed"]) == (10, 5, 3)
    assert (summary["score"], summary["score_with_equivalent"]) == (3 / 4, 3 / 5)
    assert summary["survived"] == [f"sample.py:5  {mutants[1].name}"]
    assert summary["equivalent"] == {mutants[4].name: "why"}


def test_a_run_continues_where_it_stopped(module: Path, tmp_path: Path) -> None:
    path, mutants = tmp_path / "out.json", mutants_of(module)
    first = _noted(path, mutants[:4])
    first.write(first.summary(mutants, {}))
    assert [Results(path, mutants).is_known(each) for each in mutants] == [True] * 4 + [False] * 6
    assert not any(Results(path, mutants, is_fresh=True).is_known(each) for each in mutants)


def test_a_survivor_is_tried_again_when_a_test_changed(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, mutants = tmp_path / "out.json", mutants_of(module)
    first = _noted(path, mutants[:3])
    first.write(first.summary(mutants, {}))
    monkeypatch.setattr("tests.risk.mutation.results.test_files", lambda: [module])
    assert [Results(path, mutants).is_known(each) for each in mutants[:3]] == [True, False, True]


def test_outcomes_of_a_changed_module_are_forgotten(module: Path, tmp_path: Path) -> None:
    path, mutants = tmp_path / "out.json", mutants_of(module)
    first = _noted(path, mutants[:3])
    first.write(first.summary(mutants, {}))
    module.write_text(SOURCE + "\n# changed\n")
    assert not any(Results(path, mutants).is_known(each) for each in mutants)
