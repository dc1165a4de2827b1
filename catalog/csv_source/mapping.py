"""Which column of a file means what, and from that, what kind of records the file holds."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.columns import DataKind
from market.errors import ConfigError, DataError, NotFoundError

TIME = "ts"
SYMBOL = "symbol"

REQUIRED: dict[DataKind, tuple[str, ...]] = {
    DataKind.QUOTE: (TIME, "bid_price", "ask_price", "bid_size", "ask_size"),
    DataKind.TRADE: (TIME, "price", "size"),
    DataKind.BAR: (TIME, "open", "high", "low", "close", "volume"),
}
OPTIONAL: dict[DataKind, tuple[str, ...]] = {
    DataKind.QUOTE: (SYMBOL,),
    DataKind.TRADE: (SYMBOL, "side", "trade_id"),
    DataKind.BAR: (SYMBOL,),
}
PRICES = frozenset({"bid_price", "ask_price", "price", "open", "high", "low", "close"})
SIZES = frozenset({"bid_size", "ask_size", "size", "volume"})

# What vendors call the fields, in lower case with underscores; the first name is our own.
_ALIASES = {
    TIME: "ts timestamp time datetime date_time ts_event event_time date t",
    SYMBOL: "symbol ticker sym instrument instrument_id stock",
    "bid_price": "bid_price bid bidprice best_bid best_bid_price bid_px bid_px_00 bp",
    "ask_price": "ask_price ask askprice best_ask best_ask_price ask_px ask_px_00 ap offer offer_price",
    "bid_size": "bid_size bidsize bid_qty bid_quantity bid_volume bid_sz bid_sz_00 bs",
    "ask_size": "ask_size asksize ask_qty ask_quantity ask_volume ask_sz ask_sz_00 as offer_size",
    "price": "price trade_price last_price last px p",
    "size": "size qty quantity trade_size last_size shares amount volume s",
    "side": "side aggressor aggressor_side taker_side",
    "trade_id": "trade_id tradeid id",
    "open": "open open_price o",
    "high": "high high_price h",
    "low": "low low_price l",
    "close": "close close_price c",
    "volume": "volume vol v",
}
ALIASES = {name: tuple(aliases.split()) for name, aliases in _ALIASES.items()}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The kind of a file's records, and the file's column for each field that was found."""

    kind: DataKind
    column_of: dict[str, str]

    @property
    def has_symbols(self) -> bool:
        """Whether each row names its symbol."""
        return SYMBOL in self.column_of


def parse_mapping(text: str | None) -> dict[str, str]:
    """Return the mapping written as `ts=timestamp,bid=bid_price,...`, or in the TOML file that `text` names.

    A TOML file has one `field = "column"` line per field, at top level or under `[columns]`.
    Raises `ConfigError` or `NotFoundError`.
    """
    if text is None:
        return {}
    if "=" not in text or text.endswith(".toml"):
        return _read_toml(Path(text))
    mapping = {}
    for pair in text.split(","):
        field, separator, column = (part.strip() for part in pair.partition("="))
        if not (field and separator and column):
            raise ConfigError(f"--columns: {pair!r} is not FIELD=COLUMN. {_HOW_TO_MAP}")
        mapping[field] = column
    return mapping


def resolve_columns(
    header: Sequence[str], *, wanted: Mapping[str, str], kind: DataKind | None, file: str
) -> ColumnMap:
    """Return which column is which, from `wanted` and, for what it leaves open, from the names themselves.

    Raises `DataError` or `ConfigError` naming what is missing and which columns may be meant.
    """
    column_of = _by_name(header) | _by_request(header, wanted, file)
    kinds = (
        [kind] if kind else [each for each in REQUIRED if all(name in column_of for name in REQUIRED[each])]
    )
    if len(kinds) > 1:
        raise ConfigError(
            f"{file} has the columns of {' and of '.join(f'{each}s' for each in kinds)}. "
            f"Choose one with --kind {'|'.join(kinds)}."
        )
    nearest = kinds[0] if kinds else max(REQUIRED, key=lambda each: _share_found(each, column_of))
    missing = [name for name in REQUIRED[nearest] if name not in column_of]
    if missing:
        raise DataError(_missing_message(header, nearest, missing, column_of=column_of, file=file))
    used = (*REQUIRED[nearest], *OPTIONAL[nearest])
    return ColumnMap(nearest, {name: column_of[name] for name in used if name in column_of})


