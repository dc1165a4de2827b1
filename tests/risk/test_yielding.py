"""While the kill switch closes a symbol, nobody else does: two that close would turn the position."""

from __future__ import annotations

from decimal import Decimal

import pytest

from risk.closings import Marketplace
from risk.flatten import Flattening, Scene
from risk.gatekeeper import Gatekeeper
from tests.risk.table_market import NOW_NS, bought, changed, order, stock, verdict

D = Decimal


def closes(keeper: Gatekeeper, *symbols: str, is_open: bool = True) -> Flattening:
    """Begin a flattening of some symbols, or of everything."""
    run = Flattening(symbols or None, by="Ann", reason="news", started_ns=NOW_NS)
    market = Marketplace(quote=lambda _: None, spreads=(), is_open=is_open)
    run.next_round(Scene(held=(), working=(), foreign=(), market=market), NOW_NS)
    keeper.account.flattenings.append(run)
    return run


def test_a_closing_order_is_refused_with_words(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    closes(keeper, "F")
    (refused,) = keeper.submit([order(quantity=10, side="sell")], NOW_NS)
    assert getattr(refused, "reason", "") == (
        "flattening: the kill switch closes F, limit one that closes. "
        "Send nothing; it cancels your orders there and closes your position itself."
    )
    assert keeper.account.ledger.reservations == {}


def test_the_kill_switchs_own_order_passes(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    closes(keeper)
    keeper.account.kill_switch_order = "K-1"
    assert verdict(keeper, order(quantity=10, side="sell", order_id="K-1")) == "reducing"


def test_other_symbols_are_closed_by_whom_they_belong_to(keeper: Gatekeeper) -> None:
    bought(keeper, 10, terms=stock("GE"))
    closes(keeper, "F")
    assert verdict(keeper, order(stock("GE"), 10, side="sell")) == "reducing"


@pytest.mark.parametrize("is_open", [True, False])
def test_it_yields_only_to_one_that_closes_now(keeper: Gatekeeper, is_open: bool) -> None:
    bought(keeper, 10)
    closes(keeper, is_open=is_open)
    expected = "flattening" if is_open else "reducing"
    assert verdict(keeper, order(quantity=10, side="sell")) == expected


def test_a_modification_yields_too(keeper: Gatekeeper) -> None:
    intent = order(quantity=10)
    keeper.submit([intent], NOW_NS)
    closes(keeper)
    decision = keeper.change(changed(intent, 5), 5, NOW_NS)
    assert getattr(decision, "rule", "") == "flattening"


def test_an_opening_meets_the_rules_alone(keeper: Gatekeeper) -> None:
    closes(keeper)
    assert verdict(keeper, order(quantity=10)) == "approved"  # what flattens pauses, until a person resumes


def test_a_flattening_runs_while_it_rests_too(keeper: Gatekeeper) -> None:
    account = keeper.account
    assert not account.is_flattening("F")
    closes(keeper, "F", is_open=False)
    assert (account.is_flattening("F"), account.is_flattening("GE")) == (True, False)
