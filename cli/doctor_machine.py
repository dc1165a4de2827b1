"""Checks of the machine: Python, packages, bytecode, disk, memory, clock, permissions. No network."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata, util
from pathlib import Path

from cli.doctor_findings import Finding, fail, ok, run_checks, warn

PYTHON_REQUIRED = (3, 12)
DISK_BYTES_NEEDED = 200 * 1024**2
DISK_BYTES_COMFORTABLE = 2 * 1024**3
MEMORY_BYTES_NEEDED = 1024**3
MEMORY_BYTES_COMFORTABLE = 4 * 1024**3
CLOCK_SKEW_SECONDS_MAX = 2.0
"""Between this machine's clock and the one that stamps its files (they differ on a network drive)."""

REINSTALL = "Run `uv sync` in the checkout."


def machine_findings(runs: Path) -> Iterator[Finding]:
    """Yield the findings about this machine; `runs` is the folder that results go to."""
    yield from run_checks(
        [
            ("python", check_python),
            ("packages", check_packages),
            ("engine", check_engine),
            ("bytecode", check_bytecode),
            ("disk", lambda: check_disk(shutil.disk_usage(existing_parent(runs)).free, runs)),
            ("memory", lambda: check_memory(memory_bytes())),
            ("cores", lambda: check_cores(len(os.sched_getaffinity(0)))),
            ("time zones", check_time_zones),
            ("clock", lambda: check_clock(existing_parent(runs))),
            ("runs folder", lambda: check_runs_folder(runs)),
        ]
    )


def check_python() -> Finding:
    """The interpreter is the one that the lock file was made for."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] != PYTHON_REQUIRED or sys.maxsize < 2**63 - 1:
        needed = ".".join(map(str, PYTHON_REQUIRED))
        return fail(
            "python", found, f"Harvester needs 64-bit Python {needed}: run it with `uv run harvester`."
        )
    return ok("python", found)


def check_packages() -> Finding:
    """Every package is there in a version that the project allows."""
    requirements = metadata.requires("harvester") or []
    wrong: list[str] = []
    for requirement in requirements:
        name, specifiers = parse_requirement(requirement)
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if not all(satisfies(installed, specifier) for specifier in specifiers):
            wrong.append(f"{name} is {installed}, needs {','.join(specifiers)}")
    if util.find_spec("ibapi") is None:
        wrong.append("ibapi is missing (extra `ib` of nautilus_trader)")
    if wrong:
        return fail("packages", "; ".join(wrong), REINSTALL)
    pinned = metadata.version("nautilus_trader")
    return ok("packages", f"nautilus_trader {pinned}, and {len(requirements)} more with ibapi")


def check_engine() -> Finding:
    """Nautilus' compiled core runs on this processor and C library."""
    try:
        from nautilus_trader.core import nautilus_pyo3
    except ImportError as error:
        return fail(
            "engine", f"nautilus_trader cannot be imported: {error}", f"{REINSTALL} It needs glibc 2.35."
        )
    return ok("engine", f"nautilus_trader {nautilus_pyo3.NAUTILUS_VERSION} runs on this processor")


def check_bytecode() -> Finding:
    """Packages are compiled, or can be: otherwise every start costs two seconds more."""
    spec = util.find_spec("nautilus_trader")
    source = None if spec is None else spec.origin
    if source is None:
        return fail("bytecode", "nautilus_trader is missing", REINSTALL)
    if Path(util.cache_from_source(source)).exists():
        return ok("bytecode", "compiled")
    if sys.dont_write_bytecode:
        advice = "Unset PYTHONDONTWRITEBYTECODE, or compile once with `uv sync --compile-bytecode`."
        return warn("bytecode", "not compiled, and PYTHONDONTWRITEBYTECODE forbids it", advice)
    if not os.access(Path(source).parent, os.W_OK):
        advice = "Run `uv sync --compile-bytecode` once, as a user who may write there."
        return warn("bytecode", "not compiled, and this user cannot compile it", advice)
    return ok("bytecode", "not compiled yet; the first start of a command does it")


