"""LOBSTER files through the catalog and back, read by an unmodified `ParquetDataCatalog`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog import headerless_rows
from catalog.ingest_lobster import ingest_lobster
from catalog.lanes import LANES
from catalog.lobster import depth as lobster_depth
from catalog.store import CatalogStore
from market.errors import DataError, NotFoundError
from market.time import new_york_midnight_ns
from tests.catalog.lobster.lobster_market import LobsterMarket
from tests.catalog.lobster.naive_book import NaiveBook

DAY_NS = new_york_midnight_ns(date(2012, 6, 21))
COUNT = 400


@pytest.fixture(scope="module")
def market() -> LobsterMarket:
    return LobsterMarket.of(COUNT)


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def read(store: CatalogStore) -> tuple[list[Any], list[Any], list[Any]]:
    """Deltas, trades, quotes."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    catalog = ParquetDataCatalog(str(store.root))
    return (
        list(catalog.order_book_deltas(instrument_ids=["TEST.SMART"])),
        list(catalog.trade_ticks(instrument_ids=["TEST.SMART"])),
        list(catalog.quote_ticks(instrument_ids=["TEST.SMART"])),
    )


def books_of(deltas: list[Any], count: int) -> list[tuple[dict[int, int], dict[int, int]]]:
    """Bids and asks of a Nautilus L2 book after each message (the deltas' sequence is its line)."""
    from nautilus_trader.model.book import OrderBook
    from nautilus_trader.model.enums import BookType
    from nautilus_trader.model.identifiers import InstrumentId

    book = OrderBook(InstrumentId.from_str("TEST.SMART"), BookType.L2_MBP)
    books = []
    position = 0
    for line in range(1, count + 1):
        while position < len(deltas) and deltas[position].sequence <= line:
            book.apply_delta(deltas[position])
            position += 1
        books.append((side_of(book.bids()), side_of(book.asks())))
    return books


def side_of(levels: list[Any]) -> dict[int, int]:
    return {round(float(level.price) * 10_000): int(level.size()) for level in levels}


def expected(book: NaiveBook, levels: int) -> tuple[dict[int, int], dict[int, int]]:
    held = book.open_levels()
    bids = sorted(((price, size) for (side, price), size in held.items() if side == 1), reverse=True)
    asks = sorted((price, size) for (side, price), size in held.items() if side == -1)
    return dict(bids[:levels]), dict(asks[:levels])


def test_follows_the_rows_when_every_message_has_one(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobster_depth, "_BOOK_CELLS", 12 * 37)  # many blocks
    result = ingest_lobster(market.write(tmp_path, levels=3, book_rows=COUNT), store=store)
    deltas, _, quotes = read(store)
    assert books_of(deltas, COUNT) == [expected(book, 3) for book in market.books]
    assert result.notes == ("TEST 2012-06-21: book deltas follow the order book rows",)
    tops = [book.top() for book in market.books]
    changes = [top for at, top in enumerate(tops) if at == 0 or top != tops[at - 1]]
    assert [quote_of(quote) for quote in quotes] == [top for top in changes if top[1] and top[3]]


def quote_of(quote: Any) -> tuple[int, int, int, int]:
    return (
        round(float(quote.bid_price) * 10_000),
        int(quote.bid_size),
        round(float(quote.ask_price) * 10_000),
        int(quote.ask_size),
    )


def test_follows_the_messages_from_the_first_row(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobster_depth, "_BLOCK_ROWS", 37)
    monkeypatch.setattr(headerless_rows, "BLOCK_BYTES", 5_000)
    ingest_lobster(market.write(tmp_path, levels=20, book_rows=30), store=store)
    deltas, _, quotes = read(store)
    assert books_of(deltas, COUNT) == [expected(book, 20) for book in market.books]
    per_message = [delta.sequence for delta in deltas]
    assert len(set(per_message)) == len(per_message) - per_message.count(1) + 1  # one each after the snapshot
    assert {quote_of(quote) for quote in quotes} <= {book.top() for book in market.books}


