"""A chain book: ticks into rows, without rebuilding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.option_chain_pricing import PricingInputs, priced
from market.option_chain_updates import ChainBook
from market.rates import RateCurve
from tests.market.chains import NOW_NS, priced_at

CHAIN = priced_at()
QUOTE = st.tuples(*[st.floats(0.01, 50.0)] * 4)


@given(st.lists(st.tuples(st.integers(0, len(CHAIN) - 1), QUOTE), max_size=30))
def test_the_book_holds_the_last_quote_of_every_contract(ticks: list[tuple[int, tuple[float, ...]]]) -> None:
    book = ChainBook(CHAIN)
    expected = {name: (CHAIN.bid[row], CHAIN.ask[row]) for row, name in enumerate(CHAIN.contract)}
    for number, (row, quote) in enumerate(ticks):
        name = CHAIN.contract[row]
        book.on_quote(name, (quote[0], quote[1], quote[2], quote[3]), NOW_NS + number)
        expected[name] = (quote[0], quote[1])
    now = book.chain()
    assert {name: (now.bid[row], now.ask[row]) for row, name in enumerate(now.contract)} == expected
    assert set(np.flatnonzero(book.changed)) == {row for row, _ in ticks}
    assert now.ts_ns == NOW_NS + max(len(ticks) - 1, 0)


def test_nothing_is_rebuilt_and_the_first_chain_stays_as_it_was() -> None:
    book = ChainBook(CHAIN)
    view = book.chain()
    book.on_quote(str(CHAIN.contract[0]), (7.0, 8.0, 1.0, 1.0), NOW_NS)
    assert view.bid[0] == 7.0
    assert np.shares_memory(book.chain().bid, view.bid)
    assert CHAIN.bid[0] != 7.0


def test_trades_open_interest_and_the_underlying_are_taken() -> None:
    book = ChainBook(CHAIN)
    name = str(CHAIN.contract[3])
    book.on_trade(name, 1.25, 2.0, NOW_NS + 1)
    book.on_trade(name, 1.30, 3.0, NOW_NS + 2)
    book.on_open_interest(name, 77.0)
    book.on_underlying(101.0, NOW_NS + 3)
    now = book.chain()
    assert (now.last[3], now.volume[3], now.open_interest[3]) == (1.30, 5.0, 77.0)
    assert (now.underlying_price, now.ts_ns) == (101.0, NOW_NS + 3)
    assert book.changed.all()


def test_only_changed_rows_are_priced_again() -> None:
    inputs = PricingInputs(rates=RateCurve.flat(0.03))
    book = ChainBook(CHAIN)
    everything = np.arange(len(book))
    book.set_greeks(priced(book.chain(), inputs).columns(), everything)
    book.on_quote(str(CHAIN.contract[60]), (9.0, 9.2, 1.0, 1.0), NOW_NS)
    rows = np.flatnonzero(book.changed)
    fresh = priced(book.chain(), inputs).take(rows)
    book.set_greeks(fresh.columns(), rows)
    assert book.chain().iv[60] == fresh.iv[0]
    assert not book.changed.any()
    book.forget_greeks()
    assert np.isnan(book.chain().iv).all()


def test_an_unknown_contract_is_refused() -> None:
    book = ChainBook(CHAIN)
    assert "nobody" not in book
    with pytest.raises(DataError, match="'nobody' is not in the chain of TEST"):
        book.on_quote("nobody", (1.0, 1.0, 1.0, 1.0), NOW_NS)
