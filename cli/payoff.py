"""`harvester payoff`: what a spread gains and loses over the price of its underlying, in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json, stdout_console
from cli.scan_context import PricingFlags, pricing_context
from cli.scan_inputs import age_note, chain_moment

if TYPE_CHECKING:
    from market.option_chain import OptionChain
    from scanner.payoff import HeldLeg, Payoff
    from scanner.spread_text import Spread


def command(
    spread: str,
    /,
    *,
    catalog: Path,
    at: str,
    price_between: float = 0.0,
    html: Path | None = None,
    png: Path | None = None,
    market: Annotated[PricingFlags | None, Parameter(name="*")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show a spread's profit at entry, half-way and at expiry, its breakevens and probability of profit.

    Rates and dividends are those known at the time of the chain.

        harvester payoff "GOOG 2016-01-15 -730P +720P" --catalog my-catalog --at 2015-12-24T12:00:00-05:00

    Parameters
    ----------
    spread
        Symbol, expiry, legs: + bought, - sold, a number of units (2x), strike, P or C. As `scan` prints it.
        `+shares` are the shares of a covered call: "GOOG +shares 2016-01-15 -760C". Another expiry is that of
        the legs after it, a calendar or diagonal: "GOOG 2016-01-15 -750C 2016-02-19 +750C"; all is then shown
        at the first expiry, where the later legs are worth what the model says at today's volatility.
    catalog
        The catalog folder.
    at
        The moment, with a zone: 2015-12-24T12:00:00-05:00.
    price_between
        Where between bid and ask the legs trade: 0 sells at the bid and buys at the ask, 0.5 is the mid.
    html
        Write the picture to this page; it opens without a network.
    png
        Write the picture to this PNG file; needs Chromium or Chrome on this machine.
    json
        Print one JSON object instead of text.
    """
    from cli.result_file import require_result_files
    from market.errors import ConfigError
    from market.time import to_ns
    from scanner.spread_text import parse_spread

    require_result_files({"--html": html, "--png": png})
    if not 0 <= price_between <= 1:
        raise ConfigError(f"--price-between is {price_between}, allowed: 0 to 1. 0.5 is the mid-point.")
    view = _view(parse_spread(spread), catalog, to_ns(at), price_between, market or PricingFlags())
    if html is not None:
        from cli.payoff_page import write_payoff_page

        write_payoff_page(view, html)
    if png is not None:
        from cli.page_picture import write_picture
        from cli.payoff_page import render

        rows = len(view["legs"]) + bool(view["shares"]) + 2 * len(view["notes"])
        write_picture(render(view), png, height=960 + 32 * rows)
    if json:
        print_json({**view, "html": html, "png": png})
    else:
        _print(view, html, png)


def _view(spread: Spread, catalog: Path, at_ns: int, between: float, flags: PricingFlags) -> dict[str, Any]:
    import numpy as np

    from catalog.option_chains import chain_at
    from market.option_chain_pricing import priced
    from market.time import format_new_york
    from scanner.explaining import row_of_leg
    from scanner.payoff import HeldLeg, payoff

    chain = chain_at(catalog, spread.underlying, at_ns)
    context = pricing_context(catalog, spread.underlying, at_ns=chain.ts_ns, flags=flags)
    rows = [row_of_leg(chain, leg) for leg in spread.legs]
    wanted = {int(chain.expiry_ns[row]) for row in rows}
    names = [chain.contract[row] for row in rows]
    model = priced(chain.take(np.isin(chain.expiry_ns, list(wanted))), context.pricing)
    legs = []
    for name, leg in zip(names, spread.legs, strict=True):
        row = model.row_of(name)
        bid, ask = float(model.bid[row]), float(model.ask[row])
        price = ask - between * (ask - bid) if leg.quantity > 0 else bid + between * (ask - bid)
        legs.append(HeldLeg(row=row, quantity=leg.quantity, price=price))
    shares = float(model.multiplier[legs[0].row]) if spread.has_shares else 0.0
    found = payoff(model, legs, context.pricing, shares=shares)
    asked = {"requested_at": format_new_york(at_ns), **chain_moment(chain, at_ns)}
    notes = [note for note in (age_note(chain, at_ns), _model_note(found)) if note]
    return {**_as_view(spread, model, legs, found, shares=shares), **asked, "notes": notes}


