"""Columns are found by their names, by request, and where they cannot be, the message helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.columns import DataKind
from catalog.csv_source.mapping import ALIASES, OPTIONAL, REQUIRED, ColumnMap, parse_mapping, resolve_columns
from market.errors import ConfigError, DataError, NotFoundError


def resolve(header: str, wanted: str | None = None, kind: DataKind | None = None) -> ColumnMap:
    return resolve_columns(header.split(","), wanted=parse_mapping(wanted), kind=kind, file="f.csv")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("timestamp,bid,ask,bid_size,ask_size", DataKind.QUOTE),
        ("Time,Symbol,Bid Price,Ask Price,Bid Size,Ask-Size,exchange", DataKind.QUOTE),
        ("ts_event,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00", DataKind.QUOTE),
        ("t,bp,ap,bs,as", DataKind.QUOTE),
        ("ts,price,size", DataKind.TRADE),
        ("date,last,volume,side,id", DataKind.TRADE),
        ("Date,Open,High,Low,Close,Volume", DataKind.BAR),
        ("t,o,h,l,c,v", DataKind.BAR),
    ],
)
def test_the_kind_follows_from_the_names(header: str, kind: DataKind) -> None:
    mapping = resolve(header)
    assert mapping.kind is kind
    assert set(REQUIRED[kind]) <= mapping.column_of.keys() <= {*REQUIRED[kind], *OPTIONAL[kind]}
    assert set(mapping.column_of.values()) <= set(header.split(","))


def test_a_request_goes_before_names_in_either_direction() -> None:
    header = "when,bid,ask,B,ask_size,bid_size"
    for wanted in ("ts=when,bid_size=B", "when=ts,B=bid_size"):
        mapping = resolve(header, wanted)
        assert mapping.column_of["ts"] == "when"
        assert mapping.column_of["bid_size"] == "B"


def test_volume_can_be_requested_for_bars_and_for_trades() -> None:
    assert resolve("ts,open,high,low,close,x", "volume=x").column_of["volume"] == "x"
    assert resolve("ts,price,x", "volume=x").column_of["size"] == "x"


def test_missing_columns_are_named_with_candidates() -> None:
    with pytest.raises(DataError) as caught:
        resolve("timestamp,bid,ask,bid_sz,quantity_ask")
    message = str(caught.value)
    assert message.startswith("f.csv: as quotes it lacks a column for ask_size")
    assert "Columns not yet used: quantity_ask" in message
    assert "--columns" in message


def test_similar_names_are_suggested() -> None:
    with pytest.raises(DataError, match=r"lacks a column for bid_size \(perhaps BidSizes\)"):
        resolve("timestamp,bid,ask,BidSizes,ask_size")


def test_a_file_without_header_is_told_so() -> None:
    with pytest.raises(DataError, match="the first line is data"):
        resolve("1381152600000,13.90,13.91,100,200")


def test_columns_of_two_kinds_need_a_choice() -> None:
    header = "ts,bid,ask,bid_size,ask_size,price,size"
    with pytest.raises(ConfigError, match=r"of quotes and of trades\. Choose one with --kind quote\|trade"):
        resolve(header)
    assert resolve(header, kind=DataKind.TRADE).column_of.keys() == {"ts", "price", "size"}


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ("bid=Bidd", DataError, r"no column 'Bidd'; did you mean 'bid'\? It has: ts, bid"),
        ("bids=bid", ConfigError, r"'bids' is no field; did you mean 'bid_size'\?|'bids' is no field"),
        ("nonsense", NotFoundError, "nonsense is no file and has no '='"),
        ("bid", NotFoundError, "FIELD|--columns"),
        ("bid=,ask=b", ConfigError, "'bid=' is not FIELD=COLUMN"),
    ],
)
def test_a_mapping_that_cannot_be_is_explained(wanted: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolve("ts,bid,ask,bid_size,ask_size", wanted)


@pytest.mark.parametrize("content", ['[columns]\nts = "when"\nbid = "B"\n', 'ts = "when"\nbid = "B"\n'])
def test_a_mapping_can_be_a_toml_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(content)
    assert parse_mapping(str(path)) == {"ts": "when", "bid": "B"}


@pytest.mark.parametrize("content", ["[columns", 'columns = "x"\n', "ts = 3\n"])
def test_a_toml_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"map\.toml"):
        parse_mapping(str(path))


def test_no_alias_means_two_things_within_a_kind() -> None:
    for kind in REQUIRED:
        aliases = [alias for name in (*REQUIRED[kind], *OPTIONAL[kind]) for alias in ALIASES[name]]
        assert len(aliases) == len(set(aliases)), kind
