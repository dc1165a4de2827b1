"""What US regulators charge on stock trades, by the date of the trade.

Section 31 fee (SEC), on the proceeds of sales. Rates are those of the SEC's fee rate advisories and orders
(sec.gov, Federal Register; FINRA information notices repeat them), each from its effective date.

Trading Activity Fee (FINRA), on shares sold, with a maximum per trade: FINRA By-Laws, Schedule A, section 1;
Regulatory Notice 12-06; SR-FINRA-2020-032 for 2022 to 2024; SR-FINRA-2024-019 (Release 34-101696) for 2025
to 2028; SR-FINRA-2026-021 for the holiday in the last quarter of 2026.

Consolidated Audit Trail fee, on all shares: what Interactive Brokers' price list said at the time. The rate
changes about every half year and the days of change were not found; 10 shares cost less than 0.001 USD.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from decimal import Decimal

import msgspec

from market.errors import DataError


class RegulatoryRates(msgspec.Struct, frozen=True, kw_only=True):
    """Rates of one day: a fraction of sale proceeds, USD per share, and a USD maximum per order."""

    sec_fraction_of_sales: Decimal
    taf_usd_per_share_sold: Decimal
    taf_usd_max: Decimal
    cat_usd_per_share: Decimal


STANDING_DATE = date(2026, 9, 30)
"""The rates of this day are charged unless a date is named: today's, without FINRA's holiday of late 2026."""

_SEC_USD_PER_MILLION = (
    (date(2012, 4, 1), "22.40"),
    (date(2013, 5, 25), "17.40"),
    (date(2014, 3, 18), "22.10"),
    (date(2015, 2, 14), "18.40"),
    (date(2016, 2, 16), "21.80"),
    (date(2017, 7, 4), "23.10"),
    (date(2018, 5, 22), "13.00"),
    (date(2019, 4, 16), "20.70"),
    (date(2020, 2, 18), "22.10"),
    (date(2021, 2, 25), "5.10"),
    (date(2022, 5, 14), "22.90"),
    (date(2023, 2, 27), "8.00"),
    (date(2024, 5, 22), "27.80"),
    (date(2025, 5, 14), "0"),
    (date(2026, 4, 4), "20.60"),
)
_TAF_USD_PER_SHARE_AND_MAX = (
    (date(2012, 3, 1), "0.000095", "4.75"),
    (date(2012, 7, 1), "0.000119", "5.95"),
    (date(2022, 1, 1), "0.000130", "6.49"),
    (date(2023, 1, 1), "0.000145", "7.27"),
    (date(2024, 1, 1), "0.000166", "8.30"),
    (date(2026, 1, 1), "0.000195", "9.79"),
    (date(2026, 10, 1), "0", "0"),
    (date(2027, 1, 1), "0.000232", "11.61"),
    (date(2028, 1, 1), "0.000240", "12.05"),
)
_CAT_USD_PER_SHARE = (
    (date.min, "0"),
    (date(2024, 10, 1), "0.000072"),
    (date(2026, 1, 1), "0.000003"),
)
EARLIEST_DATE = _SEC_USD_PER_MILLION[0][0]


def regulatory_rates(on: date | None = None) -> RegulatoryRates:
    """Return the rates of a trade on day `on`, or the standing rates.

    Raises `DataError` for a day before the first known rate.
    """
    day = STANDING_DATE if on is None else on
    if day < EARLIEST_DATE:
        raise DataError(
            f"Regulatory fees of {day} are not known, only those from {EARLIEST_DATE} on. "
            "Leave the date out to charge today's rates."
        )
    _, sec = _SEC_USD_PER_MILLION[bisect_right(_SEC_USD_PER_MILLION, day, key=lambda row: row[0]) - 1]
    _, taf, taf_max = _TAF_USD_PER_SHARE_AND_MAX[
        bisect_right(_TAF_USD_PER_SHARE_AND_MAX, day, key=lambda row: row[0]) - 1
    ]
    _, cat = _CAT_USD_PER_SHARE[bisect_right(_CAT_USD_PER_SHARE, day, key=lambda row: row[0]) - 1]
    return RegulatoryRates(
        sec_fraction_of_sales=Decimal(sec).scaleb(-6),
        taf_usd_per_share_sold=Decimal(taf),
        taf_usd_max=Decimal(taf_max),
        cat_usd_per_share=Decimal(cat),
    )
