"""Checks of a profile and of the catalog that its backtest reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cli.doctor_findings import Finding, fail, ok, run_checks, warn
from market.errors import UserError

if TYPE_CHECKING:
    from catalog.manifest import Manifest
    from configs.profile import LoadedProfile

SYMBOLS_SHOWN_MAX = 10


def profile_findings(path: Path, *, overrides: Sequence[str], catalog: Path | None) -> Iterator[Finding]:
    """Yield the findings about the profile at `path` and the catalog that it, or `catalog`, names."""
    from configs.profile import load_profile

    try:
        loaded = load_profile(path, overrides=overrides, purpose="research")
    except UserError as error:
        yield fail(
            "profile", str(error), "Correct the profile; docs/reference/profile.md explains every key."
        )
        return
    profile = loaded.profile
    yield ok("profile", f"{profile.name} ({profile.environment}), hash {loaded.hash[:12]}")
    yield from run_checks([("trading", lambda: check_trading(path, overrides, loaded))])
    backtest = profile.backtest
    root = catalog or (Path(backtest.catalog) if backtest is not None and backtest.catalog else None)
    if root is None:
        if profile.environment == "dev":
            advice = "Set backtest.catalog in the profile, or give --catalog."
            yield warn("catalog", "the profile names none", advice)
        return
    yield from catalog_findings(root, loaded)


def check_trading(path: Path, overrides: Sequence[str], loaded: LoadedProfile) -> Finding:
    """A paper or live profile could be started as it stands, with the switch that is set now."""
    from configs.profile import load_profile

    if loaded.profile.environment == "dev":
        return ok("trading", "a dev profile: backtests and the simulator only")
    try:
        load_profile(path, overrides=overrides, purpose="trade")
    except UserError as error:
        return warn("trading", f"could not be started now: {error}", "Needed to trade, not to backtest.")
    broker = loaded.profile.broker
    return ok("trading", f"may connect to {broker.host}:{broker.port} for account {broker.account}")


def catalog_findings(root: Path, loaded: LoadedProfile) -> Iterator[Finding]:
    """Yield whether the catalog at `root` is whole and holds what the profile replays."""
    from catalog.manifest import read_manifest

    advice = f"Make it with `harvester ingest ... --catalog {root}` (`harvester demo` makes the demo's)."
    try:
        manifest = read_manifest(root)
    except (UserError, OSError) as error:
        yield fail("catalog", str(error), "Restore it, or ingest into a new folder.")
        return
    if manifest is None:
        yield fail("catalog", f"there is none in {root}", advice)
        return
    yield from run_checks(
        [
            ("catalog", lambda: check_files(root, manifest)),
            ("catalog data", lambda: check_streams(manifest, loaded)),
            ("catalog dates", lambda: check_dates(manifest, loaded)),
        ]
    )


def check_files(root: Path, manifest: Manifest) -> Finding:
    """Every file and every instrument of the manifest is there, and begins and ends as Parquet does."""
    from catalog.storage.publish import needs_recovery

    files = [file for ingest in manifest.ingests for file in ingest.files]
    broken = [file.path for file in files if not is_parquet(root / file.path)]
    broken += [
        folder for folder in _definitions(manifest) if not any(map(is_parquet, (root / folder).glob("*")))
    ]
    if broken:
        listed = ", ".join(broken[:3]) + (f" and {len(broken) - 3} more" if len(broken) > 3 else "")
        return fail("catalog", f"missing or damaged: {listed}", "Ingest their sources again with --replace.")
    if needs_recovery(root):
        advice = "Any command that reads the catalog completes it, `harvester catalog show` for one."
        return warn("catalog", f"{root}: an ingest was interrupted while it was published", advice)
    rows = sum(file.rows for file in files)
    return ok(
        "catalog", f"{root}: {len(files)} files, {rows:,} rows, {len(manifest.instruments)} instruments"
    )


def _definitions(manifest: Manifest) -> list[str]:
    """Return the folders in which Nautilus looks for the instruments' definitions."""
    return [f"data/equity/{name.replace('/', '')}" for name in manifest.instruments]


