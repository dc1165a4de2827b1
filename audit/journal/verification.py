"""Checks that a journal is what its writer left: every record, every file, in order and unedited."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from audit.journal.errors import VERIFY_RUNBOOK, readable
from audit.journal.findings import Findings, Problem
from audit.journal.head import HEAD_FILE, Head, read_head
from audit.journal.line import DAY_FILE_SUFFIX, HASH_DIGITS, day_files, day_of_file, line_start
from audit.journal.scan import Progress, Scan
from market.errors import DataError, NotFoundError, UserError

_HASH = re.compile(rf"[0-9a-f]{{{HASH_DIGITS}}}")

_TAIL_BYTES = 4_096


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds, and whether all of it holds.

    `ok` is true without problems. `records` counts the records in their places; `first_hash` and
    `last_hash` are those of the first and the last one, None without records. `is_closed` is true when
    the last record is of kind `closed`. `torn_tail_bytes` follow the last record without being one: a
    crash cut a record that nobody had acknowledged, which is no problem. `head_seq` is the last
    acknowledged record, None without a readable head.
    """

    ok: bool
    records: int
    files: tuple[str, ...]
    first_hash: str | None
    last_hash: str | None
    is_closed: bool
    torn_tail_bytes: int
    head_seq: int | None
    problems: tuple[Problem, ...]


