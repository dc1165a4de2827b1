"""The blobs of a snapshot: what goes in comes out, and repeats are free."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catalog.option_chain_rows import (
    COUNTS,
    PRICES,
    ContractList,
    decode_chain,
    decode_contracts,
    encode_contracts,
    encode_market,
)
from market.errors import DataError
from market.option_chain import GREEKS
from tests.market.chains import NOW_NS, priced_at

CHAIN = priced_at(days=(7,))
STATIC = ("contract", "expiry_ns", "strike", "is_call", "style", "settlement", "multiplier")
NAMES = np.array([f"{name}.SMART" for name in CHAIN.contract], dtype=object)
LIST = ContractList("TEST", "TEST", {**{name: getattr(CHAIN, name) for name in STATIC}, "contract": NAMES})
SIZE = len(LIST)
NO_GREEKS = {name: np.full(SIZE, np.nan) for name in (*PRICES, *COUNTS, *GREEKS)}


@given(
    cents=hnp.arrays(np.int64, SIZE, elements=st.integers(0, 10**6)),
    absent=hnp.arrays(np.bool_, SIZE),
)
def test_prices_and_counts_come_back_exactly_and_absent_ones_as_nan(cents, absent) -> None:  # type: ignore[no-untyped-def]
    prices = np.where(absent, np.nan, cents / 100)
    market = {**NO_GREEKS, "bid": prices, "open_interest": np.where(absent, np.nan, cents.astype(float))}
    chain = decode_chain(encode_contracts(LIST), encode_market(market), ts_ns=NOW_NS, underlying_price=1.5)
    np.testing.assert_array_equal(chain.bid, prices)
    np.testing.assert_array_equal(chain.open_interest, market["open_interest"])
    assert np.isnan(chain.ask).all()
    assert (chain.ts_ns, chain.underlying_price, chain.underlying) == (NOW_NS, 1.5, "TEST")


def test_contracts_come_back_and_are_decoded_once() -> None:
    blob = encode_contracts(LIST)
    found = decode_contracts(blob)
    for name in STATIC:
        assert found.columns[name].tolist() == LIST.columns[name].tolist()
    assert decode_contracts(bytes(bytearray(blob))) is found


def test_vendor_greeks_are_kept_and_their_absence_is_marked() -> None:
    iv = np.full(SIZE, np.nan)
    iv[0] = 0.25
    market = {**NO_GREEKS, "iv": iv, "delta": iv * 2}
    chain = decode_chain(encode_contracts(LIST), encode_market(market), ts_ns=0, underlying_price=1.0)
    assert (chain.iv[0], chain.delta[0]) == (0.25, 0.5)
    assert chain.iv_reason.tolist() == [0] + [255] * (SIZE - 1)


def test_an_empty_market_is_an_empty_chain() -> None:
    chain = decode_chain(encode_contracts(LIST), encode_market(NO_GREEKS), ts_ns=0, underlying_price=1.0)
    assert len(chain) == SIZE
    assert np.isnan(chain.bid).all()


def test_a_price_beyond_32_bits_is_refused() -> None:
    market = {**NO_GREEKS, "ask": np.full(SIZE, 300_000.0)}
    with pytest.raises(DataError, match="ask 3000000000"):
        encode_market(market)