def _model_note(found: Payoff) -> str | None:
    if found.modelled_up_to is None:
        return None
    return (
        "The legs expire at different times. Breakevens and the most to gain and lose are those at the first "
        "expiry, with the later legs at the model's value for today's volatilities, at prices up to "
        f"{found.modelled_up_to:,.0f}; a probability of profit is not given."
    )


def _as_view(
    spread: Spread, chain: OptionChain, legs: list[HeldLeg], found: Payoff, *, shares: float
) -> dict[str, Any]:
    from market.time import format_new_york
    from scanner.spread_text import text_of

    greeks = {
        name: sum(leg.quantity * chain.multiplier[leg.row] * getattr(chain, name)[leg.row] for leg in legs)
        for name in ("delta", "theta", "vega")
    }
    return {
        "spread": text_of(spread),
        "underlying": chain.underlying,
        "at": format_new_york(chain.ts_ns, places=0),
        "spot": found.spot,
        "net_usd": found.net,
        "dte": int(min(chain.dte[leg.row] for leg in legs)),
        "breakevens": list(found.breakevens),
        "probability_of_profit": found.probability_of_profit,
        "max_profit_usd": found.max_profit,
        "max_loss_usd": found.max_loss,
        "unlimited": [
            name
            for name, value in (("max_profit_usd", found.max_profit), ("max_loss_usd", found.max_loss))
            if value is None
        ],
        "modelled_up_to": found.modelled_up_to,
        "shares": shares,
        "dividends_usd_per_share": found.dividends if shares else None,
        "delta_shares": float(greeks["delta"]) + shares,
        "theta_usd": float(greeks["theta"]),
        "vega_usd": float(greeks["vega"]),
        "legs": [_leg(chain, leg) for leg in legs],
        "prices": found.prices.tolist(),
        "curves": [
            {
                "label": curve.label,
                "at": format_new_york(curve.at_ns, places=0),
                "profit": curve.profit.round(2).tolist(),
            }
            for curve in found.curves
        ],
    }


def _leg(chain: OptionChain, leg: HeldLeg) -> dict[str, Any]:
    from market.time import new_york_date

    names = ("strike", "bid", "ask", "iv", "delta", "gamma", "theta", "vega")
    return {
        "contract": str(chain.contract[leg.row]),
        "quantity": leg.quantity,
        "right": "call" if chain.is_call[leg.row] else "put",
        "expiry": new_york_date(int(chain.expiry_ns[leg.row])).isoformat(),
        "price": leg.price,
        **{name: float(getattr(chain, name)[leg.row]) for name in names},
    }


def _print(view: dict[str, Any], html: Path | None, png: Path | None) -> None:
    console = stdout_console()
    kind = "credit" if view["net_usd"] >= 0 else "debit"
    probability = view["probability_of_profit"]
    levels = ", ".join(f"{level:,.2f}" for level in view["breakevens"]) or "none"
    console.print(f"{view['spread']} at {view['at']}, {view['underlying']} at {view['spot']:,.2f}")
    console.print(f"  {kind} {abs(view['net_usd']):.2f} a share, {view['dte']} days to expiry")
    if view["shares"]:
        paid = view["dividends_usd_per_share"]
        dividends = f", paid {paid:.2f} in dividends until expiry" if paid else ""
        console.print(f"  with {view['shares']:g} shares bought at {view['spot']:,.2f}{dividends}")
    which = "the first expiry" if view["modelled_up_to"] else "expiry"
    console.print(f"  breakeven at {which}: {levels}")
    console.print(f"  probability of profit: {'-' if probability is None else f'{probability:.1%}'}")
    for label, key in (("maximum profit", "max_profit_usd"), ("maximum loss", "max_loss_usd")):
        value = view[key]
        console.print(f"  {label}: {'unlimited' if value is None else f'{value:,.2f} USD'}")
    for note in view["notes"]:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    for name, path in (("page", html), ("picture", png)):
        if path is not None:
            console.print(f"{name}: {path}", markup=False, soft_wrap=True)
