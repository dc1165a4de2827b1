"""A broker's statement in either of its forms: Flex query XML or activity statement CSV."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from audit.reconciliation.activity_statement import parse_activity
from audit.reconciliation.flex_statement import parse_flex
from audit.reconciliation.ledger import Ledger
from market.errors import DataError
from market.time import NEW_YORK


def parse_statement(text: str, *, account: str | None = None, zone: ZoneInfo = NEW_YORK) -> Ledger:
    """Return the broker's side, told by the text's first character: `<` begins a Flex query.

    `account` chooses one of several accounts, `zone` is the account's time zone in its reporting settings.
    Raises `DataError` naming line and element for what cannot be read.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError("The statement is empty. Download it again.")
    if text.lstrip().startswith("<"):
        return parse_flex(text, account=account, zone=zone)
    return parse_activity(text, zone=zone)
