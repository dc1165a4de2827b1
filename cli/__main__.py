"""The command `harvester`: one table of commands, each imported only when it is run.

The table alone answers `harvester --help`, `harvester --version` and a misspelt command, so those
import nothing else (the argument parser cyclopts costs more than everything the help needs).
A command's own arguments, help and errors are cyclopts', built for that one function.

To add a command: write a function with annotated parameters and a docstring in `cli/`, return
`None` (exit 0) or an exit code, raise `UserError` for bad input, and add a row to `COMMANDS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

PROGRAM = "harvester"
HELP_FLAGS = ("--help", "-h")


class Command(NamedTuple):
    """A row of the table: the words typed, the function `module:name` behind them, one line of help.

    A row without a target is a group: its name is the first word of the commands in it.
    """

    name: str
    target: str | None
    summary: str


COMMANDS: tuple[Command, ...] = (
    Command("demo", "cli.demo:command", "Make a synthetic day, trade it in a backtest, write the report."),
    Command("doctor", "cli.doctor:command", "Check this machine, and a profile with its catalog."),
    Command("ingest", None, "Read recorded market data into a catalog."),
    Command("ingest csv", "cli.ingest:csv", "Read CSV or Parquet files of quotes, trades or bars."),
    Command("ingest lean", "cli.ingest:lean", "Read QuantConnect Lean zips; adjust splits on request."),
    Command("ingest lobster", "cli.ingest:lobster", "Read LOBSTER files into depth, trades and quotes."),
    Command(
        "ingest lean-options", "cli.ingest_options:lean_options", "Read Lean options into chain snapshots."
    ),
    Command(
        "ingest chain-csv", "cli.ingest_options:chain_csv", "Read option chains from CSV or Parquet files."
    ),
    Command("ingest rates", "cli.ingest_options:rates", "Read interest rates into a curve a day."),
    Command("ingest dividends", "cli.ingest_options:dividends", "Read cash dividends, by declaration."),
    Command("ingest volatility", "cli.ingest_options:volatility", "Read the history of a volatility index."),
    Command("chain", "cli.chain:command", "Show an option chain with smile and greeks at a moment."),
    Command("catalog", None, "Look into a catalog and check its quality."),
    Command("catalog show", "cli.catalog:show", "List what a catalog holds, and where it came from."),
    Command("catalog check", "cli.catalog:check", "Find crossed quotes, gaps, outliers and other defects."),
    Command("universe", "cli.universe:command", "Apply a universe's rules to a catalog day, and say why."),
    Command("scan", "cli.scan:command", "Find option positions at a moment, and why others dropped."),
    Command("payoff", "cli.payoff:command", "Draw what a spread gains and loses until expiry."),
    Command("surface", "cli.surface:command", "Draw a chain's implied volatility by expiry and moneyness."),
    Command("backtest", "cli.backtest:command", "Run a profile's strategies on a catalog."),
    Command("report", "cli.report:command", "Write the HTML report of a run."),
    Command("new-strategy", "cli.new_strategy:command", "Start your own strategy: decision, profile, test."),
    Command("risk", None, "Show limits, and explain what they refused."),
    Command("risk show", "cli.risk:show", "Every limit of a profile in words, with what it guards."),
    Command("risk explain", "cli.risk:explain", "The refusals of a run, by rule."),
    Command("audit", None, "Prove what a run's journal holds, and read it."),
    Command("audit verify", "cli.audit:verify", "Find what was changed, cut off or deleted in a journal."),
    Command("audit show", "cli.audit_show:show", "Who did what, when, why, and on whose authority."),
    Command("audit export", "cli.audit_show:export", "Write a journal as CSV, Parquet or JSON lines."),
    Command("trace", "cli.trace:command", "One order or trade, from its features to what it earned."),
    Command("blotter", "cli.blotter:command", "Every trade with reasons, fees, slippage and notes."),
    Command("day", "cli.day:command", "The key figures of each day as one page, or of many runs."),
    Command("replay", "cli.replay:command", "A recorded day again: identical, or why not; or what if."),
    Command("reconcile", "cli.reconcile:command", "Compare journal, engine and broker to the cent."),
    Command("archive", "cli.archive:command", "Keep a run as one verified file, and thin out old ones."),
    Command("restore", "cli.archive:restore", "Bring an archived run back, every hash verified."),
    Command("simulate-tws", "cli.simulate_tws:command", "Serve a TWS on this machine; no account needed."),
    Command("frames", "cli.frames:command", "Show a recording of the simulated TWS's frames."),
    Command("drill", "cli.drill:command", "Rehearse an incident and write a dated report."),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command named by `arguments` (by default the process's own) and return its exit code.

    0 on success, 2 on a user's error, 1 on a failure of ours, 130 when interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (len(words) == 1 and words[0] in HELP_FLAGS):
        sys.stdout.write(help_text())
        return 0
    from cli.output import run

    if words == ["--version"]:
        return run(_print_version)
    return run(lambda: _dispatch(words), as_json="--json" in words)


def help_text(group: str | None = None) -> str:
    """Return the overview of all commands, or of the commands of one group."""
    prefix = f"{group} " if group else ""
    rows = [row for row in COMMANDS if row.name.startswith(prefix) and " " not in row.name[len(prefix) :]]
    width = max(len(row.name) for row in rows)
    listing = "\n".join(f"  {row.name:<{width}}  {row.summary}" for row in rows)
    if group is not None:
        summary = next(row.summary for row in COMMANDS if row.name == group)
        return f"Usage: {PROGRAM} {group} COMMAND [ARGS]\n\n{summary}\n\nCommands:\n{listing}\n"
    return (
        f"Usage: {PROGRAM} COMMAND [ARGS]\n\n"
        "Backtest intraday strategies behind hard limits that no strategy can pass.\n\n"
        f"Commands:\n{listing}\n\n"
        f"  {PROGRAM} COMMAND --help  explains a command\n"
        f"  {PROGRAM} --version       prints the version\n\n"
        f"First steps: `{PROGRAM} demo` needs no data, account or network.\n"
    )


def load_command(command: Command) -> Callable[..., int | None]:
    """Import and return the function behind `command`, which must not be a group."""
    from importlib import import_module

    assert command.target is not None, f"{command.name} is a group"
    module, _, name = command.target.partition(":")
    function: Callable[..., int | None] = getattr(import_module(module), name)
    return function


def command_app(command: Command) -> App:
    """Return the parser of one command's arguments; called with words, it runs the command."""
    from cyclopts import App

    app = App(
        name=f"{PROGRAM} {command.name}",
        version_flags=(),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    app["--help"].show = False
    app.default(load_command(command))
    return app


def _dispatch(words: Sequence[str]) -> int | None:
    rows = {row.name: row for row in COMMANDS}
    first = rows.get(words[0])
    if first is None:
        raise _unknown(words[0], [row.name for row in COMMANDS if " " not in row.name])
    if first.target is not None:
        return _call(first, words[1:])
    if len(words) == 1 or words[1] in HELP_FLAGS:
        sys.stdout.write(help_text(first.name))
        return 0
    second = rows.get(f"{words[0]} {words[1]}")
    if second is None:
        members = [row.name.removeprefix(f"{first.name} ") for row in COMMANDS]
        raise _unknown(words[1], [name for name in members if f"{first.name} {name}" in rows], first.name)
    return _call(second, words[2:])


def _call(command: Command, arguments: Sequence[str]) -> int | None:
    from cyclopts import CycloptsError

    from market.errors import UserError

    try:
        code: int | None = command_app(command)(list(arguments))
    except CycloptsError as error:
        advice = f"`{PROGRAM} {command.name} --help` lists its arguments."
        raise UserError(f"{command.name}: {_in_words(error)} {advice}") from error
    return code


def _in_words(error: CycloptsError) -> str:
    """Return what is wrong with the arguments, in plain words where cyclopts speaks of its own parts."""
    from cyclopts.exceptions import MissingArgumentError, UnusedCliTokensError

    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        words = " ".join(error.unused_tokens)
        return f'"{words}" is more than the command takes. Leave it out, or quote a text with blanks.'
    if type(error) is MissingArgumentError and error.argument is not None:
        name = error.argument.name
        return f"{name} has no value. Write one after it." if error.keyword else f"{name} is missing."
    return str(error).strip()


def _unknown(word: str, known: Sequence[str], group: str = "") -> Exception:
    from difflib import get_close_matches

    from market.errors import UserError

    close = get_close_matches(word, known, n=1, cutoff=0.5)
    typed = f"{group} {word}".strip()
    meant = f' Did you mean "{f"{group} {close[0]}".strip()}"?' if close else ""
    return UserError(f'There is no command "{typed}".{meant} Commands: {", ".join(known)}.')


def _print_version() -> None:
    from importlib.metadata import version

    sys.stdout.write(f"{PROGRAM} {version('harvester')}\n")


if __name__ == "__main__":
    sys.exit(main())
