"""What a command prints, and the border where an exception becomes a message and an exit code.

Standard output carries results; progress, warnings and errors go to standard error. With `--json`
standard output carries exactly one JSON object: `run` lends the command standard error in its
place, down to the file descriptor (the engine's Rust log writes there), keeps what `print_json` was
given, and writes that or the error at the end.

    UserError             its message                                        exit 2
    KeyboardInterrupt     "interrupted"                                      exit 130
    anything else         one line, and the file that holds the traceback    exit 1

`HARVESTER_DEBUG=1` prints tracebacks, those of user errors too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from market.errors import HarvesterError, UserError

if TYPE_CHECKING:
    from rich.console import Console

DEBUG_VARIABLE = "HARVESTER_DEBUG"
EXIT_FAILURE = 1
EXIT_USER_ERROR = UserError.exit_code
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
PIPE_COLUMNS = 160


class _JsonReply:
    """The one JSON object of a `--json` command, kept until the command has ended."""

    def __init__(self) -> None:
        self.text: str | None = None


_reply: _JsonReply | None = None


def print_json(obj: object) -> None:
    """Print `obj` (a mapping, Struct or dataclass) as one JSON object on standard output.

    Decimals, dates and paths become strings, NumPy values numbers and lists, NaN becomes null.
    Raises `TypeError` for what is not a JSON object, and on a second object under `--json`.
    """
    text = json_text(obj)
    if not text.startswith("{"):
        raise TypeError(f"a command's JSON must be one object, not {type(obj).__name__}")
    if _reply is None:
        sys.stdout.write(text + "\n")
        return
    if _reply.text is not None:
        raise TypeError("a command may print one JSON object, this is its second")
    _reply.text = text


def json_text(obj: object) -> str:
    """Return `obj` as indented JSON; see `print_json` for the conversions."""
    import msgspec

    encoded = msgspec.json.encode(obj, enc_hook=_json_value)
    return msgspec.json.format(encoded, indent=2).decode()


def stderr_console() -> Console:
    """Return a rich console on standard error, for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def stdout_console() -> Console:
    """Return a rich console on standard output, for a result that people read.

    A pipe or a file has no width; tables written there are as wide as they need, instead of cut at 80.
    """
    from rich.console import Console

    class ResultConsole(Console):
        def on_broken_pipe(self) -> None:
            """Leave a reader that went away to `run`; rich itself would exit with 1."""
            raise BrokenPipeError

    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    return ResultConsole(highlight=False, width=None if has_width else PIPE_COLUMNS)


def run(command: Callable[[], int | None], *, as_json: bool = False) -> int:
    """Run `command` and return the exit code of the process; nothing escapes but `SystemExit`.

    `None` counts as 0. With `as_json` an error too is an object on standard output,
    `{"error": {"type", "message", "exit_code"}}`, beside its message on standard error.
    """
    if not as_json:
        return _guarded(command, report=_print_error)
    with _json_reply() as reply:

        def report(error: BaseException, message: str, code: int) -> None:
            _print_error(error, message, code)
            kind = type(error).__name__
            reply.text = json_text({"error": {"type": kind, "message": message, "exit_code": code}})

        return _guarded(command, report=report)


def _guarded(command: Callable[[], int | None], *, report: Callable[[BaseException, str, int], None]) -> int:
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        report(interrupt, "interrupted", EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`harvester ... | head`); keep Python from failing again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except UserError as error:
        report(error, str(error), error.exit_code)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the border of the process: everything ends here
        report(error, _failure_message(error), EXIT_FAILURE)
        return EXIT_FAILURE
    return 0 if code is None else code


def _print_error(error: BaseException, message: str, _code: int) -> None:
    if os.environ.get(DEBUG_VARIABLE) and not isinstance(error, KeyboardInterrupt):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    label = "error:"
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        label = f"\x1b[1;31m{label}\x1b[0m"
    sys.stderr.write(f"{label} {message}\n")


def _failure_message(error: Exception) -> str:
    text = " ".join(str(error).split())
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if os.environ.get(DEBUG_VARIABLE):
        where = "The traceback is above."
    else:
        where = f"The traceback is in {_save_traceback(error)} ({DEBUG_VARIABLE}=1 prints it)."
    if isinstance(error, HarvesterError):
        return f"{text} {where}"
    return f"Harvester failed, which is a defect of ours and not of your input: {what}. {where}"


def _save_traceback(error: Exception) -> str:
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="harvester-", suffix=".traceback.txt", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError as problem:
        return f"no file, because writing one failed ({problem})"
    return file.name


@contextmanager
def _json_reply() -> Iterator[_JsonReply]:
    """Lend standard error out as standard output, and write the kept object at the end."""
    global _reply
    outer, _reply = _reply, _JsonReply()
    stdout, sys.stdout = sys.stdout, sys.stderr
    descriptor = _lend_descriptor(stdout)
    try:
        yield _reply
    finally:
        sys.stdout.flush()
        if descriptor is not None:
            os.dup2(descriptor, stdout.fileno())
            os.close(descriptor)
        sys.stdout = stdout
        text, _reply = _reply.text, outer
        if text is not None:
            stdout.write(text + "\n")
            stdout.flush()


def _lend_descriptor(stdout: TextIO) -> int | None:
    """Point the descriptor of the process's own `stdout` at standard error; return a copy of the old one."""
    if stdout is not sys.__stdout__:
        return None
    stdout.flush()
    copy = os.dup(stdout.fileno())
    os.dup2(sys.stderr.fileno(), stdout.fileno())
    return copy


def _json_value(value: Any) -> object:
    """Convert what msgspec cannot encode: paths, and NumPy scalars and arrays by their `tolist`."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
