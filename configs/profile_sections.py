"""The sections of a profile: what may be written, in which unit, within which bounds.

`risk` and `session` belong to the folders that enforce them (`risk.limits`, `market.session_windows`).
docs/reference/profile.md is generated from these types.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from configs.profile_fields import NAME_PATTERN, Section, setting
from market.instruments import SYMBOL_PATTERN

ACCOUNT_PATTERN = r"D?[A-Z][0-9]{5,10}"

Environment = Literal["dev", "uat", "live"]
Symbols = Annotated[
    tuple[str, ...],
    setting("Symbols in upper case.", pattern=SYMBOL_PATTERN, example='"BAC" or "BRK.B"'),
]


class Broker(Section, frozen=True, kw_only=True):
    """Where orders go. Which values an environment allows: docs/concepts/environments.md."""

    connection: Annotated[
        Literal["none", "simulator", "tws", "gateway"],
        setting("`none` for backtests alone, `simulator` for the simulated TWS, else Interactive Brokers."),
    ] = "none"
    host: Annotated[
        str,
        setting("Host name or address.", pattern=r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}", example="127.0.0.1"),
    ] = "127.0.0.1"
    port: Annotated[
        int | None, setting("TCP port; needed for every connection but `none`.", at_least=1, at_most=65535)
    ] = None
    client_id: Annotated[
        int, setting("Client id, unique among the programs on one TWS.", at_least=0, at_most=999999)
    ] = 1
    account: Annotated[
        str | None,
        setting(
            "Account that the connection must be logged into; paper accounts begin with D.",
            pattern=ACCOUNT_PATTERN,
            example="DU1234567",
        ),
    ] = None


class Secrets(Section, frozen=True, kw_only=True):
    """Where secrets are found. Their values never stand in a profile; this section is not hashed."""

    file: Annotated[
        str | None,
        setting('TOML file of `name = "value"` lines outside the checkout, readable by its owner alone.'),
    ] = None
    required: Annotated[
        tuple[str, ...],
        setting(
            "Names that must be found, in `HARVESTER_SECRET_<NAME>` or in the file.",
            pattern=NAME_PATTERN,
            example='"tws_password"',
        ),
    ] = ()


class UniverseSection(Section, frozen=True, kw_only=True):
    """What may be traded: a list of symbols, or a universe file whose rules are applied to a day."""

    symbols: Symbols = ()
    file: Annotated[
        str | None, setting("Universe file (TOML or CSV), relative to the profile that names it.")
    ] = None
    book: Annotated[Literal["L1", "L2"], setting("Best bid and offer alone, or depth as well.")] = "L1"

    def contradictions(self) -> Sequence[str]:
        """Exactly one source of symbols, each symbol once."""
        if bool(self.symbols) == (self.file is not None):
            both = "both are given" if self.symbols else "neither is given"
            return (f"symbols or file must be given, one of them: {both}",)
        return _repeated("symbols", self.symbols)


class StrategySection(Section, frozen=True, kw_only=True):
    """One running strategy: its decision module and the parameters of it."""

    name: Annotated[
        str,
        setting("Name of this instance, unique in the profile.", pattern=NAME_PATTERN, example="harvester"),
    ]
    decision: Annotated[
        str,
        setting(
            "Folder or module under `strategies/` that decides.", pattern=NAME_PATTERN, example="harvester"
        ),
    ]
    symbols: Annotated[
        tuple[str, ...],
        setting(
            "Symbols it trades; empty means the whole universe.", pattern=SYMBOL_PATTERN, example='"BAC"'
        ),
    ] = ()
    parameters: Annotated[
        dict[str, Any], setting("The strategy's own parameters; its README lists them.")
    ] = {}

    def contradictions(self) -> Sequence[str]:
        """Each symbol once."""
        return _repeated("symbols", self.symbols)


class Fees(Section, frozen=True, kw_only=True):
    """What a backtest charges for fills."""

    schedule: Annotated[
        Literal["ib_fixed", "ib_tiered", "none"],
        setting("Interactive Brokers' fixed or tiered US stock commissions, or no fees at all."),
    ]


class Backtest(Section, frozen=True, kw_only=True):
    """What is replayed, and how the simulated venue fills; `harvester backtest` needs this section."""

    catalog: Annotated[
        str | None, setting("Catalog folder, relative to the working directory; `--catalog` overrides it.")
    ] = None
    start: Annotated[date | None, setting("First New York date replayed; default: the catalog's first.")] = (
        None
    )
    end: Annotated[date | None, setting("Last New York date replayed, inclusive; default: the last.")] = None
    starting_balance_usd: Annotated[
        Decimal, setting("Cash at the start.", at_least=100, at_most=1000000000, unit="USD")
    ]
    latency_ms: Annotated[
        float, setting("From an order's submission to its arrival.", at_least=0, at_most=60000, unit="ms")
    ] = 20.0
    queue_position: Annotated[
        bool, setting("Passive orders wait for the size ahead of them; needs trades in the catalog.")
    ] = True
    fill_probability: Annotated[
        float,
        setting(
            "Chance that a passive order fills when the market touches its price.", at_least=0, at_most=1
        ),
    ] = 1.0
    slippage_probability: Annotated[
        float, setting("Chance that an aggressive order slips by one tick.", at_least=0, at_most=1)
    ] = 0.0
    seed: Annotated[int, setting("Seed of the venue's chances.", at_least=0, at_most=2147483647)] = 1
    chunk_size: Annotated[
        int | None,
        setting(
            "Records held at a time, to bound memory; changes no result. Default: 50,000.",
            at_least=1000,
            at_most=100000000,
        ),
    ] = None

    def contradictions(self) -> Sequence[str]:
        """The period must not end before it begins."""
        if self.start is not None and self.end is not None and self.end < self.start:
            return (f"end is {self.end}, allowed: on or after start, {self.start}",)
        return ()


class Logging(Section, frozen=True, kw_only=True):
    """What a node prints of its work."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], setting("Least severe messages that are printed.")
    ] = "WARNING"


def _repeated(field: str, symbols: Sequence[str]) -> Sequence[str]:
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    return tuple(f"{field} has {symbol!r} more than once, allowed: once" for symbol in twice)
