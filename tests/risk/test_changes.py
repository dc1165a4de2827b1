"""What an order counts as while modifications are under way, against a small venue that answers in any order.

The venue acts on requests in turn: it takes one, refuses it, or never gets it. Its answers come at once,
late, in any order, twice or not at all; it may say again what works, and its stamps may be equal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from risk.changes import MAX_KEPT_REQUESTS, MAX_TIED_WORDS, Changes, Terms
from risk.decision import Approved, Refused
from risk.reservation import Reservation, reserve
from risk.snapshot import Quote
from tests.risk.limit_cases import limits
from tests.risk.table_market import NOW_NS, TableMarket, changed, gatekeeper, order, stock

D = Decimal
START: Terms = (60, D(5))


@dataclass
class Venue:
    """The truth, and answers on their way: what works, what has been sent, `(stamp, terms or refusal)`."""

    works: Terms = START
    sent: list[Terms] = field(default_factory=list)
    answers: list[tuple[int, Terms | None]] = field(default_factory=list)
    stamp: int = 1
    is_last_taken: bool = True

    def act(self, what: str, *, is_told: bool) -> None:
        """Act on the next request."""
        request = self.sent.pop(0)
        if what == "take":
            self.works = request
        if is_told and what != "lose":
            self.answers.append((self.stamp, self.works if what == "take" else None))
        self.is_last_taken = what == "take" and not self.sent


def deliver(counted: Reservation, answer: tuple[int, Terms | None]) -> None:
    stamp, terms = answer
    if terms is None:
        counted.reject_change(stamp)
    else:
        counted.accept(*terms, stamp)


def counted_order() -> Reservation:
    return reserve(order(quantity=START[0], limit_price=START[1]))


def assert_counts(counted: Reservation, venue: Venue) -> None:
    """Assert that neither what works nor what may come to work is more than what counts."""
    for quantity, price in (venue.works, *venue.sent):
        assert quantity <= counted.committed, f"{quantity} may work, {counted.committed} counts"
        assert price in counted.prices(), f"may work at {price}, counted are {counted.prices()}"
        assert price is not None
        assert price <= counted.highest_price


def live_out(seed: int, steps: int) -> None:
    """Take random steps of gate and venue, and check after each."""
    chance = random.Random(seed)
    venue, counted = Venue(), counted_order()
    few = [
        (chance.choice((10, 60, 90, 100)), D(chance.choice((5, 6)))) for _ in range(chance.randrange(2, 7))
    ]
    delay = chance.choice((0.1, 0.5, 0.9))
    for _ in range(steps):
        venue.stamp += chance.choice((0, 1, 1))
        step = chance.random()
        if step < 0.3 and len(counted.pending) < 16:
            venue.sent.append(chance.choice(few))
            counted.request(*venue.sent[-1])
        elif step < 0.6 and venue.sent:
            venue.act(chance.choice(("take", "take", "refuse", "lose")), is_told=chance.random() < 0.8)
        elif step < 0.65:
            venue.answers.append((venue.stamp, venue.works))  # said again, as IB does at every fill
        elif venue.answers and chance.random() > delay:
            place = chance.randrange(len(venue.answers))
            deliver(counted, venue.answers[place])
            if chance.random() < 0.8:  # else it will be told again
                del venue.answers[place]
        assert_counts(counted, venue)


@settings(max_examples=1_000, deadline=None)
@given(seed=st.integers(0, 2**63), steps=st.integers(5, 80))
@example(seed=7388058459782792485, steps=290)  # a word told late bore the stamp of the last one
@example(seed=5400881148066762897, steps=227)
@example(seed=935413299217974747, steps=297)
def test_never_less_counts_than_can_work(seed: int, steps: int) -> None:
    live_out(seed, steps)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=5_000, deadline=None, database=None, print_blob=True)
@given(seed=st.integers(0, 2**63), steps=st.integers(5, 300))
def test_never_less_counts_than_can_work_in_many_lives(seed: int, steps: int) -> None:
    live_out(seed, steps)


REQUESTS = st.lists(
    st.tuples(st.tuples(st.integers(1, 4).map(lambda n: 25 * n), st.just(D(6))), st.booleans()), max_size=8
)


@settings(max_examples=1_000)
@given(requests=REQUESTS, chance=st.randoms(use_true_random=False), is_twice=st.booleans())
@example(
    requests=[((25, D(6)), True), ((100, D(6)), True), ((25, D(6)), True)],
    chance=random.Random(4),
    is_twice=False,
)
def test_what_works_counts_once_every_answer_has_come_in_whatever_order(
    requests: list[tuple[Terms, bool]], chance: random.Random, is_twice: bool
) -> None:
    """Without requests for what works already: their answer cannot be told from a word told again."""
    venue, counted = Venue(), counted_order()
    for terms, is_taken in requests:
        if is_taken and terms == venue.works:
            continue
        venue.stamp += 1
        venue.sent.append(terms)
        counted.request(*terms)
        venue.act("take" if is_taken else "refuse", is_told=True)
    answers = venue.answers * (2 if is_twice else 1)
    chance.shuffle(answers)
    for answer in answers:
        deliver(counted, answer)
        assert_counts(counted, venue)
    assert (counted.quantity, counted.price) == venue.works
    assert (counted.committed, counted.pending) == (venue.works[0], [])


@settings(max_examples=500)
@given(requests=REQUESTS, chance=st.randoms(use_true_random=False))
def test_what_works_counts_once_the_broker_has_taken_the_last_change(
    requests: list[tuple[Terms, bool]], chance: random.Random
) -> None:
    """Whatever became of the answers before: lost, merged into one, or still on their way."""
    venue, counted = Venue(), counted_order()
    for terms, is_taken in [*requests, ((7, D(4)), True)]:
        venue.stamp += 1
        venue.sent.append(terms)
        counted.request(*terms)
        venue.act("take" if is_taken else "refuse", is_told=True)
    *others, last = venue.answers
    chance.shuffle(others)
    late = chance.randrange(len(others) + 1)
    for answer in [*others[late:], last]:
        deliver(counted, answer)
    assert (counted.committed, counted.prices()) == (7, [D(4)])
    for answer in others[:late]:
        deliver(counted, answer)
        assert (counted.committed, counted.prices()) == (7, [D(4)])


@pytest.mark.parametrize("stamp", [NOW_NS + 2, NOW_NS + 5])
def test_a_late_refusal_frees_no_later_request(stamp: int) -> None:
    """The breach that a reviewer found: 199 shares worked against a limit of 150.

    The refusal bears the venue's time, or that of its arrival.
    """
    market, terms = TableMarket(), stock()
    market.quotes[terms.instrument_id] = Quote(D("4.99"), D("5.00"), 10**5, 10**5, NOW_NS)
    keeper = gatekeeper(limits(max_position_shares_per_symbol=150, max_shares_per_order=100), market)
    first = order(terms, 60)
    assert isinstance(keeper.submit_one(first, NOW_NS), Approved)
    for quantity in (90, 10):
        assert isinstance(keeper.change(changed(first, quantity), quantity, NOW_NS + 1), Approved)
    keeper.changed(first.order_id, 10, D("5.00"), NOW_NS + 3)
    assert isinstance(keeper.change(changed(first, 100), 100, NOW_NS + 4), Approved)
    keeper.change_rejected(first.order_id, stamp)
    assert keeper.account.ledger.reservations[first.order_id].committed == 100
    refused = keeper.submit_one(order(terms, 99, limit_price=D("4.98")), NOW_NS + 6)
    assert isinstance(refused, Refused)
    assert refused.rule == "position_per_symbol"


@pytest.mark.parametrize("arrival_ns", [2, 9])
def test_a_refusal_after_a_later_acceptance_is_of_the_earlier_request(arrival_ns: int) -> None:
    changes = Changes(START, 0)
    changes.request((90, D(5)))
    changes.request((10, D(5)))
    changes.accept((10, D(5)), 3)
    assert changes.possible == [(10, D(5))]
    changes.request((100, D(5)))
    changes.reject(arrival_ns)
    assert changes.possible == [(10, D(5)), (100, D(5))]
    changes.reject(arrival_ns + 10)
    assert changes.possible == [(10, D(5))]


def test_a_belated_acceptance_tells_which_request_is_still_open() -> None:
    changes = Changes(START, 0)
    for quantity in (25, 100, 25):
        changes.request((quantity, None))
    changes.accept((25, None), 3)
    assert changes.possible == [(25, None), (100, None), (25, None)]
    changes.accept((100, None), 2)
    assert changes.possible == [(25, None)]


def test_a_word_told_again_settles_no_request_for_the_same() -> None:
    changes = Changes(START, 0)
    changes.request((100, D(5)))
    changes.request(START)
    changes.accept(START, 5)
    assert (100, D(5)) in changes.possible
    changes.accept((100, D(5)), 6)
    changes.accept(START, 7)
    assert changes.possible == [START]


def test_what_somebody_else_changed_counts_beside_what_is_under_way() -> None:
    changes = Changes(START, 0)
    changes.request((10, D(5)))
    changes.accept((200, D(5)), 1)
    assert changes.possible == [(200, D(5)), (10, D(5))]
    changes.accept((10, D(5)), 2)
    assert changes.possible == [(10, D(5))]
    changes.accept((300, D(5)), 1)
    assert changes.possible == [(10, D(5))]


def test_of_words_with_one_stamp_each_that_may_be_the_last_counts() -> None:
    changes = Changes(START, 0)
    changes.accept((80, D(5)), 1)
    changes.accept((70, D(6)), 1)
    assert changes.possible == [(80, D(5)), (70, D(6))]
    changes.accept((65, D(5)), 2)
    assert changes.possible == [(65, D(5))]


def test_words_with_one_stamp_are_read_in_the_order_of_the_requests() -> None:
    changes = Changes(START, 0)
    changes.request((100, D(5)))
    changes.request((10, D(5)))
    changes.accept((10, D(5)), 1)
    changes.accept((100, D(5)), 1)
    assert changes.possible == [(10, D(5))]


def test_a_word_told_again_with_the_stamp_of_an_answer_hides_no_answer() -> None:
    changes = Changes(START, 0)
    changes.request((10, D(5)))
    changes.accept(START, 1)
    changes.accept((10, D(5)), 1)
    assert changes.possible == [(10, D(5))]


def test_four_answers_with_one_stamp_settle_their_requests_in_whatever_order() -> None:
    changes = Changes(START, 0)
    for quantity in (90, 80, 70, 10):
        changes.request((quantity, D(5)))
    for quantity in (10, 80, 90, 70):
        changes.accept((quantity, D(5)), 1)
    assert changes.possible == [(10, D(5))]


def test_of_too_many_words_with_one_stamp_none_settles_a_request() -> None:
    changes = Changes(START, 0)
    quantities = range(70, 70 + MAX_TIED_WORDS + 2)
    for quantity in quantities:
        changes.request((quantity, D(5)))
    for quantity in quantities[1:]:
        changes.accept((quantity, D(5)), 1)
    assert sorted(changes.possible) == sorted(
        [*((each, D(5)) for each in quantities[1:]), *((each, D(5)) for each in quantities)]
    )
    changes.accept((200, D(5)), 2)
    largest = changes.possible[0]
    assert largest == (200, D(5))


def test_a_long_life_with_a_lost_answer_is_bounded_and_frees_no_later_request() -> None:
    changes = Changes(START, 0)
    changes.request((90, D(5)))  # its answer is lost
    for number in range(1, 2 * MAX_KEPT_REQUESTS):
        changes.request((number, D(5)))
        changes.accept((number, D(5)), number)
        assert changes.possible == [(number, D(5))]
        assert len(changes._requests) <= MAX_KEPT_REQUESTS + 1
    changes.request((100, D(5)))
    changes.reject(500)
    assert (100, D(5)) in changes.possible
    changes.reject(501)
    assert (100, D(5)) not in changes.possible


def test_a_request_that_was_not_sent_is_forgotten() -> None:
    counted = counted_order()
    counted.withdraw()
    counted.request(90, D(5))
    counted.request(100, D(6))
    counted.withdraw()
    assert (counted.committed, counted.highest_price) == (90, D(5))
    counted.withdraw()
    assert (counted.committed, counted.pending) == (60, [])


def test_a_canceled_order_counts_at_its_largest_whatever_is_said_of_it_later() -> None:
    counted = counted_order()
    counted.request(100, D(5))
    counted.close(7)
    counted.reject_change(8)
    counted.withdraw()
    counted.accept(10, D(5), 9)
    assert counted.committed == 100
    counted.accept(120, D(5), 9)
    assert counted.committed == 120


def test_a_refusal_that_answers_nothing_frees_nothing_later() -> None:
    changes = Changes(START, 0)
    changes.reject(1)
    changes.request((100, D(5)))
    changes.request((90, D(5)))
    changes.reject(2)
    assert changes.possible == [START, (100, D(5)), (90, D(5))]
