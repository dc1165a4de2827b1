"""`harvester replay`: a recorded run or day again, unchanged or under other limits and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json, stderr_console, stdout_console

if TYPE_CHECKING:
    from backtests.replay.replay import Replay

EXIT_DIFFERENT = 3


def command(
    run_dir: Path,
    /,
    *,
    limits: Path | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    catalog: Path | None = None,
    changed_data: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Replay a recorded run or day: are its decisions what its inputs lead to?

    A backtest runs again on its catalog. A day that a live node recorded runs on the market data beside
    its journal, with the broker's answers from the journal, each at its place. Exit code 0 means that all
    decisions are identical, 3 that they are not (the first difference is shown with the inputs of both
    sides and why it is one: data, event, parameter, limit or version) or that the journal does not verify.

    With --limits or --set the day runs twice through the simulated venue, as recorded and as changed, and
    what was refused, done and earned stands side by side; the exit code is then 0.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` printed, or the day's folder of a node.
    limits
        A TOML file with a [risk] table: the limits to replay under.
    set_
        Override a key of the profile: --set risk.max_positions=2. May be repeated.
    catalog
        Where a backtest's catalog is now, if not where it was.
    changed_data
        Replay although files of the market data have changed, to see what that changes.
    json
        Print one JSON object instead of text.
    """
    from backtests.replay.replay import Request, replay

    request = Request(
        run_dir=run_dir,
        limits=limits,
        overrides=tuple(set_ or ()),
        catalog=catalog,
        accepts_changed_data=changed_data,
    )
    console = stderr_console()
    with console.status("reading the journal") as status:
        result = replay(request, progress=status.update)
    if result.unverified is not None:
        console.print(
            f"warning: the journal does not verify ({result.unverified}); "
            f"`harvester audit verify {run_dir}` names every record."
        )
    if result.base_is_as_recorded is False:
        console.print(
            "warning: the recorded profile does not lead to the recorded decisions any more; "
            f"`harvester replay {run_dir}` says why."
        )
    if json:
        print_json(result)
    else:
        _print(result)
    holds = result.is_identical and result.unverified is None
    return 0 if holds or result.what_if is not None else EXIT_DIFFERENT


def _print(result: Replay) -> None:
    from cli import replay_tables

    console = stdout_console()
    if result.what_if is not None:
        replay_tables.print_what_if(console, result.what_if)
    if result.difference is None:
        console.print(
            f"Identical: {result.recorded_decisions} decisions of {result.run}, "
            f"hash {result.recorded_hash[:16]}."
        )
    else:
        replay_tables.print_difference(console, result, result.difference)
