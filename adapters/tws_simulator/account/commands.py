"""What tests and scenarios do to accounts: cash and positions from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from adapters.tws_simulator.account.books import Books
from adapters.tws_simulator.component import ControlCommand
from adapters.tws_simulator.interfaces import Listing


class Deposit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Add `amount` USD of cash to an account; a negative one takes it out."""

    account: str
    amount: Decimal


class TransferPosition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give an account a position that it has not traded here; `price` is its cost per share in USD."""

    account: str
    con_id: int
    quantity: Decimal
    price: Decimal


class AccountCommands:
    """Runs the commands against the books; `changed(account, listing)` hears of new positions."""

    def __init__(self, books: Books, changed: Callable[[str, Listing], None]) -> None:
        self._books, self._changed = books, changed

    def table(self) -> Mapping[str, ControlCommand]:
        """Return the commands by name."""
        return {
            "deposit": ControlCommand(Deposit, self._deposit),
            "transfer_position": ControlCommand(TransferPosition, self._transfer),
        }

    def _deposit(self, wish: Deposit) -> None:
        if not wish.amount.is_finite():
            raise ValueError(f"amount {wish.amount}: a finite number of USD")
        self._books.ledger(wish.account).deposit(wish.amount)

    def _transfer(self, wish: TransferPosition) -> None:
        listing = self._books.listing(wish.con_id)
        self._books.ledger(wish.account).transfer(
            listing.con_id, listing.multiplier, quantity=wish.quantity, price=wish.price
        )
        self._changed(wish.account, listing)
