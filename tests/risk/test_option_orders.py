"""Option orders at the gate: what is naked, what closes, worst loss and delta with what is held."""

from __future__ import annotations

from decimal import Decimal

import pytest

from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.market_view import Greeks
from risk.performance import Fill
from tests.risk.limit_cases import limits
from tests.risk.table_market import (
    NOW_NS,
    TableMarket,
    bought,
    changed,
    gatekeeper,
    option,
    order,
    quote,
    spread,
    stock,
    verdict,
)

D = Decimal
VERTICAL = spread((option(100), -1), (option(95), 1))


def test_a_spread_passes_and_its_naked_short_leg_does_not(keeper: Gatekeeper, market: TableMarket) -> None:
    market.quotes[VERTICAL.instrument_id] = quote("-1.25", "-1.20")
    market.default_quote = quote("2.00", "2.10")
    assert verdict(keeper, order(VERTICAL, 2, limit_price=D("-1.20"))) == "approved"
    assert verdict(keeper, order(option(100), 1, side="sell", limit_price=D("2.00"))) == "option_defined_risk"


def opened(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=option(100), price="2.00")
    bought(keeper, 2, terms=option(95), price="1.00")


def test_closing_a_spread_as_one_passes_in_a_halt(keeper: Gatekeeper) -> None:
    opened(keeper)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    assert verdict(keeper, order(VERTICAL, 2, side="sell", limit_price=D("-1.50"))) == "reducing"


