"""Writes the snapshots of one chain class into an ingest, one event a moment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.columns import ChainColumns, DataKind
from catalog.lanes import event_clock
from catalog.option_chain_rows import ContractList, encode_contracts, encode_market
from catalog.storage.ingest import Ingest
from market.errors import DataError
from market.option_contracts import OptionClass

SNAPSHOT_TYPE = "OptionChainSnapshot"
"""The name under which Nautilus knows the type (`catalog.option_snapshots`)."""

CONTRACTS_MAX = 50_000
"""Contracts of one class at one moment; SPX and SPXW together had 24,000 in 2026."""


DAILY_SUFFIX = "-DAY"
"""What the symbol of a stream with one snapshot a day ends with."""


def chain_id_of(option_class: OptionClass, *, is_daily: bool) -> str:
    """Return the id of a stream: `SPXW-CHAIN.SMART` within the day, `SPXW-CHAIN-DAY.SMART` one a day."""
    symbol, _, venue = option_class.chain_id.rpartition(".")
    return f"{symbol}{DAILY_SUFFIX}.{venue}" if is_daily else option_class.chain_id


class ChainWriter:
    """Appends snapshots of one class, in order of time."""

    def __init__(self, ingest: Ingest, option_class: OptionClass, *, is_daily: bool) -> None:
        self.chain_id = chain_id_of(option_class, is_daily=is_daily)
        self._ingest = ingest
        self._clock = 0
        self._blob: tuple[ContractList, bytes] | None = None
        ingest.add_chain(self.chain_id, option_class)
        self._lane = ingest.lane(DataKind.CHAIN, self.chain_id)

    def write(
        self,
        contracts: ContractList,
        market: dict[str, NDArray[np.float64]],
        *,
        ts_ns: int,
        underlying_price: float,
    ) -> None:
        """Write one snapshot: `market` has the columns of `encode_market`, in the order of `contracts`."""
        if len(contracts) > CONTRACTS_MAX:
            raise DataError(
                f"{contracts.root} has {len(contracts)} contracts at one moment; a snapshot holds "
                f"{CONTRACTS_MAX}. Select expiries or strikes before ingesting."
            )
        if self._blob is None or self._blob[0] is not contracts:
            self._blob = (contracts, encode_contracts(contracts))
        ts_event = np.array([ts_ns], dtype=np.int64)
        clock = event_clock(ts_event, after=self._clock)
        self._clock = int(clock[-1])
        columns = ChainColumns(
            ts_event=ts_event,
            ts_init=clock + self._lane,
            instrument_id=pa.array([self.chain_id]),
            underlying_price=np.array([underlying_price], dtype=np.float64),
            contracts=pa.array([self._blob[1]], pa.binary()),
            market=pa.array([encode_market(market)], pa.binary()),
            type=pa.array([SNAPSHOT_TYPE]),
        )
        self._ingest.write(DataKind.CHAIN, self.chain_id, columns)
