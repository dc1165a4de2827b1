"""One side's record of an account in the form that all sides share: executions, positions, cash.

The journal, the engine and the broker each become a `Ledger`; everything after that is comparison.
Quantities are signed by side, USD amounts are exact decimals, `commission_usd` is a cost (positive).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

ZERO = Decimal(0)
CENT = Decimal("0.01")
HALF_CENT = Decimal("0.005")

Side = Literal["BUY", "SELL"]
SideName = Literal["journal", "engine", "statement"]
Event = Literal["assignment", "exercise", "expiry", "corporate_action", "cancellation", "correction"]


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, or with `is_order` a whole order as some statements print it.

    `where` says where it stands (a record of the journal, a line of the statement). `price` is USD a share,
    `multiplier` shares a contract. None means that the side does not say. `event` is what made it where no
    order did. `book` is the strategy that owns it. `stated_value_usd` is the cash before commission as
    the side prints it: exact where `price` is an average that was rounded.
    """

    where: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    ts_ns: int | None = None
    stated_value_usd: Decimal | None = None
    commission_usd: Decimal | None = None
    regulatory_usd: Decimal | None = None
    realized_usd: Decimal | None = None
    exec_id: str | None = None
    order_id: str | None = None
    client_order_id: str | None = None
    account: str | None = None
    currency: str = "USD"
    multiplier: int = 1
    is_order: bool = False
    is_api_order: bool | None = None
    event: Event | None = None
    book: str = ""

    @property
    def signed_quantity(self) -> Decimal:
        """Shares or contracts gained; negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity

    @property
    def value_usd(self) -> Decimal:
        """Cash received before commission; negative for a purchase."""
        if self.stated_value_usd is not None:
            return self.stated_value_usd
        return -self.signed_quantity * self.price * self.multiplier

    @property
    def cash_usd(self) -> Decimal:
        """Cash received after commission."""
        return self.value_usd - (self.commission_usd or ZERO)


class CashMovement(msgspec.Struct, frozen=True, kw_only=True):
    """Cash that came or went without a trade; `kind` decides the cause that is named."""

    where: str
    label: str
    amount_usd: Decimal
    kind: Literal["deposit", "dividend", "interest", "fee", "tax", "transfer", "currency", "other"]


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What one side says of an account from `first_day` to `last_day` (New York dates).

    `positions` are those at the end by instrument id, `starting_positions` those before the first execution.
    `realized_usd` and `fees_usd` are what the side states itself, beside what its executions add up to.
    `ordered` holds the quantity of each order by client order id, `remarks` what the side does not say.
    """

    name: SideName
    executions: tuple[Execution, ...] = ()
    account: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    positions: Mapping[str, Decimal] | None = None
    starting_positions: Mapping[str, Decimal] = {}
    starting_cash_usd: Decimal | None = None
    ending_cash_usd: Decimal | None = None
    movements: tuple[CashMovement, ...] = ()
    realized_usd: Decimal | None = None
    fees_usd: Decimal | None = None
    corporate_actions: Mapping[str, str] = {}
    ordered: Mapping[str, Decimal] = {}
    remarks: tuple[str, ...] = ()


def traded_positions(executions: Iterable[Execution]) -> dict[str, Decimal]:
    """Return what the executions leave of each symbol when they began flat; flat symbols stay with 0."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for execution in executions:
        held[execution.symbol] += execution.signed_quantity
    return dict(held)


def fees_of(executions: Iterable[Execution]) -> Decimal:
    """Return the sum of commissions in USD; those not said count as none."""
    return sum((execution.commission_usd or ZERO for execution in executions), ZERO)


def cash_of(executions: Iterable[Execution]) -> Decimal:
    """Return the cash in USD that the executions brought, commissions deducted."""
    return sum((execution.cash_usd for execution in executions), ZERO)


def is_usd(execution: Execution) -> bool:
    """Say whether the execution's amounts are USD and may be added up."""
    return execution.currency == "USD"
