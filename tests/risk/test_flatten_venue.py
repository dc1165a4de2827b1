"""Whatever the venue does, a flattening ends flat or says what is left, and never makes things worse."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.flatten import MAX_ROUNDS, Flattening, FlattenReport, Rest, Round
from risk.intent import InstrumentTerms
from tests.risk.table_market import option, quote, spread, stock
from tests.risk.unruly_venue import ANSWERS, Answer, Resting, UnrulyVenue

F = stock()
P100, P95, C110, C115 = option(100), option(95), option(110, "call"), option(115, "call")
SPREADS = (
    spread((P100, -1), (P95, 1)),
    spread((C110, -1), (C115, 1)),
    spread((P100, -1), (P95, 1), (C110, -1), (C115, 1)),
)
PAIRS = ((P100, P95), (C110, C115))
"""Options that cover each other."""
MAX_STEPS = 12 * MAX_ROUNDS

books = st.fixed_dictionaries(
    {F: st.integers(-5, 5), P100: st.integers(-4, 2), P95: st.integers(-2, 4)}
    | {C110: st.integers(-4, 2), C115: st.integers(-2, 4)}
)
stops = st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=3)
"""Resting orders of the strategy that together close no more shares than are held: size, deaf to cancels."""


def place(venue: UnrulyVenue, wanted: list[tuple[int, bool]]) -> None:
    """Let stop-losses rest at the venue."""
    room = venue.truth["F.SMART"]
    for number, (count, is_deaf) in enumerate(wanted):
        part = min(count, abs(room)) * (1 if room > 0 else -1)
        if part:
            venue.orders[f"STOP-{number}"] = Resting(F, -part, is_deaf=is_deaf)
            room -= part


def uncovered(venue: UnrulyVenue) -> list[int]:
    """Return how many short options of each right lack a long one."""
    counts = [sum(venue.truth[each.instrument_id] for each in pair) for pair in PAIRS]
    return [max(-count, 0) for count in counts]


def step(
    run: Flattening, venue: UnrulyVenue, known: Collection[InstrumentTerms]
) -> Round | Rest | FlattenReport:
    """Play one round: nothing passes flat, and no short option loses its cover."""
    before, naked = dict(venue.truth), uncovered(venue)
    answer = run.next_round(venue.scene(tuple(known), quote("1.00", "1.10")), 2)
    if isinstance(answer, Round):
        for order_id in answer.cancels:
            venue.cancel(order_id)
        for closing in answer.closings:
            venue.close(closing)
    for name, count in venue.truth.items():
        assert count * venue.sides[name] >= 0, f"{name}: {before[name]} -> {count}"
        assert abs(count) <= abs(before[name])
    assert all(now <= then for now, then in zip(uncovered(venue), naked, strict=True))
    return answer


def play(
    run: Flattening, venue: UnrulyVenue, known: Collection[InstrumentTerms], fills: list[bool]
) -> FlattenReport:
    """Play rounds until a report; a resting order may fill between them."""
    chances = iter(fills)
    for _ in range(MAX_STEPS):
        answer = step(run, venue, known)
        if isinstance(answer, FlattenReport):
            return answer
        venue.pass_round(next(chances, False))
        for name, count in venue.truth.items():
            assert count * venue.sides[name] >= 0, f"{name} is beyond flat"
    raise AssertionError("neither flat nor a report")


def tell_truth(report: FlattenReport, venue: UnrulyVenue) -> None:
    """Hold a report against what is true."""
    named = {each.instrument_id for each in report.left}
    if report.is_flat:
        assert not any(venue.truth.values())
        assert not venue.orders
    else:
        assert named >= {name for name, count in venue.seen.items() if count}
        working = {f"order {name}" for name, each in venue.orders.items() if each.ended_round is None}
        assert not venue.is_open or named >= working


@given(
    book=books,
    known=st.sets(st.sampled_from(SPREADS)),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=40),
    wanted=stops,
    fills=st.lists(st.booleans(), max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_whatever_the_venue_does_it_ends_flat_or_a_person_is_told(
    book: dict[InstrumentTerms, int],
    known: set[InstrumentTerms],
    answers: list[Answer],
    wanted: list[tuple[int, bool]],
    fills: list[bool],
) -> None:
    venue, run = UnrulyVenue(book, iter(answers)), Flattening(None, by="Ann", reason="news", started_ns=1)
    place(venue, wanted)
    report = play(run, venue, known, fills)
    tell_truth(report, venue)
    if report.is_flat:
        return
    venue.mend()
    tell_truth(report := play(run, venue, known, []), venue)
    assert report.is_flat


@given(book=books, wanted=stops, deaf=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_closed_session_leaves_every_stop_and_ends_flat_once_it_opens(
    book: dict[InstrumentTerms, int], wanted: list[tuple[int, bool]], deaf: bool
) -> None:
    venue, run = UnrulyVenue(book, iter(())), Flattening(None, by="Ann", reason="news", started_ns=1)
    place(venue, [(count, deaf) for count, _ in wanted])
    stops_before = {name: each.quantity for name, each in venue.orders.items()}
    venue.is_open = False
    report = play(run, venue, SPREADS, [])
    assert {name: each.quantity for name, each in venue.orders.items()} == stops_before
    tell_truth(report, venue)
    if report.is_flat:
        return
    venue.is_open = True
    venue.mend()
    assert play(run, venue, SPREADS, []).is_flat
    assert not any(venue.truth.values())