def check_disk(free_bytes: int, folder: Path) -> Finding:
    """There is room for catalogs and runs."""
    found = f"{_gigabytes(free_bytes)} free for {folder}"
    if free_bytes < DISK_BYTES_NEEDED:
        return fail("disk", found, f"Free at least {_gigabytes(DISK_BYTES_NEEDED)}; a run cannot be written.")
    if free_bytes < DISK_BYTES_COMFORTABLE:
        return warn(
            "disk", found, f"Free {_gigabytes(DISK_BYTES_COMFORTABLE)}: a busy day of depth needs it."
        )
    return ok("disk", found)


def check_memory(total_bytes: int) -> Finding:
    """There is memory for a backtest; a container's limit counts."""
    found = _gigabytes(total_bytes)
    if total_bytes < MEMORY_BYTES_NEEDED:
        return fail("memory", found, f"A backtest needs at least {_gigabytes(MEMORY_BYTES_NEEDED)}.")
    if total_bytes < MEMORY_BYTES_COMFORTABLE:
        return warn(
            "memory", found, "Set backtest.chunk_size, e.g. 100000, to bound what is loaded at a time."
        )
    return ok("memory", found)


def check_cores(count: int) -> Finding:
    """Trading leaves a core for everything else."""
    if count < 2:
        return warn("cores", str(count), "Give it 2: the engine keeps one busy, log and report need another.")
    return ok("cores", str(count))


def check_time_zones() -> Finding:
    """New York's rules are known: 4 hours behind UTC in summer, 5 in winter."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    advice = "Install the time zone database: the package `tzdata` of your system or of PyPI."
    try:
        new_york = ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError as error:
        return fail("time zones", str(error), advice)
    offsets = [datetime(2026, month, 15, tzinfo=UTC).astimezone(new_york).utcoffset() for month in (1, 7)]
    hours = [offset.total_seconds() / 3600 for offset in offsets if offset is not None]
    if hours != [-5.0, -4.0]:
        return fail("time zones", f"New York is {hours} hours from UTC, which is wrong", advice)
    return ok("time zones", "America/New_York is known")


def check_clock(folder: Path) -> Finding:
    """The clock is plausible: not before the installed program, and one with the file system's."""
    now = time.time()
    shown = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC"
    advice = "Synchronise it (NTP): session windows, quote ages and the journal rely on it."
    installed = Path(__file__).stat().st_mtime
    if now < installed:
        return fail("clock", f"{shown}, before this program was installed", advice)
    with tempfile.NamedTemporaryFile(dir=folder if os.access(folder, os.W_OK) else None) as file:
        skew = abs(Path(file.name).stat().st_mtime - time.time())
    if skew > CLOCK_SKEW_SECONDS_MAX:
        return warn("clock", f"{shown}, {skew:.1f} s from the clock of {folder}", advice)
    return ok("clock", shown)


def check_runs_folder(runs: Path) -> Finding:
    """Results can be written."""
    folder = existing_parent(runs)
    if not folder.is_dir():
        return fail("runs folder", f"{folder} is not a folder", "Name another with --output.")
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        return fail(
            "runs folder", f"{runs} cannot be written: {error.strerror}", "Name another with --output."
        )
    return ok("runs folder", f"{runs} can be written")


def existing_parent(path: Path) -> Path:
    """Return `path`, or the nearest folder above it that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or its container's limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(total, int(text)) if text.isdigit() else total


def parse_requirement(text: str) -> tuple[str, list[str]]:
    """Return name and version specifiers: `nautilus-trader[ib]==1.2` gives `nautilus-trader`, `["==1.2"]`."""
    plain = re.sub(r"\[.*?\]|\s|;.*", "", text)
    match = re.match(r"[A-Za-z0-9._-]+", plain)
    assert match is not None, f"not a requirement: {text}"
    return match[0], [part for part in plain[match.end() :].split(",") if part]


def satisfies(version: str, specifier: str) -> bool:
    """Return whether a release such as `1.231.0` fulfils `==`, `>=`, `<=`, `<`, `>` or `!=` another."""
    match = re.fullmatch(r"(==|>=|<=|<|>|!=)(.+)", specifier)
    assert match is not None, f"not a version specifier: {specifier}"
    left, right = _release(version), _release(match[2])
    width = max(len(left), len(right))
    left, right = left + (0,) * (width - len(left)), right + (0,) * (width - len(right))
    return {
        "==": left == right,
        ">=": left >= right,
        "<=": left <= right,
        "<": left < right,
        ">": left > right,
        "!=": left != right,
    }[match[1]]


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[^\d.]", version)[0]))


def _gigabytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GB"
