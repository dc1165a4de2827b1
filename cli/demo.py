"""`harvester demo`: from nothing to a traded, explained synthetic day with one command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.backtest import catalog_of, run_with_report
from cli.output import print_json, stderr_console
from cli.run_printing import print_run, run_as_json
from market.errors import UserError
from market.folders import require_writable_folder

PROFILE = Path("profiles", "demo.toml")  # below the package configs
SEED = 7
_OWN_NAME = re.compile(r"catalog(-seed-\d+)?|run|\.run\..+")  # the last: of a demo that was killed


def command(
    *,
    output: Path | None = None,
    seed: Annotated[int, Parameter(negative=())] = SEED,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Make a synthetic trading day, backtest the demo profile on it, and write a report. Offline.

    The day is drawn from a seed: the same seed gives the same day, trades and result hash. It is a
    demonstration of the machinery, not evidence that a strategy makes money.

    Parameters
    ----------
    output
        Folder for catalog and run, new, empty or of a former demo; by default the catalog is data/demo
        and the run runs/demo-TIME.
    seed
        Another seed gives another day.
    json
        Print one JSON object instead of text.
    """
    import configs
    from configs.profile import load_profile

    if output is not None:
        _require_usable(output)
    loaded = load_profile(Path(configs.__path__[0]) / PROFILE, purpose="research")
    catalog = catalog_of(loaded) if output is None else output / "catalog"
    if seed != SEED:  # the profile's own catalog keeps the day that the documentation shows
        catalog = catalog.with_name(f"{catalog.name}-seed-{seed}")
    with stderr_console().status(f"making a synthetic day in {catalog}"):
        _make_day(catalog, seed)
    run_folder = None if output is None else output / "run"
    result, report = run_with_report(loaded, catalog=catalog, output=run_folder)
    if json:
        print_json({**run_as_json(result, report=report), "seed": seed})
        return
    print_run(result, report=report)
    print("\nNext: open the report, then docs/tutorials/first-backtest.md.")


def _require_usable(output: Path) -> None:
    """Raise `UserError` unless `output` is absent, empty, or what a former demo left."""
    from backtests.run_directory import require_usable

    require_writable_folder(output, option="--output")
    names = sorted(path.name for path in output.iterdir()) if output.exists() else []
    foreign = [name for name in names if _OWN_NAME.fullmatch(name) is None]
    if foreign:
        raise UserError(
            f"{output} holds {foreign[0]}, which is not part of a demo, so nothing is written there. "
            "Name another folder with --output, or empty this one."
        )
    require_usable(output / "run")


def _make_day(catalog: Path, seed: int) -> None:
    from catalog.store import CatalogStore
    from catalog.synthetic_market import SyntheticMarketSpec, write_synthetic_market

    write_synthetic_market(SyntheticMarketSpec(seed=seed), store=CatalogStore(catalog))
