"""Lists of contracts as the static columns of a chain, ordered as chains are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.option_chain_rows import ContractList
from catalog.settlements import expiry_ns_of
from market.instruments import VENUE
from market.option_contracts import ContractName, OptionClass, occ_symbol


def contract_list(
    option_class: OptionClass, contracts: Sequence[ContractName]
) -> tuple[ContractList, NDArray[np.intp]]:
    """Return the list, and for each of its rows the position in `contracts`.

    Raises `DataError` for contracts without a symbol or a settlement.
    """
    terms = option_class
    expiry_ns = np.array([expiry_ns_of(terms, one.expiry) for one in contracts], dtype=np.int64)
    strike = np.array([float(one.strike) for one in contracts], dtype=np.float64)
    is_call = np.array([one.is_call for one in contracts], dtype=np.bool_)
    names = [
        f"{occ_symbol(terms.root, one.expiry, strike=one.strike, is_call=one.is_call)}.{VENUE}"
        for one in contracts
    ]
    order = np.lexsort((is_call, strike, expiry_ns))
    size = len(contracts)
    columns = {
        "contract": np.array(names, dtype=object)[order],
        "expiry_ns": expiry_ns[order],
        "strike": strike[order],
        "is_call": is_call[order],
        "style": np.full(size, terms.style, dtype="U1"),
        "settlement": np.full(size, terms.settlement, dtype="U8"),
        "multiplier": np.full(size, float(terms.multiplier)),
    }
    return ContractList(terms.root, terms.underlying, columns), order
