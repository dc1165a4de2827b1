from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import catalog.reading.blocks
from catalog.columns import prices_from_ten_thousandths
from catalog.reading.blocks import CONTEXT_ROWS, read_blocks
from catalog.reading.streams import find_instruments, find_streams
from market.errors import NotFoundError
from tests.catalog.quality_checks.quality_builders import (
    DAILY_BARS,
    INSTRUMENT,
    MINUTE_BARS,
    Planted,
    clean_bars,
    clean_deltas,
    clean_quotes,
    clean_trades,
)


def test_finds_streams_and_instruments_of_a_catalog_that_nautilus_wrote(tmp_path: Path) -> None:
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.persistence.catalog import ParquetDataCatalog
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.test_kit.stubs.data import TestDataStubs

    pair = TestInstrumentProvider.default_fx_ccy("EUR/USD")
    quote: QuoteTick = TestDataStubs.quote_tick(
        pair, bid_price=1.10001, ask_price=1.10003, ts_event=1, ts_init=2
    )
    foreign = ParquetDataCatalog(str(tmp_path))
    foreign.write_data([pair])
    foreign.write_data([quote])

    (stream,) = find_streams(tmp_path)
    assert (stream.instrument_id, stream.data_type, stream.rows) == ("EUR/USD.SIM", "quote_tick", 1)
    assert (stream.files[0].first_ns, stream.files[0].last_ns) == (2, 2)
    assert stream.files[0].price_precision == 5
    instrument = find_instruments(tmp_path)["EUR/USD.SIM"]
    assert (instrument.kind, instrument.price_increment) == ("currency_pair", Decimal("0.00001"))
    (block,) = read_blocks(stream)
    assert block.columns["bid_price"].tolist() == [1.10001]
    assert block.columns["bid_size"].tolist() == [float(quote.bid_size)]


def test_bars_know_their_length_and_a_short_label(tmp_path: Path) -> None:
    root = Planted(streams=[clean_bars(), clean_bars(bar_type=DAILY_BARS), clean_quotes()]).write(
        tmp_path / "c"
    )
    day, minute, quotes = find_streams(root)
    assert (minute.identifier, minute.instrument_id) == (MINUTE_BARS, INSTRUMENT)
    assert (minute.label, minute.bar_ns) == ("bar 1-MINUTE-LAST", 60 * 10**9)
    assert (day.label, day.bar_ns) == ("bar 1-DAY-LAST", 86_400 * 10**9)
    assert (quotes.label, quotes.bar_ns) == ("quote_tick", None)


def test_a_folder_without_data_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"neither a manifest\.json nor"):
        find_streams(tmp_path)


@pytest.mark.parametrize("rows", [10_000, 700, 64, 7])
def test_blocks_hold_every_record_once_behind_the_context(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog.reading.blocks, "BLOCK_ROWS", rows)
    trades = clean_trades()
    root = Planted(streams=[trades.rows(np.arange(1_000)), trades.rows(np.arange(1_000, 2_340))]).write(
        tmp_path / "c"
    )
    (stream,) = find_streams(root)
    blocks = list(read_blocks(stream))
    assert [block.is_last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    fresh = np.concatenate([block.ts_event[block.context :] for block in blocks])
    assert fresh.tolist() == trades.ts_event.tolist()
    seen = 0
    for block in blocks:
        assert block.context == min(seen, CONTEXT_ROWS)
        assert (
            block.ts_event.tolist()
            == trades.ts_event[seen - block.context : seen - block.context + len(block)].tolist()
        )
        assert block.trade_ids is not None
        assert len(block.trade_ids) == len(block) == len(block.columns["price"])
        seen += len(block) - block.context


def test_a_range_of_time_is_half_open(tmp_path: Path) -> None:
    quotes = clean_quotes()
    root = Planted(streams=[quotes]).write(tmp_path / "c")
    (stream,) = find_streams(root)
    ts_init = quotes.ts_event + 1_000 + np.arange(len(quotes.ts_event))
    (block,) = read_blocks(stream, from_ns=int(ts_init[5]), to_ns=int(ts_init[9]))
    assert block.ts_init.tolist() == ts_init[5:9].tolist()
    assert list(read_blocks(stream, from_ns=int(ts_init[-1]) + 1)) == []


def test_codes_and_prices_of_deltas_come_out_as_they_went_in(tmp_path: Path) -> None:
    deltas = clean_deltas()
    root = Planted(streams=[deltas]).write(tmp_path / "c")
    (block,) = read_blocks(find_streams(root)[0])
    for name in ("action", "side", "flags", "sequence"):
        assert block.columns[name].tolist() == deltas.values[name].tolist()
    assert (block.columns["price"] * 10_000).round().astype(int).tolist() == deltas.values["price"].tolist()


@pytest.mark.parametrize(
    "value", [0, 1, 9_999, 10_000, 6_455_700, 92_230_000, 922_337_000, 1_999_990_000, -50_000]
)
def test_fixed_point_becomes_the_nearest_float(value: int) -> None:
    stored = prices_from_ten_thousandths(np.array([value, value]))
    raw = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), 2, [None, stored.buffers()[1]])
    assert catalog.reading.blocks._decode(raw[1:]).tolist() == [pytest.approx(value / 10_000, rel=1e-15)]


def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    quotes = clean_quotes()
    root = Planted(streams=[quotes.rows(np.arange(1_000)), quotes.rows(np.arange(1_000, 2_340))]).write(
        tmp_path / "c"
    )
    first, _ = sorted((root / "data/quote_tick").rglob("*.parquet"))
    first.write_bytes(b"PAR1 this is no Parquet file PAR1")
    (stream,) = find_streams(root)
    assert stream.files[0].problem is not None
    problems: list[str] = []
    blocks = list(read_blocks(stream, on_problem=lambda file, why: problems.append(file.path.name)))
    assert problems == [first.name]
    assert sum(len(block) - block.context for block in blocks) == 1_340
    with pytest.raises((OSError, pa.ArrowException)):
        list(read_blocks(stream))
