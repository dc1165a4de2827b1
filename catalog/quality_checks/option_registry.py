"""The checks of option chains, greeks, and the series that pricing needs beside them."""

from __future__ import annotations

from catalog.quality_checks.check import Check, Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

OPTION_CHECKS = (
    Check(
        "contract_mismatch",
        _ERROR,
        "A contract's id says another expiry, strike or right than its columns, or none at all.",
        "Correct the column mapping of the source and ingest it again.",
    ),
    Check(
        "duplicate_contract",
        _ERROR,
        "A snapshot has a contract more than once: which of the quotes counts is chance.",
        "Remove the rows that repeat it from the source and ingest it again.",
    ),
    Check(
        "expired_contract",
        _WARNING,
        "A snapshot has contracts whose settlement was before it.",
        "Nothing prices them; if there are many, look at the time zone of the source.",
    ),
    Check(
        "missing_contracts",
        _WARNING,
        "A snapshot has far fewer contracts than usual on the day so far.",
        "Look for a recording that failed in part; a scan sees only what is there.",
    ),
    Check(
        "arbitrage_quote",
        _WARNING,
        "A strike's offer is below the bid of a strike that is worth less: one of them is old or wrong.",
        "Usual for moments in fast markets and in end-of-day files; a scan would take it for profit.",
    ),
    Check(
        "iv_out_of_bounds",
        _WARNING,
        "A volatility that came with the data is not above 0, or higher than any that is traded.",
        "Do not filter on the vendor's volatility there; our own pricing leaves such contracts out.",
    ),
    Check(
        "greeks_out_of_bounds",
        _WARNING,
        "A delta has the wrong sign or is beyond 1, or a gamma or vega is negative.",
        "Look at the units of the source: --vega-per, --theta-per, and the column mapping.",
    ),
    Check(
        "no_underlying_price",
        _INFO,
        "A snapshot came without a price of the underlying.",
        "Nothing to do: pricing takes the one that put-call parity implies.",
    ),
)
SERIES_CHECKS = (
    Check(
        "rate_out_of_bounds",
        _ERROR,
        "A rate is outside -10 % to 100 % a year, or the tenors of a curve do not ascend.",
        "Correct the unit (--unit percent) or the columns and ingest again.",
    ),
    Check(
        "series_jump",
        _WARNING,
        "A value is far from the one before it.",
        "Compare with another source: a misread column, unit or decimal point.",
    ),
    Check(
        "series_gap",
        _WARNING,
        "The series says nothing for many days; what was known before counts on.",
        "Ingest the missing days.",
    ),
    Check(
        "not_a_dividend",
        _ERROR,
        "The amount of a dividend is not above 0, or it goes ex when the exchange does not open.",
        "Correct the source and ingest it again.",
    ),
    Check(
        "late_declaration",
        _WARNING,
        "A dividend became known after its ex-dividend date: nothing was priced with it before.",
        "Look at the column of declarations, or choose a larger --declared-days.",
    ),
    Check(
        "restated_dividend",
        _INFO,
        "One ex-dividend date was stated more than once; what was declared last counts.",
        "Nothing to do, where it was a correction.",
    ),
)