_HOW_TO_MAP = (
    'Write --columns "ts=COLUMN,bid=COLUMN,ask=COLUMN,bid_size=COLUMN,ask_size=COLUMN" for quotes, '
    '"ts=,price=,size=" for trades, "ts=,open=,high=,low=,close=,volume=" for bars.'
)


def _by_name(header: Sequence[str]) -> dict[str, str]:
    """Return the first column whose name is an alias of each field; earlier aliases win."""
    normal = {_normal(column): column for column in reversed(header)}
    return {
        name: normal[alias]
        for name, aliases in ALIASES.items()
        for alias in reversed(aliases)
        if alias in normal
    }


def _by_request(header: Sequence[str], wanted: Mapping[str, str], file: str) -> dict[str, str]:
    """Return what the user asked for; a pair written the wrong way round is understood."""
    column_of: dict[str, str] = {}
    for left, right in wanted.items():
        if right in header and _fields_called(left):
            column_of |= dict.fromkeys(_fields_called(left), right)
        elif left in header and _fields_called(right):
            column_of |= dict.fromkeys(_fields_called(right), left)
        elif _fields_called(left):
            hint = _hint(right, header)
            raise DataError(f"{file} has no column {right!r}{hint} It has: {', '.join(header)}.")
        else:
            raise ConfigError(f"--columns: {left!r} is no field{_hint(left, list(ALIASES))} {_HOW_TO_MAP}")
    return column_of


def _fields_called(name: str) -> list[str]:
    """Return the fields of that name; the volume of a bar is the size of a trade."""
    return [field for field, aliases in ALIASES.items() if _normal(name) in aliases]


def _missing_message(
    header: Sequence[str], kind: DataKind, missing: list[str], *, column_of: dict[str, str], file: str
) -> str:
    if all(_is_number(column) for column in header):
        return (
            f"{file}: the first line is data ({', '.join(header[:4])}), not column names. Add a header line."
        )
    used = {column_of[name] for name in REQUIRED[kind] if name in column_of}
    candidates = [column for column in header if column not in used]
    names = ", ".join(f"{name}{_suggestion(name, candidates)}" for name in missing)
    return (
        f"{file}: as {kind}s it lacks a column for {names}. Columns not yet used: "
        f"{', '.join(candidates) or 'none'}. {_HOW_TO_MAP}"
    )


def _suggestion(name: str, candidates: Sequence[str]) -> str:
    normal = {_normal(column): column for column in candidates}
    near = difflib.get_close_matches(name, normal, n=2, cutoff=0.5)
    return f" (perhaps {' or '.join(normal[each] for each in near)})" if near else ""


def _hint(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def _share_found(kind: DataKind, column_of: Mapping[str, str]) -> float:
    """Return the share of a kind's own fields that were found; the time belongs to every kind."""
    own = REQUIRED[kind][1:]
    return sum(name in column_of for name in own) / len(own)


def _normal(name: str) -> str:
    return "_".join(name.strip().lower().replace(".", " ").replace("-", " ").replace("_", " ").split())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_toml(path: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"--columns: {path} is no file and has no '='. {_HOW_TO_MAP}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--columns: {path} is not TOML: {error}.") from error
    mapping = content.get("columns", content)
    if not isinstance(mapping, dict) or not all(isinstance(column, str) for column in mapping.values()):
        raise ConfigError(f'--columns: {path} must hold lines such as bid_price = "BidPx", under [columns].')
    return mapping
