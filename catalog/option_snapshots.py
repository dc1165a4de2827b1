"""A chain as one Nautilus event: the type that a `BacktestNode` replays, one-shot and chunked.

    register_snapshots()
    BacktestDataConfig(
        catalog_path=..., data_cls="catalog.option_snapshots:OptionChainSnapshot",
        client_id=CHAINS, instrument_ids=["GOOG-CHAIN.SMART"],
    )

A strategy subscribes `DataType(OptionChainSnapshot)` of the client `CHAINS` and calls `snapshot.chain()` in
`on_data`. Importing this module imports Nautilus.
"""

from __future__ import annotations

from typing import Any

from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.core.data import Data
from nautilus_trader.model.custom import customdataclass_pyo3
from nautilus_trader.model.identifiers import InstrumentId

from catalog.option_chain_rows import decode_chain
from market.option_chain import OptionChain

CHAINS = "CHAINS"
"""The data client under which snapshots come; Nautilus wants one for data of no venue."""

_registered: set[type] = set()


def _snapshot_type() -> type[Data]:
    """Return the event's type; its annotations must be types, not text, hence the namespace made here."""

    def chain(self) -> OptionChain:  # type: ignore[no-untyped-def]
        """Return the chain; static columns are shared with other snapshots, do not write to them."""
        return decode_chain(
            self.contracts, self.market, ts_ns=self.ts_event, underlying_price=self.underlying_price
        )

    fields = {
        "instrument_id": InstrumentId,
        "underlying_price": float,
        "contracts": bytes,
        "market": bytes,
    }
    namespace = {
        "__annotations__": fields,
        "__module__": __name__,
        "__doc__": "All contracts of a class at one moment; `chain()` decodes them.",
        "chain": chain,
    }
    return customdataclass_pyo3(eq=False)(type("OptionChainSnapshot", (Data,), namespace))


OptionChainSnapshot = _snapshot_type()


def register_snapshots() -> None:
    """Tell Nautilus' Rust catalog of the type; once per process, before data is loaded."""
    if OptionChainSnapshot not in _registered:
        pyo3: Any = nautilus_pyo3  # the type stubs lack its submodule
        pyo3.model.register_custom_data_class(OptionChainSnapshot)
        _registered.add(OptionChainSnapshot)
