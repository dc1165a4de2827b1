"""1,000 random sessions: the simulator's books against a ledger that only reads the messages."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, OUT
from adapters.tws_simulator.orders.settings import CAPTURED_FRAME_ORDER
from tests.adapters.tws_simulator.account.independent_ledger import (
    IndependentLedger,
    option_requirement,
    stock_initial,
    stock_maintenance,
)
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.orders.floor import (
    AAPL,
    BAC,
    CALL_200,
    CALL_210,
    LISTINGS,
    PUT_190,
    PUT_200,
    Floor,
    bag,
    cancel,
    place,
    quick,
)

SESSIONS, CHUNKS = 1_000, 20
OPTIONS = {CALL_200: ("C", 200), CALL_210: ("C", 210), PUT_190: ("P", 190), PUT_200: ("P", 200)}
CLOSE = 1e-6
START_CASH = 1_000_000


class RandomSession:
    """A client, a market and a seed: does something at every step and keeps an independent ledger."""

    def __init__(self, seed: int, frame_order: tuple[Any, ...] = CAPTURED_FRAME_ORDER) -> None:
        self.random = random.Random(seed)
        rule = self.random.choice(["touch", "through", "queue"])
        part_max = self.random.choice([0, 0, 7])
        orders = quick(
            fill_rule=rule, fill_quantity_max=part_max, cancel_delay_ms=10, frame_order=frame_order
        )
        self.floor = Floor(orders=orders)
        self.clients = [self.floor.client(1), self.floor.client(2)]
        self.ledger = IndependentLedger(
            Fraction(START_CASH), {listing.con_id: listing.multiplier for listing in LISTINGS}
        )
        self.next_id = 1
        self.prices = {AAPL: 200.0, BAC: 10.0, CALL_200: 5.0, CALL_210: 2.0, PUT_190: 1.5, PUT_200: 4.5}
        for con_id in self.prices:
            self.move(con_id)

    def move(self, con_id: int) -> None:
        step = self.random.gauss(0, 0.02)
        price = max(self.prices[con_id] * (1 + step), 0.04)
        self.prices[con_id] = price
        bid = Decimal(repr(round(price, 2)))
        spread = Decimal(self.random.choice(["0.01", "0.02", "0.05"]))
        size = self.random.choice([5, 40, 300, 5_000])
        self.floor.quote(con_id, bid, bid + spread, size=size, last=bid + spread)

    def step(self) -> None:
        action = self.random.random()
        if action < 0.40:
            self.move(self.random.choice(list(self.prices)))
        elif action < 0.50:
            con_id = self.random.choice([AAPL, BAC])
            self.floor.trade(con_id, round(self.prices[con_id], 2), self.random.choice([3, 50, 400]))
        elif action < 0.80:
            self.place()
        elif action < 0.90:
            cancel(self.random.choice(self.clients), self.random.randint(1, self.next_id))
        elif action < 0.97:
            self.change()
        else:
            self.clients[0].request(OUT.REQ_GLOBAL_CANCEL, "GlobalCancelRequest")
        self.floor.run(self.random.choice([0.0, 0.0, 0.05]))
        self.read()

    def place(self) -> None:
        client, order_id = self.random.choice(self.clients), self.next_id
        self.next_id += 1
        fields = self.terms()
        if self.random.random() < 0.2:
            legs = self.random.sample(list(OPTIONS), 2)
            spread = bag((legs[0], "BUY", 1), (legs[1], "SELL", self.random.choice([1, 1, 2])))
            non_guaranteed = {"NonGuaranteed": "1"} if self.random.random() < 0.3 else {}
            limit: dict[str, Any] = {"kind": "LMT", "lmtPrice": round(self.random.uniform(-3, 5), 2)}
            kind: dict[str, Any] = self.random.choice([{"kind": "MKT"}, limit])
            quantity = self.random.randint(1, 4)
            place(
                client, order_id, spread, action=fields["action"], quantity=quantity,
                smartComboRoutingParams=non_guaranteed, **kind,
            )  # fmt: skip
            return
        con_id = self.random.choice(list(self.prices))
        place(client, order_id, con_id, **{**fields, **self.kind(con_id)}, quantity=self.quantity(con_id))

    def terms(self) -> dict[str, Any]:
        group = self.random.choice([{}, {}, {"ocaGroup": "G", "ocaType": self.random.choice([1, 2, 3])}])
        tif = self.random.choice(["DAY", "DAY", "GTC"])
        return {"action": self.random.choice(["BUY", "SELL"]), "tif": tif, **group}

    def kind(self, con_id: int) -> dict[str, Any]:
        price = max(round(self.prices[con_id] * self.random.uniform(0.98, 1.02), 2), 0.01)
        return self.random.choice(
            [
                {"kind": "MKT"},
                {"kind": "LMT", "lmtPrice": price},
                {"kind": "LMT", "lmtPrice": price, "tif": "IOC", "ocaGroup": ""},
                {"kind": "STP", "auxPrice": price},
                {"kind": "STP LMT", "auxPrice": price, "lmtPrice": price},
                {"kind": "TRAIL", "auxPrice": max(round(price * 0.01, 2), 0.01)},
                {"kind": "MIT", "auxPrice": price},
            ]
        )

    def quantity(self, con_id: int) -> int:
        return self.random.randint(1, 6) if con_id in OPTIONS else self.random.choice([1, 10, 100, 350])

    def change(self) -> None:
        found = [one for one in self.floor.orders.truth()["orders"] if one["status"] == "Submitted"]
        if found and found[0]["security_type"] != "BAG":
            one = found[0]
            client = self.clients[one["client_id"] - 1]
            price = round(self.prices[one["con_id"]], 2)
            place(
                client, one["order_id"], one["con_id"], action=one["action"], kind="LMT",
                lmtPrice=max(price, 0.01), quantity=self.quantity(one["con_id"]), ocaGroup=one["oca_group"],
            )  # fmt: skip

    def read(self) -> None:
        found = [details for client in self.clients for details in client.take(IN.EXECUTION_DATA)]
        for details in sorted(found, key=_made_as):
            self.ledger.on_execution(details)

    def marks(self) -> dict[int, Fraction]:
        return {con_id: Fraction(self.floor.market.mark(con_id) or 0) for con_id in self.prices}

    def check(self) -> None:
        """Compare everything with the independent ledger."""
        books, ledger, marks = self.floor.books(), self.ledger, self.marks()
        assert Fraction(books["cash"]) == ledger.cash
        assert Fraction(books["commissions"]) == ledger.commissions
        held = {int(con_id): Fraction(one["quantity"]) for con_id, one in books["positions"].items()}
        assert held == ledger.quantities()
        net = ledger.net_liquidation(marks)
        assert float(Fraction(books["net_liquidation"]) - net) == pytest.approx(0, abs=CLOSE)
        assert float(Fraction(books["realized"]) - ledger.realized()) == pytest.approx(0, abs=CLOSE)
        profit = Fraction(books["realized"]) + Fraction(books["unrealized"])
        assert float(profit - (net - START_CASH)) == pytest.approx(0, abs=CLOSE)
        assert float(Fraction(books["daily"]) - (net - START_CASH)) == pytest.approx(0, abs=CLOSE)
        self._check_margin(books, held, marks)
        self._check_orders()

    def _check_margin(
        self, books: dict[str, Any], held: dict[int, Fraction], marks: dict[int, Fraction]
    ) -> None:
        stocks = [(held[con_id], marks[con_id]) for con_id in (AAPL, BAC) if con_id in held]
        maintenance = sum((stock_maintenance(*one) for one in stocks), Fraction(0))
        initial = sum((stock_initial(*one) for one in stocks), Fraction(0))
        options = {OPTIONS[con_id]: int(held[con_id]) for con_id in OPTIONS if con_id in held}
        premiums = {OPTIONS[con_id]: marks[con_id] for con_id in OPTIONS}
        options_need = option_requirement(options, premiums, marks[AAPL], int(held.get(AAPL, 0)))
        for name, stocks_need in (("initial_margin", initial), ("maintenance_margin", maintenance)):
            difference = Fraction(books[name]) - stocks_need - options_need
            assert float(difference) == pytest.approx(0, abs=CLOSE), name
        assert Fraction(books["buying_power"]) >= 0

    def _check_orders(self) -> None:
        truth = self.floor.orders.truth()
        traded: dict[int, Decimal] = {}
        for execution in truth["executions"]:
            if execution["security_type"] != "BAG":
                assert execution["commission"] >= 0
                assert Decimal(execution["quantity"]) > 0
            one = next(order for order in truth["orders"] if order["perm_id"] == execution["perm_id"])
            if execution["security_type"] == one["security_type"]:
                traded[one["perm_id"]] = traded.get(one["perm_id"], Decimal(0)) + Decimal(
                    execution["quantity"]
                )
        for one in truth["orders"]:
            assert 0 <= Decimal(one["filled"]) <= Decimal(one["quantity"])
            if one["security_type"] != "BAG":
                assert Decimal(one["filled"]) == traded.get(one["perm_id"], 0)
            assert (one["status"] == "Filled") == (one["remaining"] == "0")


def _made_as(details: Any) -> int:
    """Return the number of an execution: two clients' messages are merged by it."""
    return int(details.execution.execId.split(".")[2], 16)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_books_agree_with_an_independent_ledger_over_random_sessions(chunk: int) -> None:
    per_chunk = SESSIONS // CHUNKS
    executions = 0
    for seed in range(chunk * per_chunk, (chunk + 1) * per_chunk):
        session = RandomSession(seed)
        for _ in range(25):
            session.step()
        try:
            session.check()
        except AssertionError as difference:
            raise AssertionError(f"seed {seed}: {difference}") from difference
        executions += len(session.ledger.seen)
    assert executions > 4 * per_chunk, "the sessions hardly traded"


