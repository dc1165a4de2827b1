"""Put options on SPY and their combinations as Nautilus instruments, with quotes, for drills and tests."""

from __future__ import annotations

from collections.abc import Sequence

from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AssetClass, OptionKind
from nautilus_trader.model.identifiers import InstrumentId, Symbol, new_generic_spread_id
from nautilus_trader.model.instruments import OptionContract, OptionSpread
from nautilus_trader.model.objects import Price, Quantity

from market.time import NS_PER_SECOND, to_ns
from risk.drills.nautilus_rig import SMART, START_NS

EXPIRY_NS = to_ns("2024-03-15T16:00:00-04:00")


def put(strike: int, underlying: str = "SPY") -> OptionContract:
    """Return a put that expires in ten days."""
    name = Symbol(f"{underlying}240315P{strike}")
    return OptionContract(
        instrument_id=InstrumentId(name, SMART),
        raw_symbol=name,
        asset_class=AssetClass.EQUITY,
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        multiplier=Quantity.from_int(100),
        lot_size=Quantity.from_int(1),
        underlying=underlying,
        option_kind=OptionKind.PUT,
        strike_price=Price.from_str(str(strike)),
        activation_ns=0,
        expiration_ns=EXPIRY_NS,
        ts_event=0,
        ts_init=0,
    )


def combination(legs: Sequence[tuple[OptionContract, int]]) -> OptionSpread:
    """Return the combination of options with signed ratios."""
    spread_id = new_generic_spread_id([(leg.id, ratio) for leg, ratio in legs])
    return OptionSpread(
        instrument_id=spread_id,
        raw_symbol=spread_id.symbol,
        asset_class=AssetClass.EQUITY,
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        multiplier=Quantity.from_int(100),
        lot_size=Quantity.from_int(1),
        underlying="SPY",
        strategy_type="SPREAD",
        activation_ns=0,
        expiration_ns=EXPIRY_NS,
        ts_event=0,
        ts_init=0,
    )


def option_quotes(instrument_id: InstrumentId, bid: str, ask: str, *, count: int) -> list[QuoteTick]:
    """Return `count` equal quotes a second apart from 10:00 New York on."""
    size = Quantity.from_int(50)
    times = (START_NS + index * NS_PER_SECOND for index in range(count))
    return [
        QuoteTick(instrument_id, Price.from_str(bid), Price.from_str(ask), size, size, time_ns, time_ns)
        for time_ns in times
    ]
