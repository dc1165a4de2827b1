"""Keeps the outcome of each mutant in a JSON file, so that a long run can be continued.

An outcome counts as long as the mutated module is unchanged; a survivor is tried again when a test has
changed since, and a killed one is not (`--fresh` tries everything anew).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.risk.mutation.mutants import Mutant, path_of
from tests.risk.mutation.trials import test_files


class Results:
    """Outcomes by the name of the mutant; `path` keeps them over runs, None does not.

    They belong to modules and tests as they are now: a file that changes while mutants are tried is
    noticed by the next run.
    """

    def __init__(self, path: Path | None, mutants: Sequence[Mutant], *, is_fresh: bool = False) -> None:
        self._path = path
        self._tests = _digest(test_files())
        self._modules = {name: _digest([path_of(name)]) for name in {each.module for each in mutants}}
        self._earlier: dict[str, str] = {}
        self.killed: dict[str, bool] = {}
        if path is not None and path.exists() and not is_fresh:
            self._take_over(json.loads(path.read_text()))

    def is_known(self, mutant: Mutant) -> bool:
        """Whether the outcome of a mutant need not be found again."""
        return mutant.name in self.killed

    def note(self, mutant: Mutant, *, is_killed: bool) -> None:
        """Keep the outcome of a mutant."""
        self.killed[mutant.name] = is_killed

    def summary(self, mutants: Sequence[Mutant], equivalent: dict[str, str]) -> dict[str, Any]:
        """Return the score: killed over all that some test could notice, and over all, of those tried."""
        tried = [each for each in mutants if each.name in self.killed or each.name in equivalent]
        killed = sum(self.killed.get(each.name, False) for each in tried)
        dropped = [each for each in tried if each.name in equivalent]
        countable = len(tried) - len(dropped)
        return {
            "mutants": len(mutants),
            "tried": len(tried),
            "killed": killed,
            "equivalent": {each.name: equivalent[each.name] for each in dropped},
            "survived": [
                f"{path_of(each.module).name}:{each.line}  {each.name}"
                for each in tried
                if not self.killed.get(each.name, False) and each.name not in equivalent
            ],
            "score": killed / countable if countable else 1.0,
            "score_with_equivalent": killed / len(tried) if tried else 1.0,
        }

    def write(self, summary: dict[str, Any]) -> None:
        """Write the file whole: a run that is stopped leaves the outcomes so far."""
        if self._path is None:
            return
        modules = self._earlier | self._modules
        content = {**summary, "tests": self._tests, "modules": modules, "outcomes": self.killed}
        beside = self._path.with_suffix(".partial")
        beside.write_text(json.dumps(content, indent=1) + "\n")
        beside.replace(self._path)

    def _take_over(self, content: dict[str, Any]) -> None:
        for module, digest in content["modules"].items():
            if path_of(module).exists() and _digest([path_of(module)]) == digest:
                self._earlier[module] = digest
        same_tests = content["tests"] == self._tests
        for name, is_killed in content["outcomes"].items():
            if name.partition(":")[0] in self._earlier and (is_killed or same_tests):
                self.killed[name] = is_killed


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
