"""Reads every line of a journal once and checks its hash, its number and its place.

The loop over good lines is short, because it decides how fast a journal is verified; what a broken line
means is worked out beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from audit.journal.findings import Findings
from audit.journal.line import GENESIS, HASH_DIGITS, JSON_START, LineStart, chained, day_of_file, line_start
from market.time import new_york_date

BLOCK_BYTES = 4 << 20
Progress = Callable[[int], None]
"""Called with the number of records read so far."""


class Scan:
    """The state of a reading: the last record, the torn tail, and what was found.

    `tip` is the hash of the last record in its place and `seq` its number. `valid_bytes` is where the
    whole lines of the last file end; `torn_bytes` is what follows there.
    """

    def __init__(self, findings: Findings, *, wanted_hash: str | None = None) -> None:
        self.findings = findings
        self.seq = 0
        self.tip: bytes = GENESIS
        self.first_hash: bytes | None = None
        self.last_line = b""
        self.valid_bytes = 0
        self.torn_bytes = 0
        self.has_wanted_hash = False
        self._wanted = None if wanted_hash is None else wanted_hash.encode() + b" "
        self._file = ""
        self._line = 0
        self._before_judged: tuple[bytes, int] = (GENESIS, 0)
        self._computed_tip: bytes | None = None
        """What the tip's hash ought to be, where a record was edited: its hash may be what was edited."""
        self._is_misnamed = False
        self._converted_file = ""
        self._damaged_after = 0
        self._damaged_count = 0

    def read_file(self, path: Path, *, is_last: bool, progress: Progress | None = None) -> None:
        """Read one day file; the files come in the order of their days. Raises OSError."""
        self._file, self._line = path.name, 0
        pieces: list[bytes] = []  # of a line whose end is not read yet
        self.valid_bytes = 0
        with path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_BYTES):
                pieces.append(block)
                if b"\n" in block:
                    *lines, rest = b"".join(pieces).split(b"\n")
                    pieces = [rest]
                    self._read_lines(lines)
                if progress is not None:
                    progress(self.seq)
        carry = b"".join(pieces)
        self.torn_bytes = len(carry)
        self._check_last_day()
        if not is_last:
            self._end_inner_file(carry)

    def forgive_last_line(self) -> None:
        """Count the last line, found broken, as torn off by a loss of power."""
        length = len(self.last_line) + 1
        self.torn_bytes += length
        self.valid_bytes -= length
        self.tip, self.seq = self._before_judged
        self.last_line = b""

    @property
    def line(self) -> int:
        """The number of the last line read, from 1."""
        return self._line

    @property
    def broken_seq(self) -> int:
        """The number that the line judged last ought to have."""
        return self._before_judged[1] + 1

    @property
    def damaged_lines(self) -> int:
        """Lines since the last record that cannot be read; each may have been a record."""
        return self._damaged_count if self._damaged_after == self.seq else 0

    def _read_lines(self, lines: Sequence[bytes]) -> None:
        if self._line == 0:
            self._check_name(lines[0])
        if self.first_hash is None:
            self.first_hash = lines[0][: JSON_START - 1]
        if self._wanted is not None and not self.has_wanted_hash:
            self.has_wanted_hash = any(line.startswith(self._wanted) for line in lines)
        self.valid_bytes += sum(map(len, lines)) + len(lines)
        self._check(lines)
        self.last_line = lines[-1]

    def _check(self, lines: Sequence[bytes]) -> None:
        """Check whole lines; a good one costs one hash and one comparison."""
        tip, seq, lines_before = self.tip, self.seq, self._line
        for number, line in enumerate(lines, 1):
            seq += 1
            digest = sha256(tip + line[JSON_START:]).hexdigest().encode()
            if line.startswith(b'%b {"seq":%d,' % (digest, seq)):
                tip = digest
                continue
            self.tip, self.seq, self._line = tip, seq - 1, lines_before + number
            self._judge(line, following=lines[number] if number < len(lines) else None)
            tip, seq = self.tip, self.seq
        self.tip, self.seq, self._line = tip, seq, lines_before + len(lines)

    def _judge(self, line: bytes, *, following: bytes | None) -> None:
        """Work out what a line means that does not follow the tip."""
        self._before_judged = (self.tip, self.seq)
        start = line_start(line)
        damaged = self.damaged_lines
        if self._has_converted_end(start, line):
            self._note_converted_ends()
            self._go_on_from(line[:HASH_DIGITS], self.seq + 1)
        elif start is None:
            self._damaged("The line is none that a journal writes: it was overwritten, cut or inserted.")
        elif start.seq == self.seq + 1 or self._is_in_place(start, following):
            self._check_content(start, line)
        elif start.seq <= self.seq:
            self.findings.misplaced(start.seq, file=self._file, line=self._line)
        else:
            if start.seq > self.seq + 1 + damaged:
                self.findings.missing(self.seq + 1, start.seq - 1, file=self._file, line=self._line)
            self._go_on_from(start.hash, start.seq)

    def _has_converted_end(self, start: LineStart | None, line: bytes) -> bool:
        """Return whether a record in its place holds but for a carriage return at its end."""
        if start is None or start.seq != self.seq + 1 or not line.endswith(b"\r"):
            return False
        return chained(self.tip, line[JSON_START:-1]) == start.hash

    def _note_converted_ends(self) -> None:
        """Note converted line ends once a file."""
        if self._file != self._converted_file:
            self._converted_file = self._file
            why = "The line ends with CR LF, as editors and transfers write it: the file was converted."
            self._note("line_ends", why)

    def _is_in_place(self, start: LineStart, following: bytes | None) -> bool:
        """Return whether the next line follows this one by hash and by place: only its number was edited."""
        after = None if following is None else line_start(following)
        if after is None or following is None:
            return False
        return after.seq == self.seq + 2 and chained(start.hash, following[JSON_START:]) == after.hash

    def _check_content(self, start: LineStart, line: bytes) -> None:
        """Judge a line in its place whose hash does not follow from the tip's."""
        json = line[JSON_START:]
        computed = chained(self.tip, json)
        was_reported = self._computed_tip is not None and chained(self._computed_tip, json) == start.hash
        if not was_reported:
            self._note(
                "edited",
                "Its hash does not follow from its content and the record before it: "
                "this record was edited, or the one before it was replaced.",
            )
        self._go_on_from(start.hash, self.seq + 1)
        self._computed_tip = None if was_reported else computed

    def _damaged(self, why: str) -> None:
        self._damaged_after, self._damaged_count = self.seq, self.damaged_lines + 1
        self._note("damaged", why)

    def _note(self, what: str, why: str) -> None:
        self.findings.add(what, why, file=self._file, line=self._line, seq=self.seq + 1)

    def _go_on_from(self, tip: bytes, seq: int) -> None:
        self.tip, self.seq, self._computed_tip = tip, seq, None

    def _check_name(self, first_line: bytes) -> None:
        """A day file is begun by a record of its day."""
        start = line_start(first_line)
        day = None if start is None else new_york_date(start.ts_ns)
        self._is_misnamed = day is not None and day != day_of_file(self._file)
        if self._is_misnamed:
            why = f"Its first record is of {day}: the file was renamed, or its beginning was replaced."
            self.findings.add("misnamed", why, file=self._file, line=1, seq=self.seq + 1)

    def _check_last_day(self) -> None:
        """A record of a later day begins a file of its own, so it cannot be the last of an earlier day."""
        start = line_start(self.last_line) if self._line and not self._is_misnamed else None
        day = day_of_file(self._file)
        if start is not None and day is not None and new_york_date(start.ts_ns) > day:
            why = "The record is of a later day than its file: it was moved from another file."
            self.findings.add("misplaced", why, file=self._file, line=self._line, seq=start.seq)

    def _end_inner_file(self, carry: bytes) -> None:
        if carry:
            self._line += 1
            self._damaged("The file ends in the middle of a record, and another file follows it.")
        elif self._line == 0:
            why = "The file is empty, and another file follows it."
            self.findings.add("damaged", why, file=self._file, seq=self.seq + 1)
