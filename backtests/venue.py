"""The simulated venue of a profile: one margin account at SMART, its fees, latency, book and chances."""

from __future__ import annotations

from datetime import date

from nautilus_trader.backtest.config import (
    BacktestVenueConfig,
    ImportableFeeModelConfig,
    ImportableFillModelConfig,
    ImportableLatencyModelConfig,
    LatencyModelConfig,
)
from nautilus_trader.backtest.models import LatencyModel

from backtests.fee_model import IbFeeModel, IbFeeModelConfig
from backtests.fill_model import SeededFillModel, SeededFillModelConfig
from backtests.period import Book
from configs.profile import Backtest, Fees
from market.instruments import VENUE
from market.time import NS_PER_MS

CURRENCY = "USD"


def venue_config(
    backtest: Backtest, fees: Fees, *, on: date, book: Book, queue_position: bool
) -> BacktestVenueConfig:
    """Return the venue as Nautilus configures it; docs/concepts/backtest-realism.md explains each choice.

    `on` is the day whose regulatory fees are charged: the first of the period.

    The account is a margin account without leverage, as Interactive Brokers' are: the engine's own
    balance check does not refuse, the limits of the profile do.
    """
    return BacktestVenueConfig(
        name=VENUE,
        oms_type="NETTING",
        account_type="MARGIN",
        base_currency=CURRENCY,
        starting_balances=[f"{backtest.starting_balance_usd} {CURRENCY}"],
        default_leverage=1.0,
        book_type="L2_MBP" if book == "L2" else "L1_MBP",
        fee_model=_fee_model(fees, on),
        fill_model=_fill_model(backtest),
        latency_model=_latency_model(backtest),
        liquidity_consumption=True,
        trade_execution=True,
        queue_position=queue_position,
        bar_execution=book == "bars",
    )


def _fee_model(fees: Fees, on: date) -> ImportableFeeModelConfig:
    return ImportableFeeModelConfig(
        fee_model_path=_path(IbFeeModel),
        config_path=_path(IbFeeModelConfig),
        config={"schedule": fees.schedule, "on": on.isoformat()},
    )


def _fill_model(backtest: Backtest) -> ImportableFillModelConfig:
    return ImportableFillModelConfig(
        fill_model_path=_path(SeededFillModel),
        config_path=_path(SeededFillModelConfig),
        config={
            "prob_fill_on_limit": backtest.fill_probability,
            "prob_slippage": backtest.slippage_probability,
            "seed": backtest.seed,
        },
    )


def _latency_model(backtest: Backtest) -> ImportableLatencyModelConfig | None:
    """Return one latency for submit, change and cancel.

    It must stay one: Nautilus keeps commands under way in a heap but removes them with `list.pop(0)`,
    which is correct only while they arrive in the order in which they were sent.
    """
    latency_ns = round(backtest.latency_ms * NS_PER_MS)
    if latency_ns == 0:
        return None
    return ImportableLatencyModelConfig(
        latency_model_path=_path(LatencyModel),
        config_path=_path(LatencyModelConfig),
        config={"base_latency_nanos": latency_ns},
    )


def _path(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
