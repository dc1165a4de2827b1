"""What a client may see: live, frozen or delayed data, and how many lines of it.

Known from users' reports, word for word: the texts of 354, 10089, 10167 and 101; that of 10197 is
documented. Modelled: a line without a live subscription answers 354 (10089 for stocks when only the
API's own acknowledgement is missing) unless the session asked for delayed data; then 10167 comes first
and delayed ticks follow.
"""

from __future__ import annotations

from enum import IntEnum

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.market_data.settings import MarketDataSettings


class DataType(IntEnum):
    """TWS's market data types."""

    LIVE = 1
    FROZEN = 2
    DELAYED = 3
    DELAYED_FROZEN = 4


NOT_SUBSCRIBED = "Requested market data is not subscribed."
DELAYED_IS_AVAILABLE = "Delayed market data is available."
DELAYED_IS_NOT_AVAILABLE = "Delayed market data is not available."
DISPLAYING_DELAYED = "Requested market data is not subscribed. Displaying delayed market data."
NEEDS_ADDITIONAL = (
    "Requested market data requires additional subscription for API. See link in 'Market Data Connections' "
    "dialog for more details."
)
COMPETING_SESSION = "No market data during competing live session"
TOO_MANY_TICKERS = "Max number of tickers has been reached"


class Entitlements:
    """Decides what a request for data gets; `has_competing_session` is set by a control command."""

    def __init__(self, settings: MarketDataSettings) -> None:
        self._settings = settings
        self.has_competing_session = False

    def data_type(self, listing: Listing, wanted: DataType, *, is_closed: bool) -> DataType:
        """Return the type of data that a line gets; raises `Refused` 354, 10089 or 10197 when none.

        `is_closed` says that the listing does not trade now: only then is frozen data frozen.
        """
        if self.has_competing_session:
            raise Refused(10197, COMPETING_SESSION)
        if self.is_live(listing):
            is_frozen = wanted in {DataType.FROZEN, DataType.DELAYED_FROZEN} and is_closed
            return DataType.FROZEN if is_frozen else DataType.LIVE
        if wanted in {DataType.DELAYED, DataType.DELAYED_FROZEN} and self._settings.has_delayed_data:
            return wanted if is_closed else DataType.DELAYED
        raise self.refusal(listing)

    def is_live(self, listing: Listing) -> bool:
        """Return whether the user has live data of this listing through the API."""
        if listing.security_type not in self._settings.live:
            return False
        return self._settings.has_api_acknowledgement or listing.security_type != "STK"

    def require_live(self, listing: Listing) -> None:
        """Raise `Refused` unless live data is there: depth and tick by tick have no delayed form."""
        if self.has_competing_session:
            raise Refused(10197, COMPETING_SESSION)
        if not self.is_live(listing):
            raise self.refusal(listing)

    def refusal(self, listing: Listing) -> Refused:
        """Return how TWS refuses a line of `listing` that is not subscribed."""
        has_delayed = self._settings.has_delayed_data
        available = DELAYED_IS_AVAILABLE if has_delayed else DELAYED_IS_NOT_AVAILABLE
        venue = listing.primary_exchange or listing.exchanges[0]
        if listing.security_type in self._settings.live:
            return Refused(10089, f"{NEEDS_ADDITIONAL}{available}{listing.symbol} {venue}/TOP/ALL")
        return Refused(354, f"{NOT_SUBSCRIBED}{available}Error&{venue}/{listing.security_type}/Top")
