"""`harvester report`: draw the review page of a finished run again."""

from __future__ import annotations

from pathlib import Path

from cli.output import print_json


def command(run_dir: Path, /, *, json: bool = False) -> None:
    """Write the HTML report of a run and print its path.

    The page is made from the files of the run directory alone: a run of last year is drawn with
    today's page.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed.
    json
        Print one JSON object on standard output and nothing else.
    """
    from backtests.report import write_report

    path = write_report(run_dir)
    if json:
        print_json({"report": str(path)})
    else:
        print(path)