def test_starts_empty_without_an_order_book_file(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    path = market.write(tmp_path, levels=20, book_rows=None)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[100:]))  # what rested before is unknown
    result = ingest_lobster(path, store=store)
    naive = NaiveBook()
    books = []
    for at, message in enumerate(market.messages[100:]):
        naive.apply(at, message)
        books.append(expected(NaiveBook(levels=naive.open_levels()), 99))
    deltas, *_ = read(store)
    assert books_of(deltas, COUNT - 100) == books
    assert naive.ignored > 0
    assert result.notes[1].endswith(f"{naive.ignored} reductions ignored: their orders were never shown")


def test_level_1_gives_quotes_and_trades_but_no_deltas(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    ingest_lobster(market.write(tmp_path, levels=1, book_rows=COUNT), store=store)
    deltas, trades, quotes = read(store)
    assert not deltas
    assert quotes
    executed = [message for message in market.messages if message[0] in (4, 5)]
    assert [int(trade.size) for trade in trades] == [message[2] for message in executed]
    hit_by = ["SELLER" if message[4] == 1 else "BUYER" for message in executed]
    assert [trade.aggressor_side.name for trade in trades] == hit_by
    assert {str(trade.price) for trade in trades if int(trade.size) == 7} == {"500.0050"}


def test_delta_trade_and_quote_of_a_message_keep_their_order(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    ingest_lobster(market.write(tmp_path, levels=3, book_rows=COUNT), store=store)
    deltas, trades, quotes = read(store)
    records = [*deltas, *trades, *quotes]
    assert len({record.ts_init for record in records}) == len(records)
    assert all(record.ts_init >= record.ts_event for record in records)
    last_delta = {delta.sequence: delta.ts_init for delta in deltas}
    first_delta = {delta.sequence: delta.ts_init for delta in reversed(deltas)}
    for trade in trades:
        line = int(trade.trade_id.value.removeprefix("20120621-"))
        assert last_delta.get(line, 0) < trade.ts_init
        assert all(trade.ts_init < first_delta[later] for later in (line + 1,) if later in first_delta)
    clocks = {ts - ts % LANES for ts in last_delta.values()}
    assert all(quote.ts_init - quote.ts_init % LANES in clocks for quote in quotes)


def test_times_are_exact_to_the_nanosecond(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    path = market.write(tmp_path, levels=3, book_rows=COUNT)
    ingest_lobster(path, store=store)
    deltas, *_ = read(store)
    lines = path.read_text().splitlines()
    for delta in deltas:
        seconds, nanoseconds = lines[delta.sequence - 1].split(",")[0].split(".")
        assert delta.ts_event == DAY_NS + int(seconds) * 10**9 + int(nanoseconds)


def test_halts_go_to_the_sidecar(market: LobsterMarket, store: CatalogStore, tmp_path: Path) -> None:
    path = market.write(tmp_path, levels=20, book_rows=None)
    with path.open("a") as file:
        file.write("40000.5,7,0,0,-1,-1\n40100,7,0,0,0,-1\n40200.25,7,0,0,1,-1\n50000,7,0,0,-1,-1\n")
    ingest_lobster(path, store=store)
    first, second = store.halts()
    assert (first.from_ns - DAY_NS, first.to_ns - DAY_NS) == (40_000_500_000_000, 40_200_250_000_000)
    assert (second.from_ns - DAY_NS, second.to_ns) == (
        50_000 * 10**9,
        new_york_midnight_ns(date(2012, 6, 22)),
    )


def test_repeating_changes_nothing(market: LobsterMarket, store: CatalogStore, tmp_path: Path) -> None:
    path = market.write(tmp_path, levels=3, book_rows=COUNT)
    first = ingest_lobster(path, store=store)
    manifest = (store.root / "manifest.json").read_bytes()
    again = ingest_lobster(path, store=store)
    assert not first.unchanged
    assert again.unchanged
    assert (again.rows, again.files) == (first.rows, first.files)
    assert (store.root / "manifest.json").read_bytes() == manifest


def test_a_bad_message_is_named_and_the_rows_stay_in_step(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    path = market.write(tmp_path, levels=3, book_rows=COUNT)
    lines = path.read_text().splitlines()
    lines[49] = lines[49].replace(",", ",x", 1)
    path.write_text("\n".join(lines))
    result = ingest_lobster(path, store=store)
    assert result.rejected == 1
    assert result.rejects_file is not None
    assert f"{path.name},50,type,x" in (store.root / result.rejects_file).read_text()
    deltas, *_ = read(store)
    after = books_of(deltas, COUNT)
    assert after[50:] == [expected(book, 3) for book in market.books[50:]]


@pytest.mark.parametrize("levels", [1, 3, 20])
def test_refuses_an_order_book_of_other_messages(store: CatalogStore, tmp_path: Path, levels: int) -> None:
    other = tmp_path / "other"
    other.mkdir()
    path = LobsterMarket.of(COUNT, seed=1).write(tmp_path, levels=levels, book_rows=None)
    LobsterMarket.of(COUNT, seed=2).write(other, levels=levels, book_rows=COUNT)
    name = path.name.replace("message", "orderbook")
    (other / name).replace(tmp_path / name)
    with pytest.raises(DataError, match=r"does not belong to TEST.* additions are not in it, e\.g\. line"):
        ingest_lobster(path, store=store)
    assert not (store.root / "manifest.json").exists()


def test_refuses_an_order_book_of_more_rows_than_messages(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    path = market.write(tmp_path, levels=3, book_rows=COUNT)
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match="it has 400 rows for 399 messages"):
        ingest_lobster(path, store=store)


def test_refuses_messages_outside_the_window_of_the_name(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    path = market.write(tmp_path, levels=3, book_rows=None)
    renamed = path.rename(path.with_name("TEST_2012-06-21_40000000_57600000_message_3.csv"))
    with pytest.raises(
        DataError, match=r"from 34200\.000 .* outside the 40000000 to 57600000 ms of its name"
    ):
        ingest_lobster(renamed, store=store)


def test_a_refused_day_does_not_keep_the_others_out(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    market.write(folder, levels=3, book_rows=COUNT)
    (folder / "BAD_2012-06-21_message_3.csv").write_text("no,messages\nat,all\n")
    with pytest.raises(DataError, match=r"1 of 2 sources were refused.*BAD_2012-06-21_message_3\.csv"):
        ingest_lobster(folder, store=store)
    assert set(store.manifest().instruments) == {"TEST.SMART"}


def test_says_what_a_folder_holds_when_a_symbol_is_not_in_it(
    market: LobsterMarket, store: CatalogStore, tmp_path: Path
) -> None:
    market.write(tmp_path, levels=3, book_rows=None)
    with pytest.raises(NotFoundError, match="It has: TEST 2012-06-21"):
        ingest_lobster(tmp_path, store=store, symbols=["BAC"])


def test_a_binary_file_is_named_and_not_printed(tmp_path: Path, store: CatalogStore) -> None:
    path = tmp_path / "TEST_2012-06-21_34200000_57600000_message_10.csv"
    path.write_bytes(b"\0\1\2\n" * 1_000)
    with pytest.raises(DataError, match="binary, not text") as raised:
        ingest_lobster(path, store=store)
    assert path.name in str(raised.value)
    assert len(str(raised.value)) < 300
    assert "\\x00" not in str(raised.value)


def test_a_text_of_another_kind_is_named_and_shown_in_part(tmp_path: Path, store: CatalogStore) -> None:
    path = tmp_path / "TEST_2012-06-21_34200000_57600000_message_10.csv"
    path.write_text(("x" * 500 + "\n") * 10)
    with pytest.raises(DataError, match="not a LOBSTER message file") as raised:
        ingest_lobster(path, store=store)
    assert path.name in str(raised.value)
    assert "x" * 61 not in str(raised.value)