def verify(
    folder: Path,
    *,
    expected_hash: str | None = None,
    may_have_grown: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """Return what verification of the journal in `folder` found; works beside a running writer.

    `expected_hash` is the hash of the last record, noted elsewhere earlier; with `may_have_grown`
    records may follow it. `progress` is called now and then with the records read so far. Raises
    `NotFoundError` for a folder without a journal, and `UserError` for what cannot be a hash and for files
    that cannot be read.
    """
    if expected_hash is not None and _HASH.fullmatch(expected_hash) is None:
        raise UserError(f"{expected_hash!r} is not a hash. Give its {HASH_DIGITS} hexadecimal digits.")
    with readable(folder):
        return examine(
            folder, expected_hash=expected_hash, may_have_grown=may_have_grown, progress=progress
        ).verification


class Examination(msgspec.Struct, frozen=True):
    """A verification with what a repair needs: the head that was read and the state after the reading."""

    verification: Verification
    head: Head | None
    scan: Scan
    paths: tuple[Path, ...]


def examine(
    folder: Path,
    *,
    expected_hash: str | None = None,
    may_have_grown: bool = False,
    progress: Progress | None = None,
) -> Examination:
    """Verify, and return the state of the reading too; arguments as in `verify`."""
    findings = Findings()
    head = _read_head(folder, findings)  # before the files: they may grow meanwhile, and never shrink
    paths = _day_files(folder, findings)
    if head is None and not findings and not paths:
        raise NotFoundError(f"{folder} holds no journal. Name the folder of a run that has one.")
    scan = Scan(findings, wanted_hash=expected_hash)
    for path in paths:
        scan.read_file(path, is_last=path == paths[-1], progress=progress)
    _forgive_torn_line(scan, head, paths)
    _check_head(scan, head, paths)
    if expected_hash is not None:
        _check_expected(
            scan, expected_hash, may_have_grown=may_have_grown, end=paths[-1].name if paths else ""
        )
    problems = findings.all()
    start = line_start(scan.last_line)
    has_records = scan.seq > 0
    verification = Verification(
        ok=not problems,
        records=scan.seq,
        files=tuple(path.name for path in paths),
        first_hash=scan.first_hash.decode(errors="replace") if has_records and scan.first_hash else None,
        last_hash=scan.tip.decode() if has_records else None,
        is_closed=start is not None and start.kind == "closed",
        torn_tail_bytes=scan.torn_bytes,
        head_seq=None if head is None else head.seq,
        problems=problems,
    )
    return Examination(verification, head, scan, tuple(paths))


def _read_head(folder: Path, findings: Findings) -> Head | None:
    try:
        return read_head(folder)
    except DataError as error:
        findings.add("head_damaged", str(error), file=HEAD_FILE)
    return None


def _day_files(folder: Path, findings: Findings) -> list[Path]:
    """Return the day files; a file that looks like one and is none is a problem."""
    if not folder.is_dir():
        raise NotFoundError(f"{folder} holds no journal. Name the folder of a run that has one.")
    for path in sorted(folder.iterdir()):
        if path.suffix == DAY_FILE_SUFFIX and day_of_file(path.name) is None:
            findings.add("misnamed", "No day file has such a name; it was renamed or added.", file=path.name)
    return day_files(folder)


def _forgive_torn_line(scan: Scan, head: Head | None, paths: list[Path]) -> None:
    """A broken last line that the head does not know of yet was torn by a loss of power, not edited."""
    if head is None or not paths or scan.broken_seq <= head.seq:
        return
    if scan.findings.pop_if_at(paths[-1].name, scan.line):
        scan.forgive_last_line()


def _check_head(scan: Scan, head: Head | None, paths: list[Path]) -> None:
    """Compare the end of the records with what the head acknowledges."""
    findings = scan.findings
    if head is None:
        if not findings:
            why = (
                f"The file {HEAD_FILE!r} is missing: nothing says how far the records went. "
                f"See {VERIFY_RUNBOOK}."
            )
            findings.add("head_missing", why, file=HEAD_FILE)
        return
    if scan.seq + scan.damaged_lines < head.seq:
        gone = head.seq - scan.seq
        lost = "the last one was" if gone == 1 else f"the last {gone} were"
        end, how = f"after {scan.seq}", f"{lost} cut off, or the day file {head.file} was deleted"
        if scan.torn_bytes:
            end, how = f"in the middle of record {scan.seq + 1}", f"{lost} cut off"
        why = f"The head acknowledges {head.seq} records, and the files end {end}: {how}."
        last = paths[-1].name if paths else head.file
        findings.add("truncated", why, file=last, line=scan.line + 1, seq=scan.seq + 1)
    elif not findings and not _is_at_its_place(head, scan, paths):
        why = (
            f"Record {head.seq} does not stand where the head saw it, or has another hash: "
            "the head was edited, or all records were written anew."
        )
        findings.add("head_differs", why, file=head.file or HEAD_FILE, seq=head.seq)


def _is_at_its_place(head: Head, scan: Scan, paths: list[Path]) -> bool:
    """Return whether the line that ends where the head says has the head's hash and number."""
    if head.seq == 0:
        return head == Head()
    path = next((path for path in paths if path.name == head.file), None)
    if path is None or (path == paths[-1] and head.file_bytes > scan.valid_bytes):
        return False
    line = _line_ending_at(path, head.file_bytes)
    return line.startswith(b'%b {"seq":%d,' % (head.hash.encode(), head.seq))


def _line_ending_at(path: Path, end: int) -> bytes:
    """Return the line whose newline is the byte before `end`; empty when there is none."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if not 0 < end <= file.tell():
            return b""
        length = _TAIL_BYTES
        while True:
            start = max(0, end - length)
            file.seek(start)
            tail = file.read(end - start)
            newline = tail.rfind(b"\n", 0, -1)
            if newline >= 0 or start == 0:
                return tail[newline + 1 : -1] if tail.endswith(b"\n") else b""
            length *= 2


def _check_expected(scan: Scan, expected_hash: str, *, may_have_grown: bool, end: str) -> None:
    """Compare the last record with the expected hash; `end` is the file that it stands in."""
    if scan.seq > 0 and scan.tip == expected_hash.encode():
        return
    if scan.has_wanted_hash and may_have_grown:
        return
    if scan.has_wanted_hash:
        what = "grown"
        why = f"A record has the expected hash {expected_hash[:12]}.., but others were added after it."
    else:
        what = "replaced"
        why = (
            f"No record has the expected hash {expected_hash[:12]}..: the journal was replaced or cut, "
            "or the hash that was noted is wrong."
        )
    line = scan.line if end else None
    scan.findings.add(what, why, file=end or HEAD_FILE, line=line, seq=scan.seq)
