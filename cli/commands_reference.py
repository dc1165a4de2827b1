"""docs/reference/commands.md, written from the table of commands and the functions behind it.

`python -m cli.commands_reference` writes it, and journal-records.md, profile.md and scan-criteria.md
beside it; tests hold them current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.__main__ import COMMANDS, PROGRAM, Command, command_app

PAGES = Path("docs") / "reference"

_INTRODUCTION = f"""\
# Commands

<!-- Written by `python -m cli.commands_reference`; edit the docstrings of the functions in `cli/`. -->

`{PROGRAM} --help` lists the commands, `{PROGRAM} COMMAND --help` explains one, `{PROGRAM} --version`
prints the version.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a failure of ours; the message names the file that holds the traceback |
| 2 | a mistake in what was typed, or in a file: one message that says what to do; also a failed check |
| 3 | what was checked does not hold: a journal was changed or cut, a replay decided otherwise, sums differ |
| 130 | interrupted with Ctrl-C |
| 141 | whoever read the output went away (`{PROGRAM} ... \\| head`) |

Results go to standard output, progress and messages to standard error. With `--json` standard output
carries exactly one JSON object and nothing else, on an error
`{{"error": {{"type": ..., "message": ..., "exit_code": ...}}}}`. `HARVESTER_DEBUG=1` prints tracebacks.
"""


def commands_page(commands: Sequence[Command] = COMMANDS) -> str:
    """Return the page as Markdown; imports every command."""
    rows = [row for row in commands if row.target is not None]
    listing = "\n".join(f"| [`{row.name}`](#{_anchor(row)}) | {row.summary} |" for row in rows)
    overview = f"| command | what it does |\n|---|---|\n{listing}\n"
    return "\n".join([_INTRODUCTION, overview, *map(_section, rows)])


def write_pages(folder: Path = PAGES) -> list[Path]:
    """Write the reference pages into `folder` and return those whose text changed."""
    from audit.schema_page import page as journal_records_page
    from configs.criteria_reference import criteria_page
    from configs.profile_reference import profile_page

    changed: list[Path] = []
    pages = {
        "commands.md": commands_page(),
        "journal-records.md": journal_records_page(),
        "profile.md": profile_page(),
        "scan-criteria.md": criteria_page(),
    }
    for name, text in pages.items():
        page = folder / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
            changed.append(page)
    return changed


def _section(row: Command) -> str:
    # The parser's own title and usage are replaced: here the arguments have their names.
    _, _, body = command_app(row).generate_docs(output_format="markdown").split("```", 2)
    plain = re.sub(r"\n{3,}", "\n\n", body.strip())
    return f"## {row.name}\n\n```text\n{_usage(row, plain)}\n```\n\n{plain}\n"


def _usage(row: Command, body: str) -> str:
    """Return `harvester NAME ARGUMENT --required-option VALUE [OPTIONS]`."""
    words = [PROGRAM, row.name]
    for line in body.splitlines():
        argument, option = re.match(r"\* `([A-Z_]+)", line), re.match(r"\* `(--([a-z-]+))", line)
        is_required = line.endswith("**[required]**")
        if argument is not None:
            words.append(argument[1] if is_required else f"[{argument[1]}]")
        elif option is not None and is_required:
            words.append(f"{option[1]} {option[2].upper()}")
    return " ".join([*words, "[OPTIONS]"])


def _anchor(row: Command) -> str:
    return row.name.replace(" ", "-")


if __name__ == "__main__":
    for page in write_pages():
        sys.stdout.write(f"wrote {page}\n")