def test_selling_the_cover_of_a_short_option_is_no_closing(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    opened(keeper)
    assert verdict(keeper, order(option(95), 1, side="sell", limit_price=D("1.00"))) == "option_defined_risk"
    assert verdict(keeper, order(option(100), 2, limit_price=D("1.00"))) == "reducing"


def test_buying_back_a_part_of_a_naked_short_passes(keeper: Gatekeeper) -> None:
    bought(keeper, -2, terms=option(100), price="2.00")
    bought(keeper, -2, terms=option(95), price="1.00")
    assert verdict(keeper, order(option(100), 1, limit_price=D("2.00"))) == "reducing"
    both = spread((option(100), -1), (option(95), -1))
    assert verdict(keeper, order(both, 1, side="sell", limit_price=D("-3.00"))) == "reducing"


def test_the_cover_may_be_sold_once_the_short_is_gone(keeper: Gatekeeper) -> None:
    opened(keeper)
    bought(keeper, 2, terms=option(100), price="1.00")
    assert verdict(keeper, order(option(95), 2, side="sell", limit_price=D("1.00"))) == "reducing"


def test_another_strategy_cannot_close_what_would_uncover(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    opened(keeper)
    foreign = order(option(95), 1, side="sell", limit_price=D("1.00"), strategy_id="OTHER")
    assert verdict(keeper, foreign) == "option_defined_risk"


def test_losses_count_per_underlying_over_strategies(keeper: Gatekeeper, market: TableMarket) -> None:
    market.quotes[VERTICAL.instrument_id] = quote("-1.05", "-1.00")
    for strategy_id in ("A", "B"):
        assert (
            verdict(keeper, order(VERTICAL, 5, limit_price=D("-1.00"), strategy_id=strategy_id)) == "approved"
        )
    assert verdict(keeper, order(VERTICAL, 1, limit_price=D("-1.00"))) == "option_loss_per_underlying"


def test_an_option_without_greeks_is_refused(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = None
    market.default_quote = quote("1.00", "1.10")
    assert verdict(keeper, order(option(100), 1, limit_price=D("1.10"))) == "option_delta"


def test_a_held_option_without_greeks_makes_delta_unknown(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    market.default_greeks = None
    market.greeks_by_id = {option(100).instrument_id: Greeks(-0.5, 0.01)}
    bought(keeper, 1, terms=option(95), price="1.00")
    assert verdict(keeper, order(option(100), 1, limit_price=D("1.10"))) == "option_delta"


def test_an_option_must_say_what_it_is() -> None:
    with pytest.raises(ValueError, match="lacks right, strike or expiry"):
        InstrumentTerms(instrument_id="X", symbol="X", kind="option", price_increment=D("0.01"), right="put")


def test_a_stock_first_does_not_hide_the_options_after_it(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    bought(keeper, 40, terms=stock("SPY"))
    bought(keeper, 2, terms=option(95), price="1.00")
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-60 - 50)


def test_delta_of_another_underlying_does_not_count(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    assert verdict(keeper, order(option(100, symbol="QQQ"), 4, limit_price=D("1.10"))) == "approved"
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-50)


def test_delta_counts_positions_working_orders_and_shares(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    bought(keeper, 2, terms=option(95), price="1.00")
    bought(keeper, -40, terms=stock("SPY"))
    assert verdict(keeper, order(option(100), 4, limit_price=D("1.10"))) == "approved"
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-40 - 100 - 200 - 50)
    assert risk.vega_usd == pytest.approx(7.0)
    sale = keeper.account.options.risk_after(order(option(100), 9, side="sell", limit_price=D("1.00")))
    assert sale is not None
    assert sale.delta_shares == pytest.approx(-40 - 100 - 200)  # alone worse than with the sale's +450


def test_an_order_without_any_price_has_an_unknown_loss(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = None
    risk = keeper.account.options.risk_after(order(option(100), 1, order_type="market"))
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd, risk.has_defined_risk) == (None, None, True)
    market.default_quote = quote("1.00", "1.10")
    risk = keeper.account.options.risk_after(order(option(100), 2, order_type="market"))
    assert risk is not None
    assert risk.order_loss_usd == 220


def test_options_weigh_on_stock_orders_through_buying_power(keeper: Gatekeeper, market: TableMarket) -> None:
    assert keeper.account.options.risk_after(order()) is None
    market.quotes[VERTICAL.instrument_id] = quote("-1.05", "-1.00")
    verdict(keeper, order(VERTICAL, 2, limit_price=D("-1.00")))
    risk = keeper.account.options.risk_after(order())
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd, risk.underlying_loss_usd) == (D(0), D(800), D(0))
    market.funds = D(820)
    assert verdict(keeper, order(quantity=5)) == "buying_power"


def test_a_spread_whose_legs_fill_apart_counts_what_they_paid(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    market.quotes[VERTICAL.instrument_id] = quote("-1.05", "-1.00")
    intent = order(VERTICAL, 2, limit_price=D("-1.00"))
    verdict(keeper, intent)
    leg = Fill(strategy_id="S-ONE", terms=option(100), signed_quantity=-2, price=D("3.00"))
    keeper.filled(intent.order_id, "T", leg, NOW_NS)
    risk = keeper.account.options.risk_after(order())
    assert risk is not None
    assert risk.total_loss_usd is None  # the short leg alone is naked until the long one reports
    assert not risk.has_defined_risk
    rest = Fill(strategy_id="S-ONE", terms=option(95), signed_quantity=2, price=D("2.00"))
    keeper.filled(intent.order_id, "T", rest, NOW_NS)
    risk = keeper.account.options.risk_after(order())
    assert risk is not None
    assert risk.total_loss_usd == 800


def test_a_modified_option_order_counts_its_delta_once(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    intent = order(option(100), 2, limit_price=D("1.10"))
    verdict(keeper, intent)
    risk = keeper.account.options.risk_after(changed(intent, 3))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-150)


def test_a_modified_option_order_counts_at_the_worse_of_old_and_new(keeper: Gatekeeper) -> None:
    keeper.account.market.default_quote = quote("1.00", "1.10")  # type: ignore[attr-defined]
    intent = order(option(100), 2, limit_price=D("1.10"))
    verdict(keeper, intent)
    risk = keeper.account.options.risk_after(changed(intent, 1, limit_price=D("1.30")))
    assert risk is not None
    assert risk.order_loss_usd == 260
    risk = keeper.account.options.risk_after(changed(intent, 3, limit_price=D("1.00")))
    assert risk is not None
    assert risk.order_loss_usd == 330


def test_a_modified_option_order_pays_only_what_is_not_paid_yet(keeper: Gatekeeper) -> None:
    keeper.account.market.default_quote = quote("1.00", "1.10")  # type: ignore[attr-defined]
    intent = order(option(100), 4, limit_price=D("1.10"))
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=option(100), signed_quantity=1, price=D("1.10"))
    keeper.filled(intent.order_id, "T", fill, NOW_NS)
    risk = keeper.account.options.risk_after(changed(intent, 3))
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd) == (D(330), D(440))


def test_closing_a_leg_that_leaves_the_rest_worse_off_is_no_closing(keeper: Gatekeeper) -> None:
    """What is left stays covered, yet by a call so far away that it can lose where it could not before."""
    for strike, count in ((100, 1), (105, -1), (110, 1)):
        bought(keeper, count, terms=option(strike, "call"), price="1.00")
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    near, far = (
        order(option(strike, "call"), 1, side="sell", limit_price=D("1.00")) for strike in (100, 110)
    )
    assert verdict(keeper, near) == "breaker_state"
    assert verdict(keeper, far) == "reducing"


def test_an_option_order_that_grows_pays_for_what_has_filled_and_what_has_not(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    market.default_quote = quote("1.00", "1.10")
    intent = order(option(100), 4, limit_price=D("1.10"))
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=option(100), signed_quantity=1, price=D("1.10"))
    keeper.filled(intent.order_id, "T", fill, NOW_NS)
    risk = keeper.account.options.risk_after(changed(intent, 5))
    assert risk is not None
    assert (risk.order_loss_usd, risk.total_loss_usd) == (D(550), D(660))


def test_of_equal_deltas_on_both_sides_the_long_one_is_named(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_greeks = Greeks(0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    assert verdict(keeper, order(option(100, "call"), 2, limit_price=D("1.10"))) == "approved"
    sale = order(option(95, "call"), 2, side="sell", limit_price=D("1.00"))
    risk = keeper.account.options.risk_after(sale)
    assert risk is not None
    assert risk.delta_shares == pytest.approx(100)


def test_an_option_that_two_strategies_hold_against_each_other_hides_no_other(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    market.default_greeks = Greeks(-0.5, 0.01)
    market.default_quote = quote("1.00", "1.10")
    for owner, terms, count in (
        ("S-ONE", option(90), 1),
        ("S-TWO", option(90), -1),
        ("S-ONE", option(95), 3),
    ):
        fill = Fill(strategy_id=owner, terms=terms, signed_quantity=count, price=D("1.00"))
        keeper.filled("earlier", f"T-{owner}", fill, NOW_NS)
    risk = keeper.account.options.risk_after(order(option(105), 1, limit_price=D("1.10")))
    assert risk is not None
    assert risk.delta_shares == pytest.approx(-150 - 50)


@pytest.mark.parametrize(("symbol", "second"), [("F", "option_delta"), ("GE", "approved")])
def test_a_stock_order_counts_in_the_delta_of_its_own_options(
    keeper: Gatekeeper, market: TableMarket, symbol: str, second: str
) -> None:
    market.default_greeks = Greeks(0.8, 0.0)
    bought(keeper, 5, terms=option(5, "call", symbol=symbol), price="1.00")  # 400 shares of the 500
    assert verdict(keeper, order(stock("F"), 100)) == "approved"
    assert verdict(keeper, order(stock("F"), 1)) == second


def test_a_stock_is_refused_while_the_delta_of_its_options_is_unknown(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    bought(keeper, 1, terms=option(5, "call", symbol="F"), price="1.00")
    market.default_greeks = None
    assert verdict(keeper, order(stock("F"), 1)) == "option_delta"
    assert verdict(keeper, order(stock("GE"), 1)) == "approved"


def test_without_limits_for_options_a_stock_passes_beside_the_owners_options(market: TableMarket) -> None:
    keeper = gatekeeper(limits(options=None), market)
    keeper.adopt_position("EXTERNAL", option(5, "call", symbol="F"), 50, D(1))
    assert verdict(keeper, order(stock("F"), 1)) == "approved"
    assert verdict(keeper, order(option(5, "call", symbol="F"), 1)) == "options_allowed"


def test_a_stop_that_buys_options_costs_at_least_the_quote(keeper: Gatekeeper, market: TableMarket) -> None:
    market.default_quote = quote("1.00", "1.10")
    stop = order(option(95), 10, order_type="stop", limit_price=None, trigger_price=D("0.01"))
    risk = keeper.account.options.risk_after(stop)
    assert risk is not None
    assert risk.order_loss_usd == 1_100


def test_an_option_order_that_the_broker_reports_at_a_price_of_0_still_costs_the_quote(
    keeper: Gatekeeper, market: TableMarket
) -> None:
    """IB's lmtPrice of a market order is 0.0."""
    market.default_quote = quote("1.00", "1.10")
    buy = order(option(95), 10, order_type="market")
    assert verdict(keeper, buy) == "approved"
    keeper.changed(buy.order_id, 10, D("0.00"), NOW_NS)
    risk = keeper.account.options.risk_after(order(stock(), 1))
    assert risk is not None
    assert risk.total_loss_usd == 1_100


def test_shares_without_options_of_their_own_have_no_delta_of_options(keeper: Gatekeeper) -> None:
    bought(keeper, 1, terms=option(95), price="1.00")
    bought(keeper, 100)
    risk = keeper.account.options.risk_after(order(stock(), 50))
    assert risk is not None
    assert (risk.delta_shares, risk.vega_usd) == (0.0, 0.0)
