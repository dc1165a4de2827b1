"""Runs of a gate for tests of the day's result: each from the file of the last."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count

import msgspec

from market.time import NS_PER_SECOND, to_ns
from risk.account import Account
from risk.breaker_file import BreakerRecord
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.performance import Fill, Performance
from risk.policy import Policy
from risk.session_view import SessionView
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import NOW_NS, TableMarket, quote, running, stock

D = Decimal
F, GE = stock("F"), stock("GE")
DAY = date(2024, 3, 5)
TOMORROW_NS = to_ns("2024-03-06T10:00:00-05:00")
CLOSED = SessionView("closed", False, None)


class Run:
    """One run of a gate, from the file of the last one; prices are of everything held."""

    _trades = count()

    def __init__(self, last: Run | None = None, *, now_ns: int = NOW_NS, confirmed: bool = True) -> None:
        record = running()
        if last is not None:
            text = msgspec.json.encode(BreakerRecord(breaker=record.breaker, day=last.performance.record()))
            record = msgspec.json.decode(text, type=BreakerRecord)
        self.market = TableMarket()
        self.account = Account(LIMITS, self.market, allowed_symbols=frozenset(("F", "GE")), record=record)
        self.keeper = Gatekeeper(self.account, Policy(LIMITS))
        self.performance: Performance = self.account.performance
        self.now_ns = now_ns
        self.account.roll_day(now_ns)
        if confirmed:
            self.performance.confirm()

    def fill(
        self,
        quantity: int,
        price: str,
        *,
        terms: InstrumentTerms = F,
        at_ns: int | None = None,
        fee: str = "0",
    ) -> None:
        """Book an execution; with `at_ns` one that reconciliation found."""
        self.keeper.filled(
            "O",
            f"T-{next(self._trades)}",
            Fill(
                strategy_id="S-ONE", terms=terms, signed_quantity=quantity, price=D(price), fee_usd=D(fee),
                executed_ns=at_ns or self.now_ns, is_found=at_ns is not None,
            ),
            self.now_ns,
        )  # fmt: skip

    def find(self, quantity: int, price: str = "5.00", *, owner: str = "EXTERNAL") -> None:
        """Adopt a position."""
        self.keeper.adopt_position(owner, F, quantity, D(price))

    def look(self, bid: str, *, times: int = 1) -> Decimal:
        """Look at a quote and return the day's result."""
        for _ in range(times):
            self.now_ns += NS_PER_SECOND
            self.market.default_quote = quote(bid, str(D(bid) + D("0.01")), ts_ns=self.now_ns)
            self.account.roll_day(self.now_ns)
            self.account.look(self.now_ns)
            self.performance.today.note_high(is_sure=False)
        return self.result

    @property
    def result(self) -> Decimal:
        return self.performance.result().profit_usd
