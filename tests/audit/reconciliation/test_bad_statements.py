"""What cannot be read is refused with its line, its element and what to do; every value has its forms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.reconciliation import parse_statement
from audit.reconciliation.cash_lines import is_trading_line, movement_kind
from audit.reconciliation.statement_values import (
    day,
    event_of,
    instant_ns,
    multiplier_of,
    number,
    same_contract,
    statement_instrument,
    strip_order_reference,
)
from market.errors import DataError
from market.time import NEW_YORK, to_ns

STATEMENTS = Path(__file__).parent / "statements"
FLEX = (STATEMENTS / "flex_2024-03-05.xml").read_text(encoding="utf-8")
ACTIVITY = (STATEMENTS / "activity_2024-03-05.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('quantity="-60"', 'quantity="sixty"', "line 14, Trade: quantity is 'sixty'"),
        ('tradePrice="35.3"', 'tradePrice=""', "line 14, Trade: tradePrice is missing"),
        ('tradePrice="35.3"', 'tradePrice="NaN"', "no number"),
        ('dateTime="2024-03-05;11:30:00" tradeDate', 'dateTime="2024-03-05" tradeDate', "no date and time"),
        ('dateTime="2024-03-05;11:30:00" tradeDate', 'dateTime="2024-03-05;25:30:00" tradeDate', "line 14"),
        (
            'symbol="AAPL  240315C00170000" description',
            'symbol="AAPL" description',
            "line 16, Trade: 'AAPL' is no",
        ),
        (
            'fromDate="2024-03-05" toDate="2024-03-05" period',
            'toDate="2024-03-05" period',
            "fromDate is missing",
        ),
        ('fromDate="2024-03-05" toDate', 'fromDate="5.3.24" toDate', "'5.3.24', which is no date"),
        ('position="40"', 'position=""', "position is missing"),
        ("</FlexStatements>", "</Flex>", "line 33: not XML"),
        ("<FlexQueryResponse", "<!DOCTYPE x [<!ENTITY a 'b'>]><FlexQueryResponse", "DOCTYPE"),
        ("FlexQueryResponse", "Response", "line 2: the file begins with <Response>"),
        ("Trades>", "Traded>", "no Trades section"),
        ("FlexStatement ", "Other ", "not XML"),
        (
            'depositWithdrawals="0" deposits="0"',
            'deposits="some"',
            "deposits is 'some'",
        ),
    ],
)
def test_a_flex_query_that_cannot_be_read_names_line_and_element(old: str, new: str, words: str) -> None:
    assert old in FLEX
    with pytest.raises(DataError) as caught:
        parse_statement(FLEX.replace(old, new))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("-60,35.3,35.4", "sixty,35.3,35.4", "line 33, Trades: Quantity is 'sixty'"),
        ("-60,35.3,35.4", "-60,,35.4", "line 33, Trades: T. Price is missing"),
        ('"2024-03-05, 11:30:00",-60,35.3', "yesterday,-60,35.3", "no date and time"),
        ('"2024-03-05, 11:30:00",-60,35.3', "2024-03-05, 11:30:00,-60,35.3", "comma that is not in quotes"),
        ('AAPL 15MAR24 170 C,"', 'AAPL call,"', "'AAPL call' is no option"),
        ('AAPL 15MAR24 170 C,"', 'AAPL 31FEB24 170 C,"', "is no option"),
        ('"March 5, 2024"', "lately", "Period is 'lately'"),
        ("Statement,", "Report,", "no Statement section"),
        ("Trades,Header", "Trades,Heading", "line 31, Trades: data before its header"),
        ('"March 5, 2024"', '"March 5, 2024', "not CSV"),
        ("BAC,40,1", "BAC,,1", "line 25, Open Positions: Quantity is missing"),
    ],
)
def test_an_activity_statement_that_cannot_be_read_names_its_line(old: str, new: str, words: str) -> None:
    assert old in ACTIVITY
    with pytest.raises(DataError) as caught:
        parse_statement(ACTIVITY.replace(old, new))
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "  \n", "\ufeff"])
def test_an_empty_file_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="empty"):
        parse_statement(text)


IN_PROGRESS = "Statement generation in progress. Please try again shortly."
ANSWER = "<FlexStatementResponse timestamp='28 August, 2012 10:37 AM EDT'>{}</FlexStatementResponse>"


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (
            f"<Status>Warn</Status>\n<ErrorCode>1019</ErrorCode>\n<ErrorMessage>{IN_PROGRESS}</ErrorMessage>",
            f"error 1019: {IN_PROGRESS}",
        ),
        ("<ErrorCode>1003</ErrorCode>", "error 1003: without words"),
        ("<ErrorMessage>No.</ErrorMessage>", "error without a code: No."),
        ("<Status>Success</Status><ReferenceCode>123</ReferenceCode><Url>u</Url>", "reference 123"),
        ("<FlexStatement/>", "reference without a code"),
    ],
)
def test_an_answer_without_a_statement_is_told_in_ibkr_s_words(inside: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_statement(ANSWER.format(inside))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"2024-03-05, 11:30:00",-60,35.3', "3/5/2024 11:30,-60,35.3"),
        ('"2024-03-05, 11:30:00",-60,35.3', '"5.3.2024, 11:30:00",-60,35.3'),
        ('"March 5, 2024"', "5.3.2024"),
    ],
)
def test_a_csv_s_odd_date_is_a_spreadsheet_s_and_not_a_flex_query_s(old: str, new: str) -> None:
    with pytest.raises(DataError, match=r"do not open and save it in a spreadsheet") as caught:
        parse_statement(ACTIVITY.replace(old, new))
    assert "Flex" not in str(caught.value)


def test_a_query_without_statements_is_refused() -> None:
    with pytest.raises(DataError, match="no FlexStatement"):
        parse_statement('<FlexQueryResponse><FlexStatements count="0"></FlexStatements></FlexQueryResponse>')


@given(text=st.text(max_size=200), xml=st.booleans())
def test_whatever_is_no_statement_is_refused_as_bad_data(text: str, xml: bool) -> None:
    with pytest.raises(DataError):
        parse_statement(("<" if xml else "") + text)


def test_of_several_accounts_one_must_be_named() -> None:
    begin, end = FLEX.index("<FlexStatement "), FLEX.index("</FlexStatements>")
    two = FLEX[:end] + FLEX[begin:end].replace("U1234567", "U7654321") + FLEX[end:]
    with pytest.raises(DataError, match=r"U1234567, U7654321\. Name one with --account"):
        parse_statement(two)
    with pytest.raises(DataError, match="and not U9"):
        parse_statement(two, account="U9")
    assert parse_statement(two, account="U7654321").account == "U7654321"
    assert parse_statement(FLEX, account="U9").account == "U1234567"


def test_sections_that_are_missing_are_said() -> None:
    for section in ("OpenPositions", "CashReport"):
        begin, end = FLEX.index(f"<{section}>"), FLEX.index(f"</{section}>")
        ledger = parse_statement(FLEX[:begin] + FLEX[end + len(section) + 3 :])
        assert len(ledger.remarks) == 1
    assert parse_statement(FLEX).remarks == ()
    bare = "\n".join(line for line in ACTIVITY.splitlines() if line.startswith(("Statement", "Account")))
    ledger = parse_statement(bare)
    assert [remark.split(" section")[0] for remark in ledger.remarks] == [
        "The statement has no Trades",
        "The statement has no Open Positions",
        "Cash at the broker: the statement has no Cash Report",
    ]
    assert ledger.executions == ()
    assert ledger.positions == {}
    assert ledger.realized_usd is None


def test_cash_in_another_currency_is_not_taken_for_usd() -> None:
    euros = FLEX.replace('currency="USD" fromDate', 'currency="EUR" fromDate')
    assert parse_statement(euros).ending_cash_usd is None
    only_base = FLEX[
        : FLEX.index('<CashReportCurrency accountId="U1234567" acctAlias="" model="" currency="USD"')
    ]
    only_base += "</CashReport></FlexStatement></FlexStatements></FlexQueryResponse>"
    assert parse_statement(only_base).ending_cash_usd == Decimal("8855.32")
    assert parse_statement(ACTIVITY).ending_cash_usd == Decimal("8855.32")
    assert parse_statement(ACTIVITY.replace("Base Currency,USD", "Base Currency,CHF")).ending_cash_usd is None
    mixed = ACTIVITY.replace(
        "Cash Report,Data,Starting Cash,Base Currency Summary", "Cash Report,Data,Starting Cash,EUR"
    )
    assert parse_statement(mixed).ending_cash_usd is None


def test_lines_of_the_cash_report_that_are_no_trades_are_movements() -> None:
    added = FLEX.replace(
        'depositWithdrawals="0" deposits="0"',
        'depositWithdrawals="500" deposits="500" fdicNote="insured" novelThing="1.25" slbNetCash="9" ',
    )
    movements = parse_statement(added).movements
    assert [(each.label, each.amount_usd, each.kind) for each in movements] == [
        ("deposits", Decimal(500), "deposit"),
        ("novelThing", Decimal("1.25"), "other"),
    ]
    older = FLEX.replace('depositWithdrawals="0" deposits="0" withdrawals="0"', 'depositWithdrawals="-70"')
    assert [each.amount_usd for each in parse_statement(older).movements] == [Decimal(-70)]


def test_lots_closed_beneath_an_order_are_no_trades() -> None:
    lot = 'Trades,Data,ClosedLot,Stocks,USD,BAC,"2024-03-05, 10:01:35",60,35.1,,,,2106.6,10.37,,ST\n'
    text = ACTIVITY.replace("Trades,SubTotal,,Stocks", lot + "Trades,SubTotal,,Stocks")
    assert len(parse_statement(text).executions) == 3


def test_a_line_of_the_cash_report_without_an_amount_is_no_movement() -> None:
    line = "Cash Report,Data,Dividends,Base Currency Summary,0,0,0,\n"
    text = ACTIVITY.replace("Cash Report,Data,Ending Cash", line + "Cash Report,Data,Ending Cash")
    assert parse_statement(text).movements == ()


def test_a_corporate_action_whose_description_names_no_symbol_is_passed_over() -> None:
    rows = "Corporate Actions,Header,Asset Category,Description\nCorporate Actions,Data,Stocks,??\n"
    assert parse_statement(ACTIVITY + rows).corporate_actions == {}


def test_date_and_time_in_two_attributes_are_one_instant() -> None:
    apart = FLEX.replace(
        'dateTime="2024-03-05;11:30:00" tradeDate="2024-03-05"', 'tradeDate="20240305" tradeTime="113000"'
    )
    assert apart != FLEX
    assert [each.ts_ns for each in parse_statement(apart).executions] == [
        each.ts_ns for each in parse_statement(FLEX).executions
    ]


def test_options_that_ended_are_trades_even_where_the_query_does_not_book_them() -> None:
    terms = (
        'currency="USD" assetCategory="OPT" symbol="AAPL  240315C00170000" multiplier="100" date="2024-03-05"'
    )
    rows = "".join(
        f'<OptionEAE accountId="U1234567" {terms} transactionType="{kind}" quantity="{units}" '
        'tradePrice="0.0000" commisionsAndTax="0.00" />'
        for kind, units in (("Assignment", "1"), ("Expiration", "-2"), ("Buy", "100"))
    )
    ledger = parse_statement(FLEX.replace("<OptionEAE>\n", f"<OptionEAE>\n{rows}"))
    ended = [
        (str(each.event), int(each.signed_quantity), each.multiplier)
        for each in ledger.executions
        if each.event
    ]
    assert ended == [("assignment", 1, 100), ("expiry", -2, 100)]
    booked = FLEX.replace('quantity="-1" tradePrice="2.5"', 'quantity="1" tradePrice="0"')
    booked = booked.replace(
        'notes="" fifoPnlRealized="0" buySell="SELL" ibOrderID="572341003"', 'notes="A;C" ibOrderID=""'
    )
    ledger = parse_statement(booked.replace("<OptionEAE>\n", f"<OptionEAE>\n{rows}"))
    assert [each.event for each in ledger.executions if each.event] == ["expiry", "assignment"]


def test_a_forex_trade_counts_under_its_pair() -> None:
    row = 'Trades,Data,Order,Forex,USD,EUR.USD,"2024-03-05, 12:00:00","1,000",1.08,1.08,-1080,-2,,,,\n'
    text = ACTIVITY.replace("Trades,SubTotal,,Stocks", row + "Trades,SubTotal,,Stocks")
    (forex,) = [each for each in parse_statement(text).executions if each.currency != "USD"]
    assert (forex.currency, forex.quantity, forex.side) == ("EUR.USD", Decimal(1_000), "BUY")


@pytest.mark.parametrize(
    "text",
    [
        "20240305;103000",
        "2024-03-05;10:30:00",
        "2024-03-05, 10:30:00",
        "03/05/2024,10:30:00",
        "03/05/24 10:30:00",
        "05-MAR-24;103000",
        "2024-03-05T10:30:00",
    ],
)
def test_every_form_of_time_is_the_same_instant(text: str) -> None:
    assert instant_ns(text, zone=NEW_YORK, where="x") == to_ns("2024-03-05T10:30:00-05:00")
    assert instant_ns(text, zone=ZoneInfo("Europe/Berlin"), where="x") == to_ns("2024-03-05T10:30:00+01:00")


def test_values_are_read_in_their_forms() -> None:
    assert number("-1,234,567.89", what="x", where="y") == Decimal("-1234567.89")
    assert day("March 5, 2024", what="x", where="y") == date(2024, 3, 5)
    assert statement_instrument("BRK B", is_option=False, where="x") == "BRK.B.SMART"
    assert (
        statement_instrument("SPXW 06JAN21 3700 C", is_option=True, where="x")
        == "SPXW  210106C03700000.SMART"
    )
    assert (
        statement_instrument("AAPL 240315P00167500", is_option=True, where="x")
        == "AAPL  240315P00167500.SMART"
    )
    assert same_contract("BAC.SMART") == "BAC.SMART"
    assert (multiplier_of("BAC.SMART"), multiplier_of("AAPL  240315C00170000.SMART")) == (1, 100)
    assert strip_order_reference("O-1:17") == "O-1"
    assert strip_order_reference("") is None
    assert strip_order_reference(None) is None


@pytest.mark.parametrize(
    ("codes", "kind", "side", "event"),
    [
        ("A;C", "BookTrade", "BUY", "assignment"),
        ("C;Ep", "BookTrade", "SELL", "expiry"),
        ("AEx,O", "BookTrade", "BUY", "exercise"),
        ("O;P", "ExchTrade", "BUY", None),
        ("", "TradeCancel", "BUY", "cancellation"),
        ("", "ExchTrade", "SELL (Ca.)", "cancellation"),
        ("", "TradeCorrect", "BUY", "correction"),
        ("", "FracShare", "SELL", "corporate_action"),
    ],
)
def test_codes_say_what_made_a_trade(codes: str, kind: str, side: str, event: str | None) -> None:
    assert event_of(codes, transaction_type=kind, side=side) == event


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("withholdingTax", "tax"),
        ("Withdrawals", "deposit"),
        ("Payment In Lieu of Dividends", "dividend"),
        ("brokerInterest", "interest"),
        ("Account Transfers", "transfer"),
        ("Cash FX Translation Gain/Loss", "currency"),
        ("Transaction Fees", "fee"),
        ("Commissions Receivables", "fee"),
        ("cfdCharges", "fee"),
        ("Excess Fund Sweep", "other"),
    ],
)
def test_lines_of_cash_are_told_by_their_words(label: str, kind: str) -> None:
    assert movement_kind(label) == kind
    assert not is_trading_line(label)


@pytest.mark.parametrize(
    "label", ["Net Trades (Sales)", "Trades (Purchase)", "netTradesPurchases", "Commissions"]
)
def test_lines_that_sum_up_trades_are_known(label: str) -> None:
    assert is_trading_line(label)
