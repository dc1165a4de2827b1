"""Reads the XML of a Flex query into elements that know their line."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from xml.parsers import expat

import msgspec

from audit.reconciliation.statement_values import number_or_none
from market.errors import DataError

_ROW_TAGS = frozenset(
    ("Trade", "Order", "TradeConfirm", "OpenPosition", "CashReportCurrency", "CorporateAction", "OptionEAE")
) | frozenset(("UnbundledCommissionDetail",))


ANSWER = "FlexStatementResponse"
"""What the web service sends in the place of a statement: an error, or the receipt of the request."""


class Element(msgspec.Struct, frozen=True):
    """One data element: its name, attributes, and the line on which it begins."""

    tag: str
    attributes: Mapping[str, str]
    line: int

    @property
    def where(self) -> str:
        """Its place for a reader."""
        return f"line {self.line}, {self.tag}"

    def text(self, *names: str) -> str:
        """Return the first of the attributes that is there and not empty, else an empty text."""
        return next((self.attributes[name].strip() for name in names if self.attributes.get(name)), "")

    def needed(self, *names: str) -> str:
        """Return the first of the attributes; raises `DataError` without one."""
        text = self.text(*names)
        if not text:
            raise DataError(f"{self.where}: {names[0]} is missing. Add it to the Flex query's section.")
        return text

    def decimal(self, *names: str) -> Decimal | None:
        """Return a number, or None when the attribute is absent."""
        return number_or_none(self.text(*names), what=names[0], where=self.where)


class FlexStatement(msgspec.Struct, frozen=True):
    """One `FlexStatement` and the rows in it; `sections` are the elements around the rows."""

    head: Element
    rows: tuple[Element, ...]
    sections: frozenset[str]

    def of(self, *tags: str) -> list[Element]:
        """Return the rows with one of the names."""
        return [row for row in self.rows if row.tag in tags]


def read_flex(text: str) -> list[FlexStatement]:
    """Return the statements of a query with their rows; raises `DataError` for what is no Flex query."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype  # entities could grow without bound; IBKR sends none
    parser.StartElementHandler = lambda tag, found: reader.begin(tag, found, parser.CurrentLineNumber)
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        said = expat.errors.messages[error.code]
        raise DataError(f"line {error.lineno}: not XML ({said}). Download the statement again.") from None
    if not reader.statements:
        raise DataError("The Flex query holds no FlexStatement: no account, or no data in its period.")
    return reader.statements


def _refuse_doctype(*_: object) -> None:
    raise DataError("The XML has a DOCTYPE, which no Flex query has. Download the statement again.")


def _words_of_answer(answer: Mapping[str, str]) -> str:
    """Return what the web service said in the place of a statement."""
    code, said = answer.get("ErrorCode"), answer.get("ErrorMessage")
    if code or said:
        return f"IBKR sent no statement but error {code or 'without a code'}: {said or 'without words'}"
    reference = answer.get("ReferenceCode", "without a code")
    return (
        f"IBKR took the request, and this is its receipt (reference {reference}), not the statement. Fetch "
        "the statement with that reference."
    )


class _Reader:
    """Gathers the rows of each statement as the XML goes by."""

    def __init__(self) -> None:
        self.statements: list[FlexStatement] = []
        self._depth = 0
        self._head: Element | None = None
        self._rows: list[Element] = []
        self._sections: set[str] = set()
        self._is_answer = False
        self._texts: list[str] = []
        self._answer: dict[str, str] = {}

    def begin(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self._depth += 1
        self._texts.append("")
        self._is_answer = self._is_answer or (self._depth == 1 and tag == ANSWER)
        if self._is_answer:
            return
        if self._depth == 1 and tag != "FlexQueryResponse":
            raise DataError(
                f"line {line}: the file begins with <{tag}>, a Flex query with <FlexQueryResponse>. Download "
                "an activity Flex query in XML, or an activity statement in CSV."
            )
        element = Element(tag, attributes, line)
        if tag == "FlexStatement":
            self._head = element
        elif tag in _ROW_TAGS and (attributes or tag != "OptionEAE"):  # its section has the same name
            self._rows.append(element)
        else:
            self._sections.add(tag)

    def characters(self, text: str) -> None:
        """Keep the text of an element: only an answer without a statement has any."""
        if self._is_answer:
            self._texts[-1] += text

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._answer[tag] = self._texts.pop().strip()
        if self._is_answer and self._depth == 0:
            raise DataError(_words_of_answer(self._answer))
        if tag == "FlexStatement" and self._head is not None:
            self.statements.append(FlexStatement(self._head, tuple(self._rows), frozenset(self._sections)))
            self._rows, self._sections = [], set()
