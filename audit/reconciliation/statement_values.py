"""The values of Interactive Brokers' statements: numbers, dates, times and symbols, in their true forms.

Both kinds of statement write thousands with commas and leave absent values empty or as dashes. Dates and
times follow what the account's owner chose for a Flex query; times are of the account's time zone, New York
unless it was changed, and carry none themselves. Source: IBKR Reporting Guide, "Trades", "Cash Report",
"Codes", and statements that others publish.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal
from zoneinfo import ZoneInfo

from audit.reconciliation.ledger import Event
from market.errors import DataError
from market.instruments import instrument_id
from market.option_contracts import occ_symbol, option_class, parse_occ_symbol
from market.time import to_ns

Form = Literal["flex", "csv"]
_SPREADSHEET = (
    "IBKR writes 2013-10-07, 09:30:00 in an activity statement: download it again, and do not open and save "
    "it in a spreadsheet, which writes dates its own way."
)
ABSENT = frozenset(("", "-", "--", "N/A"))
_DATE_FORMATS = ("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%d-%b-%y", "%B %d, %Y")
_TIME_FORMATS = ("%H%M%S", "%H:%M:%S")
_DATE_TIME = re.compile(r"(?P<day>[^;, ]+?)(?:;|, ?|T| )(?P<time>\d[\d:]+)")
_ACTIVITY_OPTION = re.compile(r"(\S+) (\d{2}[A-Z]{3}\d{2}) (\d+(?:\.\d+)?) ([CP])(?:ALL|UT)?")
_OCC_OPTION = re.compile(r"[A-Z][A-Z0-9.]{0,5} *\d{6}[CP]\d{8}")


def number(text: str, *, what: str, where: str) -> Decimal:
    """Return a decimal; raises `DataError` naming `what` and `where` for anything else, empty included."""
    try:
        value = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite():
        raise DataError(f"{where}: {what} is {text!r}, which is no number. Download the statement again.")
    return value


def number_or_none(text: str | None, *, what: str, where: str) -> Decimal | None:
    """Return a decimal, or None where the statement leaves the value out."""
    if text is None or text.strip() in ABSENT:
        return None
    return number(text, what=what, where=where)


def day(text: str, *, what: str, where: str, form: Form = "flex") -> date:
    """Return a date in any of the forms that a Flex query offers; day before month is not one of them."""
    for style in _DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), style).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    raise DataError(
        f"{where}: {what} is {text!r}, which is no date. "
        + (_SPREADSHEET if form == "csv" else "Choose yyyy-MM-dd or yyyyMMdd in the Flex query.")
    )


def instant_ns(text: str, *, zone: ZoneInfo, where: str, form: Form = "flex") -> int:
    """Return the instant in ns UTC at which the clocks of `zone` show `text`: date, separator, time."""
    match = _DATE_TIME.fullmatch(text.strip())
    if match is not None:
        on = day(match["day"], what="date", where=where, form=form)
        for style in _TIME_FORMATS:
            try:
                clock = datetime.strptime(match["time"], style).time()  # noqa: DTZ007 - the zone follows
            except ValueError:
                continue
            return to_ns(datetime.combine(on, clock, tzinfo=zone))
    flex = "Choose a separator other than none in the Flex query, e.g. 20131007;093000."
    raise DataError(f"{where}: {text!r} is no date and time. {_SPREADSHEET if form == 'csv' else flex}")


def statement_instrument(symbol: str, *, is_option: bool, where: str) -> str:
    """Return our instrument id of a statement's symbol.

    Flex queries name options by their OCC symbol, activity statements as `AAPL 18SEP26 200 C`; both write a
    share's class after a blank (`BRK B`).
    """
    if not is_option:
        return instrument_id(symbol.replace(" ", "."))
    match = _ACTIVITY_OPTION.fullmatch(symbol.strip().upper())
    try:
        if match is None:
            parse_occ_symbol(symbol)
            return same_contract(instrument_id(symbol))
        root, expiry, strike, right = match.groups()
        on = datetime.strptime(expiry.title(), "%d%b%y").date()  # noqa: DTZ007 - a date has no zone
        occ = occ_symbol(root, on, strike=Decimal(strike), is_call=right == "C")
    except (DataError, ValueError):
        raise DataError(f"{where}: {symbol!r} is no option that could be read.") from None
    return instrument_id(occ)


def same_contract(id_text: str) -> str:
    """Return an instrument id with its option symbol padded, so that both writings of one are equal."""
    symbol, _, venue = id_text.rpartition(".")
    if _OCC_OPTION.fullmatch(symbol) is None:
        return id_text
    name = parse_occ_symbol(symbol)
    padded = occ_symbol(name.root, name.expiry, strike=name.strike, is_call=name.is_call)
    return f"{padded}.{venue}"


def multiplier_of(id_text: str) -> int:
    """Return the shares that one unit of an instrument id stands for: 1, or an option's contract size."""
    symbol = id_text.rpartition(".")[0]
    if _OCC_OPTION.fullmatch(symbol) is None:
        return 1
    return option_class(parse_occ_symbol(symbol).root).multiplier


_EVENT_OF_CODE: dict[str, Event] = {
    "A": "assignment",
    "Ex": "exercise",
    "AEx": "exercise",
    "MEx": "exercise",
    "Ep": "expiry",
    "Ca": "cancellation",
    "Co": "correction",
}


def event_of(codes: str, *, transaction_type: str = "", side: str = "") -> Event | None:
    """Return what made a trade where no order did, from its codes (`A;C`), type and side."""
    for code in re.split(r"[;,]", codes):
        if code.strip() in _EVENT_OF_CODE:
            return _EVENT_OF_CODE[code.strip()]
    if transaction_type == "TradeCancel" or "(Ca.)" in side:
        return "cancellation"
    if transaction_type == "TradeCorrect":
        return "correction"
    return "corporate_action" if transaction_type.startswith("FracShare") else None


def strip_order_reference(text: str | None) -> str | None:
    """Return our client order id of an order reference: Nautilus appends `:` and the order's number."""
    if text is None or text.strip() in ABSENT:
        return None
    return text.strip().rsplit(":", 1)[0]
