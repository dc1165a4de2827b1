"""What a difference is, its likely causes by name, and what to do about each."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from audit.reconciliation.ledger import ZERO, SideName

Cause = Literal[
    "missing_at_broker",
    "missing_in_journal",
    "missing_in_engine",
    "other_client",
    "duplicate_in_journal",
    "duplicate_in_engine",
    "duplicate_at_broker",
    "wrong_quantity",
    "wrong_side",
    "wrong_price",
    "price_rounding",
    "contract_size",
    "time_zone",
    "another_day",
    "clock",
    "commission_missing",
    "commission_tier",
    "regulatory_fees",
    "commission_differs",
    "assignment",
    "exercise",
    "expiry",
    "corporate_action",
    "cancellation",
    "correction",
    "currency",
    "another_account",
    "another_period",
    "position_from_before",
    "starting_cash",
    "deposit",
    "dividend",
    "interest",
    "fee",
    "tax",
    "transfer",
    "cash_other",
    "cash_unexplained",
    "lot_method",
    "sums_disagree",
]

What = Literal["execution", "terms", "time", "commission", "position", "cash", "realized", "fees", "scope"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on which the journal and another side disagree.

    `amount_usd` is how much more cash the other side has for it, `quantity` how many more units.
    `journal` and `other` are what each says; None means that it says nothing. `where` names both places.
    """

    other_side: SideName
    what: What
    cause: Cause
    symbol: str | None = None
    amount_usd: Decimal = ZERO
    quantity: Decimal = ZERO
    journal: str | None = None
    other: str | None = None
    where: tuple[str, ...] = ()
    why: str
    do: str = ""

    def __post_init__(self) -> None:
        if not self.do:
            own = TO_DO_IN_ENGINE if self.other_side == "engine" else TO_DO
            msgspec.structs.force_setattr(self, "do", own.get(self.cause, TO_DO[self.cause]))


TO_DO: dict[Cause, str] = {
    "missing_at_broker": (
        "Look the execution up in TWS (Trade Log) and in the next day's statement. If IBKR does not "
        "know it, stop trading the symbol and ask IBKR: the journal counts a position that is not "
        "there."
    ),
    "missing_in_journal": (
        "Ask first whether somebody traded by hand or with another program: a CSV statement does not say "
        "whose order it was, a Flex query does. If nobody did, check `harvester audit verify` and the node's "
        "log at that time. The account holds what the journal does not know: flatten it by hand, or let "
        "start-up reconciliation take it over."
    ),
    "missing_in_engine": "Report it: the engine's tables were written without a fill that its events had.",
    "other_client": (
        "Find out who traded (TWS by hand, another API client, a second program). Give Harvester an "
        "account of its own, or leave its symbols alone."
    ),
    "duplicate_in_journal": (
        "Count it once. Report it with the two records: an execution was delivered twice."
    ),
    "duplicate_in_engine": "Count it once. Report it with the two rows: the engine applied a fill twice.",
    "duplicate_at_broker": (
        "Download the statement again; if the row stays, ask IBKR which of the two is booked."
    ),
    "wrong_quantity": (
        "Compare with the trade confirmation. The broker's quantity is what the account holds."
    ),
    "wrong_side": (
        "Stop trading the symbol and compare with the trade confirmation: the position is reversed."
    ),
    "wrong_price": (
        "Compare with the trade confirmation. If IBKR is wrong, a claim must be filed within minutes "
        "to days, depending on the exchange."
    ),
    "price_rounding": (
        "Nothing, if it is a fraction of a tick: prices between ticks (midpoint) are printed rounded."
    ),
    "contract_size": (
        "Look for an adjusted contract (split, special dividend): its size is no longer standard."
    ),
    "time_zone": "Give the account's time zone with --zone (IBKR: Settings, Account Reporting).",
    "another_day": (
        "Compare with the neighbouring day's statement: trades after 20:20 New York are booked on the next."
    ),
    "clock": "Check the machine's clock (chrony, NTP), or widen --window-seconds if reports came late.",
    "commission_missing": (
        "Nothing: the commission report came after the fill was journaled. Count the broker's."
    ),
    "commission_tier": "Set `fees.schedule` of the profile to the list that the account is on.",
    "regulatory_fees": "Nothing: the broker passes on fees of SEC, FINRA and CAT. Count the broker's.",
    "commission_differs": (
        "Count the broker's amount; if it comes back daily, compare the trade's commission details."
    ),
    "assignment": "Adjust the books: options were assigned. Check that the shares that came are wanted.",
    "exercise": "Adjust the books: options were exercised or settled in cash.",
    "expiry": "Nothing: the option expired. The position is gone without an order.",
    "corporate_action": "Adjust the books by the action's terms, and the catalog's prices with them.",
    "cancellation": (
        "Take the trade back: the exchange or IBKR cancelled it. What followed from it is exposed."
    ),
    "correction": "Book the corrected terms: the exchange or IBKR changed the execution after the fact.",
    "currency": "Reconcile it apart: amounts in other currencies are not added to USD.",
    "another_account": (
        "Download the statement of the account in the journal, or name the run of the other account."
    ),
    "another_period": (
        "Download a statement that covers the journal's days, or reconcile the other day's run too."
    ),
    "position_from_before": "Check the day before: what was held when the journal began is not in it.",
    "starting_cash": "Check the day before: journal and broker began with different cash.",
    "deposit": "Nothing, if the deposit or withdrawal is yours.",
    "dividend": "Book the dividend: it is no trade, so the journal has none.",
    "interest": "Book the interest: it is no trade, so the journal has none.",
    "fee": "Book the fee (market data, borrowing, exercise): it is no trade, so the journal has none.",
    "tax": "Book the tax: it is no trade, so the journal has none.",
    "transfer": "Check that the transfer is yours.",
    "cash_other": "Look the line up in the statement and book it.",
    "cash_unexplained": (
        "Compare the statement's cash report with its trades line by line; a section may be missing "
        "from the query."
    ),
    "lot_method": "Compare the account's tax lot method (first in, first out is assumed) and wash sales.",
    "sums_disagree": "Report it with the run: a sum is not the sum of its parts.",
}
"""What to do about each cause, in the words of a runbook."""

_TABLE_DIFFERS = (
    "The journal verifies, so the engine's table was changed after the run, or written wrongly: run the "
    "backtest again, and report it if the two still differ."
)
_OF_THE_TABLE: tuple[Cause, ...] = (
    "missing_in_journal",
    "missing_in_engine",
    "duplicate_in_engine",
    "wrong_quantity",
    "wrong_side",
    "wrong_price",
    "price_rounding",
    "contract_size",
    "time_zone",
    "another_day",
    "clock",
    "commission_missing",
    "commission_tier",
    "regulatory_fees",
    "commission_differs",
    "starting_cash",
    "other_client",
)
TO_DO_IN_ENGINE: dict[Cause, str] = dict.fromkeys(_OF_THE_TABLE, _TABLE_DIFFERS)
"""What to do where the engine's own tables differ, which no broker made."""