def check_streams(manifest: Manifest, loaded: LoadedProfile) -> Finding:
    """The catalog has quotes of every symbol, depth where the profile asks for L2, trades for queues."""
    from market.instruments import instrument_id, symbol_of

    name, profile = "catalog data", loaded.profile
    held = {
        (file.kind.value, symbol_of(file.instrument_id))
        for ingest in manifest.ingests
        for file in ingest.files
    }
    needed = profile.universe.symbols
    if not needed:  # a universe file decides on the day; report what there is for it to choose from
        quoted = sorted(symbol for kind, symbol in held if kind == "quote")
        return ok(name, f"quotes of {_listed(quoted)}") if quoted else _no_quotes(name, ["any symbol"])
    without_quotes = [symbol for symbol in needed if ("quote", symbol_of(instrument_id(symbol))) not in held]
    if without_quotes:
        return _no_quotes(name, without_quotes)
    shallow = [symbol for symbol in needed if ("delta", symbol) not in held]
    if profile.universe.book == "L2" and shallow:
        advice = 'Ingest depth, or set universe.book = "L1".'
        return fail(name, f"no depth of {_listed(shallow)}", advice)
    untraded = [symbol for symbol in needed if ("trade", symbol) not in held]
    if profile.backtest is not None and profile.backtest.queue_position and untraded:
        advice = "Ingest trades, or set backtest.queue_position = false: queues advance by trades."
        return warn(name, f"no trades of {_listed(untraded)}", advice)
    return ok(name, f"{profile.universe.book} of {_listed(needed)}")


def check_dates(manifest: Manifest, loaded: LoadedProfile) -> Finding:
    """The catalog has quotes within the profile's period, from its first to its last session."""
    from market.time import new_york_date

    symbols = loaded.profile.universe.symbols
    spans = [
        (new_york_date(file.start_ns), new_york_date(file.end_ns))
        for ingest in manifest.ingests
        for file in ingest.files
        if file.kind.value == "quote" and (not symbols or file.instrument_id.rpartition(".")[0] in symbols)
    ]
    if not spans:
        return _no_quotes("catalog dates", symbols or ["any symbol"])
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    backtest = loaded.profile.backtest
    start = backtest.start if backtest is not None and backtest.start is not None else first
    end = backtest.end if backtest is not None and backtest.end is not None else last
    return _covered(start, end, spans)


def _covered(start: date, end: date, spans: Sequence[tuple[date, date]]) -> Finding:
    from market.calendar import TradingCalendar

    sessions = [session.date for session in TradingCalendar(start, end).sessions(start, end)]
    asked = f"{start} to {end}"
    if not sessions:
        return fail("catalog dates", f"no session on {asked}", "Choose dates on which the exchange is open.")
    empty = [day for day in sessions if not any(first <= day <= last for first, last in spans)]
    if len(empty) == len(sessions):
        return fail("catalog dates", f"no quotes on {asked}", "Set backtest.start and end to days with data.")
    if empty:
        listed = _listed([str(day) for day in empty])
        return warn("catalog dates", f"no quotes on {listed}", "Ingest those days, or shorten the period.")
    return ok("catalog dates", f"{len(sessions)} session{'s' if len(sessions) > 1 else ''}, {asked}")


def is_parquet(file: Path) -> bool:
    """Return whether a file begins and ends with Parquet's mark, which a cut-off one does not."""
    try:
        with file.open("rb") as stream:
            head = stream.read(4)
            stream.seek(-4, 2)
            return head == stream.read(4) == b"PAR1"
    except OSError:
        return False


def _no_quotes(check: str, symbols: Sequence[str]) -> Finding:
    advice = "Ingest quotes of them, or take them out of universe.symbols."
    return fail(check, f"no quotes of {_listed(symbols)}", advice)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SYMBOLS_SHOWN_MAX
    return ", ".join(names[:SYMBOLS_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
