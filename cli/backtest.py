"""`harvester backtest`: run a profile's strategies on a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json, stderr_console
from cli.run_printing import print_run, run_as_json

if TYPE_CHECKING:
    from backtests.run import RunResult
    from configs.profile import LoadedProfile


def command(
    profile: Path,
    /,
    *,
    catalog: Path | None = None,
    output: Path | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    journal: Annotated[bool, Parameter(negative="--no-journal")] = True,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Run a profile's strategies on a catalog, behind the profile's limits, and write the result.

    The same profile on the same catalog gives the same result hash, always. The run directory holds
    orders, fills, positions, decisions, refusals, equity and prices as Parquet, run.json, an HTML report
    and the journal, in which everything that was decided and done can be traced and verified.

    Parameters
    ----------
    profile
        The profile to run, such as configs/profiles/demo.toml.
    catalog
        The catalog to replay, in place of the profile's backtest.catalog.
    output
        Folder of the result; by default runs/NAME-TIME. A former run in it is replaced.
    set_
        Override a key of the profile: --set risk.max_positions=2. May be repeated.
    journal
        Write the journal of the run (the default); without it the run cannot be traced or verified.
    json
        Print one JSON object instead of text.
    """
    from configs.profile import load_profile

    loaded = load_profile(profile, overrides=set_ or (), purpose="research")
    result, report = run_with_report(
        loaded, catalog=catalog or catalog_of(loaded), output=output, journal=journal
    )
    if json:
        print_json(run_as_json(result, report=report))
    else:
        print_run(result, report=report)


def run_with_report(
    loaded: LoadedProfile, *, catalog: Path, output: Path | None, journal: bool = True
) -> tuple[RunResult, Path]:
    """Run, showing on standard error what is being done, and draw the report; return run and report."""
    from backtests.report import write_report
    from backtests.run import run_backtest

    console = stderr_console()
    with console.status("starting") as status:
        result = run_backtest(
            loaded, catalog=catalog, output=output, progress=status.update, tearsheet=True, journal=journal
        )
        status.update("drawing the report")
        return result, write_report(result.directory)


def catalog_of(loaded: LoadedProfile) -> Path:
    """Return the catalog that the profile names; raises `ConfigError` if it names none."""
    from market.errors import ConfigError

    catalog = loaded.require_backtest().catalog
    if catalog is None:
        raise ConfigError(
            f"{loaded.source_paths[0]} names no catalog. Set backtest.catalog in it, or pass --catalog DIR."
        )
    return Path(catalog)
