"""What a request for history asks for: bar sizes, durations, end times, and what TWS refuses.

Known: the legal bar sizes and durations and the step sizes for small bars are IB's documentation. The
wording of refusals follows users' reports where there are any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.messages import Message
from market.time import NEW_YORK

SECOND_NS = 1_000_000_000
DAY_SECONDS = 86_400
INVALID = "Error validating request.-'bS' : cause - "
FAILED = "Historical Market Data Service error message:"

BAR_SECONDS = {
    **{f"{count} secs": count for count in (1, 5, 10, 15, 30)},
    **{f"{count} min{'s' * (count > 1)}": count * 60 for count in (1, 2, 3, 5, 10, 15, 20, 30)},
    **{f"{count} hour{'s' * (count > 1)}": count * 3600 for count in (1, 2, 3, 4, 8)},
    "1 day": DAY_SECONDS,
    "1 week": 7 * DAY_SECONDS,
    "1 month": 30 * DAY_SECONDS,
}
SYNONYMS = {"1W": "1 week", "1M": "1 month", "1 sec": "1 secs", "1 mins": "1 min", "1 hours": "1 hour"}
SYNONYMS |= {"1 days": "1 day", "1 weeks": "1 week", "1 months": "1 month"}

DURATION_SECONDS_MAX = {1: 1800, 5: 3600, 10: 14_400, 15: 14_400, 30: 28_800}
"""The longest duration of small bars, in seconds; the limits of longer ones have been lifted."""

SMALL_BAR_SECONDS = 30
"""Up to here IB's pacing rules hold."""

UNIT_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}
DAYS_MAX = 365 * 20

PRICE_KINDS = {"TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST"}
VOLATILITY_KINDS = {"HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY"}
SCHEDULE = "SCHEDULE"
UNSUPPORTED_KINDS = {"FEE_RATE", "REBATE_RATE", "YIELD_BID", "YIELD_ASK", "YIELD_BID_ASK", "YIELD_LAST"}
UNSUPPORTED_KINDS |= {"AGGTRADES"}


@dataclass(frozen=True, slots=True)
class Duration:
    """How far back: `seconds` of trading, or `sessions` (unit D), or `days` of the calendar."""

    seconds: int = 0
    sessions: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class BarRequest:
    """A request for bars, understood. `end_ns` is market time, None for now."""

    listing: Listing
    exchange: str
    kind: str
    bar_seconds: int
    duration: Duration
    end_ns: int | None
    is_regular_only: bool
    is_epoch: bool
    is_kept_up_to_date: bool

    @property
    def is_intraday(self) -> bool:
        """Whether bars are shorter than a day."""
        return self.bar_seconds < DAY_SECONDS


def bar_request(request: Message, listing: Listing) -> BarRequest:
    """Return what a `HistoricalDataRequest` asks for; raises `Refused` 321, 162 or 10314."""
    kind = check_kind(request.whatToShow, listing)
    seconds = _bar_seconds(request.barSizeSetting)
    duration = parse_duration(request.duration)
    length = duration.seconds or (duration.sessions or duration.days) * DAY_SECONDS
    if length > DURATION_SECONDS_MAX.get(seconds, length):
        raise Refused(162, f"{FAILED}Time length exceed max.")
    if request.keepUpToDate and request.endDateTime:
        raise Refused(321, f"{INVALID}End date not supported with keep up to date")
    if kind == "ADJUSTED_LAST" and request.endDateTime:
        raise Refused(321, f"{INVALID}End Date/Time not supported for adjusted last")
    if kind == SCHEDULE and seconds != DAY_SECONDS:
        raise Refused(321, f"{INVALID}Schedule needs bars of 1 day")
    if request.formatDate not in {0, 1, 2}:
        raise Refused(321, f"{INVALID}Invalid date format {request.formatDate}")
    return BarRequest(
        listing,
        request.contract.exchange,
        kind,
        seconds,
        duration,
        parse_time(request.endDateTime),
        bool(request.useRTH),
        request.formatDate == 2,
        bool(request.keepUpToDate),
    )


