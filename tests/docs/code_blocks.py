"""Reads the fenced code blocks of a Markdown page, with the test directive written above a block."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_DIRECTIVE = re.compile(r"<!--\s*docs-test:\s*(?P<text>.+?)\s*-->")
SHELL_LANGUAGES = frozenset({"bash", "sh", "shell", "console"})


@dataclass(frozen=True)
class CodeBlock:
    """One fenced block; `directive` is `exit N`, `not run: REASON`, or None where it must succeed."""

    page: Path
    line: int
    language: str
    text: str
    directive: str | None

    @property
    def expected_exit(self) -> int:
        """The exit code that the last command of the block must have."""
        if self.directive and self.directive.startswith("exit "):
            return int(self.directive.removeprefix("exit "))
        return 0

    @property
    def is_run(self) -> bool:
        """Whether the tests execute the block."""
        return not (self.directive or "").startswith("not run:")

    def commands(self) -> list[str]:
        """The shell commands: every line, or of a console session those after `$ `; backslashes join."""
        joined = self.text.replace("\\\n", " ")
        lines = [line.rstrip() for line in joined.splitlines() if line.strip()]
        if self.language == "console":
            return [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if not line.lstrip().startswith("#")]


def code_blocks(page: Path) -> list[CodeBlock]:
    """Return the fenced blocks of `page` in order."""
    blocks: list[CodeBlock] = []
    directive: str | None = None
    fence: tuple[str, int] | None = None
    body: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        stripped = line.strip()
        if fence is not None:
            if stripped == "```":
                blocks.append(CodeBlock(page, fence[1], fence[0], "\n".join(body), directive))
                fence, body, directive = None, [], None
            else:
                body.append(line)
        elif stripped.startswith("```"):
            fence = (stripped.removeprefix("```").split(" ")[0], number)
        elif match := _DIRECTIVE.fullmatch(stripped):
            directive = match["text"]
        elif stripped:
            directive = None
    return blocks