FRAME_ORDERS = sorted(set(permutations(CAPTURED_FRAME_ORDER)))


def _client_view(client: FakeSession) -> dict[str, Any]:
    """Return what a client believes that takes messages in any order."""
    return {
        "executions": sorted(
            (one.execution.execId, one.execution.shares) for one in client.take(IN.EXECUTION_DATA)
        ),
        "commissions": sorted(
            (one.execId, one.commissionAndFees) for one in client.take(IN.COMMISSION_AND_FEES_REPORT)
        ),
        "filled": {one.orderId: one.filled for one in client.take(IN.ORDER_STATUS)},
    }


def _traded_session(steps: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    floor = Floor(orders=quick(frame_order=steps, fill_quantity_max=40))
    for con_id, price in ((AAPL, 200), (CALL_200, 5), (CALL_210, 2)):
        floor.quote(con_id, price, price + 0.05)
    client = floor.client(1)
    place(client, 1, quantity=100)
    place(client, 2, bag((CALL_200, "BUY", 1), (CALL_210, "SELL", 1)), quantity=2)
    place(client, 3, kind="LMT", lmtPrice=199.0, quantity=10, ocaGroup="G", ocaType=2)
    place(client, 4, kind="LMT", lmtPrice=198.0, quantity=10, ocaGroup="G", ocaType=2)
    floor.run()
    floor.quote(AAPL, 198.95, 199.0, size=4)
    floor.run()
    return {**floor.orders.truth(), **floor.account.truth()}, _client_view(client)


@pytest.mark.parametrize("steps", FRAME_ORDERS, ids="-".join)
def test_every_order_of_frames_ends_in_the_same_truth_and_tells_it(steps: tuple[Any, ...]) -> None:
    assert _traded_session(steps) == _traded_session(CAPTURED_FRAME_ORDER)


def test_a_random_session_repeats_itself_to_the_byte() -> None:
    truths = []
    for _ in range(2):
        session = RandomSession(77)
        for _ in range(40):
            session.step()
        truths.append((session.floor.books(), session.floor.orders.truth()))
    assert truths[0] == truths[1]
