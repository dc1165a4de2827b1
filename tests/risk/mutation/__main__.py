"""Mutation testing of the risk folder, on demand.

uv run python -m tests.risk.mutation --output /tmp/mutation.json

tries every mutant (an hour or more on two cores), writes each outcome to the file, and continues there when
it is started again. Names of modules, or --sample, try a part. The score is killed over all mutants but those
listed in equivalent_mutants.toml; both numbers are printed. Exit code 1 below the score of --least.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.risk.mutation.mutants import Mutant, equivalent_mutants, mutants_of, sources
from tests.risk.mutation.results import Results
from tests.risk.mutation.trials import outcomes

PROGRESS_EVERY_SECONDS = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants, and print the survivors and the score."""
    options = _options(arguments)
    mutants = [mutant for path in sources(options.modules) for mutant in mutants_of(path)]
    if options.sample is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    equivalent = equivalent_mutants()
    results = Results(options.output, mutants, is_fresh=options.fresh)
    waiting = [each for each in mutants if each.name not in equivalent and not results.is_known(each)]
    print(f"{len(mutants)} mutants, {len(mutants) - len(waiting)} known, {len(waiting)} to try", flush=True)
    _run(waiting, mutants, results, jobs=options.jobs)
    summary = results.summary(mutants, equivalent)
    results.write(summary)
    for line in summary["survived"]:
        print(f"survived {line}")
    print(
        f"{summary['tried']} of {summary['mutants']} mutants tried, {summary['killed']} killed, "
        f"{len(summary['equivalent'])} equivalent: score {summary['score']:.1%} "
        f"({summary['score_with_equivalent']:.1%} with the equivalent ones)"
    )
    return 0 if summary["score"] >= options.least else 1


def _run(waiting: Sequence[Mutant], mutants: Sequence[Mutant], results: Results, *, jobs: int) -> None:
    equivalent, started, told = equivalent_mutants(), time.monotonic(), time.monotonic()
    for done, (mutant, is_killed) in enumerate(outcomes(waiting, jobs=jobs), start=1):
        results.note(mutant, is_killed=is_killed)
        if not is_killed:
            print(f"survived {mutant.module}:{mutant.line}  {mutant.name}", flush=True)
        if time.monotonic() - told > PROGRESS_EVERY_SECONDS:
            told = time.monotonic()
            left_minutes = (told - started) / done * (len(waiting) - done) / 60
            print(f"{done} of {len(waiting)}, {left_minutes:.0f} minutes left", flush=True)
            results.write(results.summary(mutants, equivalent))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="names of modules, e.g. ledger; without: all")
    parser.add_argument("--sample", type=int, help="try so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.90)
    parser.add_argument("--output", type=Path, help="JSON file of outcomes; continued when it exists")
    parser.add_argument("--fresh", action="store_true", help="forget the outcomes in the file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