def check_kind(kind: str, listing: Listing) -> str:
    """Return the kind of data in capitals; raises `Refused` for what TWS or this simulator has not."""
    name = kind.upper()
    if name in UNSUPPORTED_KINDS:
        raise Refused(162, f"{FAILED}No data of type {name} for {listing.symbol}")
    if name not in PRICE_KINDS | VOLATILITY_KINDS | {SCHEDULE}:
        raise Refused(321, f"{INVALID}Invalid type of data to show {kind}")
    is_quote = name in {"BID", "ASK", "BID_ASK", "MIDPOINT"}
    if (listing.security_type == "IND" and is_quote) or (listing.is_option and name in VOLATILITY_KINDS):
        raise Refused(162, no_data(listing, name))
    return name


def no_data(listing: Listing, kind: str) -> str:
    """Return TWS's text for an empty answer."""
    exchange = listing.exchanges[0]
    return f"{FAILED}HMDS query returned no data: {listing.local_symbol}@{exchange} {kind.capitalize()}"


def _bar_seconds(text: str) -> int:
    name = SYNONYMS.get(text.strip(), text.strip())
    if name not in BAR_SECONDS:
        legal = ", ".join(BAR_SECONDS)
        raise Refused(321, f"{INVALID}Historical data bar size setting is invalid. Legal ones are: {legal}")
    return BAR_SECONDS[name]


def parse_duration(text: str) -> Duration:
    """Return the duration written as "1 D"; raises `Refused` 321."""
    found = re.fullmatch(r"\s*(\d{1,7})\s*([SDWMY])\s*", text)
    count = int(found[1]) if found else 0
    if found is None or count == 0:
        raise Refused(
            321,
            f"{INVALID}Historical data query duration string is invalid. "
            "Format is (integer){SPACE}unit (S|D|W|M|Y)",
        )
    unit = found[2]
    if unit == "S":
        if count > DAY_SECONDS:
            raise Refused(321, f"{INVALID}Durations longer than 86400 seconds must be made in days")
        return Duration(seconds=count)
    days = count * UNIT_DAYS[unit]
    if unit != "Y" and days > 365:
        raise Refused(321, f"{INVALID}Historical data requests longer than 365 days must be made in years")
    if days > DAYS_MAX:
        raise Refused(162, f"{FAILED}Time length exceed max.")
    return Duration(sessions=count) if unit == "D" else Duration(days=days)


def parse_time(text: str) -> int | None:
    """Return an end or start time in ns, None for ""; raises `Refused` 10314.

    "20230224 12:04:56 US/Eastern" (New York without a zone), "20230224-12:04:56" is UTC.
    """
    if not text.strip():
        return None
    found = re.fullmatch(r"(\d{8})(-|\s+)(\d\d:\d\d:\d\d)(?:\s+(\S+))?", text.strip())
    try:
        if found is None:
            raise ValueError(text)
        zone = UTC if found[2] == "-" else ZoneInfo(found[4]) if found[4] else NEW_YORK
        moment = datetime.strptime(f"{found[1]} {found[3]}", "%Y%m%d %H:%M:%S").replace(tzinfo=zone)
    except (ValueError, ZoneInfoNotFoundError):
        raise Refused(
            10314,
            "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is "
            "yyyymmdd hh:mm:ss xx/xxxx where yyyymmdd and xx/xxxx are optional.",
        ) from None
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)) * SECOND_NS


def time_text(market_ns: int) -> str:
    """Return a time as TWS writes it: "20230224 12:04:56 US/Eastern"."""
    return f"{datetime.fromtimestamp(market_ns // SECOND_NS, NEW_YORK):%Y%m%d %H:%M:%S} US/Eastern"


def utc_text(market_ns: int) -> str:
    """Return a time in UTC as TWS writes it: "20230414-13:30:00"."""
    return f"{datetime.fromtimestamp(market_ns // SECOND_NS, UTC):%Y%m%d-%H:%M:%S}"
