"""The scan again, as plain loops over contracts and pairs, priced by QuantLib: what the scanner must equal.

Nothing of `scanner` or `market.pricing` is used but the criteria's own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import QuantLib

from market.option_chain import OptionChain
from market.time import new_york_date
from scanner.criteria import Criteria, LegFilter, Range, Structure, ranges_of

EPSILON = 1e-9


@dataclass
class Leg:
    """One contract, with what QuantLib says of it."""

    row: int
    strike: float
    is_call: bool
    expiry_ns: int
    years: float
    dte: int
    bid: float
    ask: float
    open_interest: float
    volume: float
    spot: float
    iv: float = math.nan
    delta: float = math.nan
    gamma: float = math.nan
    vega: float = math.nan
    theta: float = math.nan
    d2: float = math.nan


@dataclass
class Found:
    """A position: its legs' rows in the order sold or bought nearer the money first, and its score."""

    rows: tuple[int, ...]
    score: float
    probability: float


class BruteForce:
    """Counts per filter and the best positions of one chain of European contracts (or of calls that wait)."""

    def __init__(self, chain: OptionChain, criteria: Criteria, *, rate: float, dividend_yield: float) -> None:
        self.chain = chain
        self.criteria = criteria
        self.rate, self.dividend_yield = rate, dividend_yield
        self.removed: dict[tuple[str, str], int] = {}
        self._smiles: dict[tuple[int, bool], list[Leg]] = {}
        self.legs = self._usable()

    def best(self, structures: Iterable[Structure]) -> list[Found]:
        """Return every position of these structures that passes, the best first; count what is removed."""
        found = []
        for structure in structures:
            build = {1: self.singles, 2: self.verticals, 4: self.condors}[structure.legs]
            found.extend(build(structure))
        return sorted(found, key=lambda one: -one.score)

    def verticals(self, structure: Structure) -> list[Found]:
        """Return every vertical that passes, the best first; count what is removed."""
        found = []
        is_call = structure in (Structure.BEAR_CALL, Structure.BULL_CALL)
        side = f"{structure} {'calls' if is_call else 'puts'}"
        legs = [leg for leg in self.legs if leg.is_call == is_call]
        short = self._filtered(legs, self.criteria.short_leg, side, "short_leg")
        long = self._filtered(legs, self.criteria.long_leg, side, "long_leg")
        for seller in short:
            for buyer in long:
                if seller.expiry_ns != buyer.expiry_ns or seller.strike == buyer.strike:
                    continue
                near_sold = (seller.strike < buyer.strike) == is_call
                if near_sold != structure.is_credit:
                    continue
                position = self._vertical(structure, seller, buyer)
                if position is not None:
                    found.append(position)
        return sorted(found, key=lambda one: -one.score)

    def condors(self, structure: Structure) -> list[Found]:
        """Return every iron condor or butterfly with equal wings that passes, the best first."""
        wings = {}
        for is_call, kind in ((False, Structure.BULL_PUT), (True, Structure.BEAR_CALL)):
            stage = f"{structure} {'calls' if is_call else 'puts'}"
            legs = [leg for leg in self.legs if leg.is_call == is_call]
            short = self._filtered(legs, self.criteria.short_leg, stage, "short_leg")
            long = self._filtered(legs, self.criteria.long_leg, stage, "long_leg")
            wings[is_call] = list(self._wings(kind, short, long, stage))
        found = []
        for put_seller, put_buyer in wings[False]:
            for call_seller, call_buyer in wings[True]:
                legs4 = (put_seller, put_buyer, call_seller, call_buyer)
                same = len({leg.expiry_ns for leg in legs4}) == 1
                widths = put_seller.strike - put_buyer.strike, call_buyer.strike - call_seller.strike
                apart = call_seller.strike - put_seller.strike
                fits = apart > 0 if structure is Structure.IRON_CONDOR else apart == 0
                if same and fits and abs(widths[0] - widths[1]) >= 1e-6:
                    self._drop(f"{structure} wings", "equal_widths")
                elif same and fits:
                    one = self._condor(structure, legs4, widths[0])
                    if one is not None:
                        found.append(one)
        return sorted(found, key=lambda one: -one.score)

    def singles(self, structure: Structure) -> list[Found]:
        """Return every leg sold or bought alone, or sold against shares, that passes, the best first."""
        is_call = structure not in (Structure.SHORT_PUT, Structure.LONG_PUT)
        stage = f"{structure} {'calls' if is_call else 'puts'}"
        key = "short_leg" if structure.is_credit else "long_leg"
        legs = [leg for leg in self.legs if leg.is_call == is_call]
        found = []
        for leg in self._filtered(legs, getattr(self.criteria, key), stage, key):
            one = self._single(structure, leg)
            if one is not None:
                found.append(one)
        return sorted(found, key=lambda one: -one.score)

    def _single(self, structure: Structure, leg: Leg) -> Found | None:
        net = self._sell(leg) if structure.is_credit else -self._buy(leg)
        ranked_profit = None
        if structure is Structure.COVERED_CALL:
            cost = leg.spot * math.exp(-self.dividend_yield * leg.years) - net
            profit, loss, breakeven = leg.strike - cost, cost, cost
        elif structure is Structure.LONG_CALL:
            profit, loss, breakeven = math.inf, -net, leg.strike - net
            forward = leg.spot * math.exp((self.rate - self.dividend_yield) * leg.years)
            deviation = leg.iv * math.sqrt(leg.years)
            ranked_profit = max(forward * math.exp(2 * deviation - deviation**2 / 2) - leg.strike, 0) + net
        elif structure is Structure.SHORT_PUT:
            profit, loss, breakeven = net, leg.strike - net, leg.strike - net
        else:
            raise AssertionError(f"no brute force for {structure}")
        if not (profit > 0 and loss > 0):
            self._drop(structure, "position.sound")
            return None
        measures = {
            "credit_usd": net,
            "return_on_risk": profit / loss,
            "annualised_return": profit / loss / max(leg.years, 1 / (365 * 24)),
            "breakeven_distance_fraction": (leg.spot - breakeven) / leg.spot,
            "breakeven_low_usd": breakeven,
            "legs_bid_ask_to_width": (leg.ask - leg.bid) / ((leg.ask + leg.bid) / 2),
            "probability_of_profit": normal(self._d2_at(leg, breakeven)),
        }
        for name, allowed in ranges_of(self.criteria.position).items():
            if not self._passes(structure, f"position.{name}", measures[name], allowed):
                return None
        if ranked_profit is not None:
            measures["return_on_risk"] = ranked_profit / loss
        return Found((leg.row,), self._score(measures), measures["probability_of_profit"])

    def _wings(
        self, kind: Structure, short: list[Leg], long: list[Leg], stage: str
    ) -> Iterator[tuple[Leg, Leg]]:
        for seller in short:
            for buyer in long:
                beyond = (buyer.strike - seller.strike) * (1 if seller.is_call else -1)
                if seller.expiry_ns != buyer.expiry_ns or beyond <= 0:
                    continue
                if not self._passes(stage, "position.width_usd", beyond, self.criteria.position.width_usd):
                    continue
                if 0 < self._sell(seller) - self._buy(buyer) < beyond:
                    yield seller, buyer
                else:
                    self._drop(stage, "position.sound")

    def _condor(self, structure: Structure, legs: tuple[Leg, Leg, Leg, Leg], width: float) -> Found | None:
        put_seller, put_buyer, call_seller, call_buyer = legs
        net = self._sell(put_seller) + self._sell(call_seller) - self._buy(put_buyer) - self._buy(call_buyer)
        if not 0 < net < width:
            self._drop(structure, "position.sound")
            return None
        below = 1 - normal(self._d2_at(put_seller, put_seller.strike - net))
        above = normal(self._d2_at(call_seller, call_seller.strike + net))
        measures = {
            "credit_usd": net,
            "credit_to_width": net / width,
            "max_loss_usd": 100 * (width - net),
            "return_on_risk": net / (width - net),
            "delta": put_buyer.delta + call_buyer.delta - put_seller.delta - call_seller.delta,
            "breakeven_low_usd": put_seller.strike - net,
            "breakeven_high_usd": call_seller.strike + net,
            "legs_bid_ask_to_width": sum(leg.ask - leg.bid for leg in legs) / width,
            "probability_of_profit": 1 - below - above,
        }
        for name, allowed in ranges_of(self.criteria.position).items():
            if name != "width_usd" and not self._passes(
                structure, f"position.{name}", measures[name], allowed
            ):
                return None
        return Found(tuple(leg.row for leg in legs), self._score(measures), measures["probability_of_profit"])

    def _vertical(self, structure: Structure, seller: Leg, buyer: Leg) -> Found | None:
        width = abs(seller.strike - buyer.strike)
        net = self._sell(seller) - self._buy(buyer)
        credit = structure.is_credit
        max_profit = net if credit else width + net
        max_loss = width - net if credit else -net
        first = seller if credit else buyer
        second = buyer if credit else seller
        sign = 1 if first.is_call else -1
        breakeven = first.strike + sign * abs(net)
        probability = math.nan
        if 0 < abs(net) < width:
            above = normal(self._d2_at(first, breakeven))
            gains_above = credit != first.is_call
            probability = above if gains_above else 1 - above
        measures: dict[str, float] = {
            "width_usd": width,
            "credit_usd": net,
            "debit_usd": -net,
            "credit_to_width": net / width,
            "max_profit_usd": 100 * max_profit,
            "max_loss_usd": 100 * max_loss,
            "return_on_risk": max_profit / max_loss if max_loss else math.inf,
            "annualised_return": max_profit / max_loss / first.years if max_loss else math.inf,
            "breakeven_low_usd": breakeven,
            "breakeven_high_usd": breakeven,
            "legs_bid_ask_to_width": (seller.ask - seller.bid + buyer.ask - buyer.bid) / width,
            "delta": buyer.delta - seller.delta,
            "probability_of_profit": probability,
        }
        if not self._passes(structure, "position.width_usd", width, self.criteria.position.width_usd):
            return None
        if not (max_profit > 0 and max_loss > 0):
            self._drop(structure, "position.sound")
            return None
        for name, allowed in ranges_of(self.criteria.position).items():
            if name != "width_usd" and not self._passes(
                structure, f"position.{name}", measures[name], allowed
            ):
                return None
        return Found((first.row, second.row), self._score(measures), probability)

    def _d2_at(self, leg: Leg, level: float) -> float:
        """d2 at a level, on the line in its logarithm through the two usable strikes around or next to it."""
        same = self._smile(leg)
        pairs = list(pairwise(same))
        if level < same[0].strike or level > same[-1].strike:
            low, high = pairs[0] if level < same[0].strike else pairs[-1]
        else:
            low, high = next(pair for pair in pairs if pair[0].strike <= level <= pair[1].strike)
        share = math.log(level / low.strike) / math.log(high.strike / low.strike)
        return low.d2 + share * (high.d2 - low.d2)

    def _smile(self, leg: Leg) -> list[Leg]:
        key = leg.expiry_ns, leg.is_call
        if key not in self._smiles:
            same = (one for one in self.legs if (one.expiry_ns, one.is_call) == key)
            self._smiles[key] = sorted(same, key=lambda one: one.strike)
        return self._smiles[key]

    def _score(self, measures: dict[str, float]) -> float:
        total = weights = 0.0
        for term in self.criteria.ranking:
            share = (measures[term.by] - term.worst) / (term.best - term.worst)
            total += term.weight * min(1.0, max(0.0, share))
            weights += term.weight
        return total / weights

    def _sell(self, leg: Leg) -> float:
        return leg.bid + self.criteria.price_between * (leg.ask - leg.bid)

    def _buy(self, leg: Leg) -> float:
        return leg.ask - self.criteria.price_between * (leg.ask - leg.bid)

    def _usable(self) -> list[Leg]:
        kept = []
        for leg in self._contracts():
            if not (leg.bid > 0 and leg.bid <= leg.ask):
                self._drop("contracts", "legs.quoted")
            elif self._leg_passes(leg, self.criteria.legs, modelled=False):
                self._price(leg)
                if math.isnan(leg.iv):
                    self._drop("contracts", "legs.priced")
                elif self._leg_passes(leg, self.criteria.legs, modelled=True):
                    kept.append(leg)
        return kept

    def _contracts(self) -> Iterator[Leg]:
        chain = self.chain
        today: date = new_york_date(chain.ts_ns)
        for row in range(len(chain)):
            expiry_ns = int(chain.expiry_ns[row])
            yield Leg(
                row=row,
                strike=float(chain.strike[row]),
                is_call=bool(chain.is_call[row]),
                expiry_ns=expiry_ns,
                years=(expiry_ns - chain.ts_ns) / (365 * 86_400e9),
                dte=(new_york_date(expiry_ns) - today).days,
                bid=float(chain.bid[row]),
                ask=float(chain.ask[row]),
                open_interest=float(chain.open_interest[row]),
                volume=float(chain.volume[row]),
                spot=chain.underlying_price,
            )

    def _price(self, leg: Leg) -> None:
        """Implied volatility by QuantLib's root search out of the money, greeks by its calculator."""
        if leg.years <= 0:
            return
        discount = math.exp(-self.rate * leg.years)
        forward = leg.spot * math.exp((self.rate - self.dividend_yield) * leg.years)
        inside = (forward - leg.strike) * (1 if leg.is_call else -1)
        premium = 0.5 * (leg.bid + leg.ask) / discount - max(0.0, inside)
        kind = QuantLib.Option.Call if leg.is_call else QuantLib.Option.Put
        opposite = QuantLib.Option.Put if leg.is_call else QuantLib.Option.Call
        if not 0 < premium < min(forward, leg.strike):
            return
        deviation = QuantLib.blackFormulaImpliedStdDev(
            opposite if inside > 0 else kind, leg.strike, forward, premium, 1.0, 0.0, 0.5, 1e-13, 500
        )
        leg.iv = deviation / math.sqrt(leg.years)
        calculator = QuantLib.BlackCalculator(
            QuantLib.PlainVanillaPayoff(kind, leg.strike), forward, deviation, discount
        )
        leg.delta = calculator.delta(leg.spot)
        leg.gamma = calculator.gamma(leg.spot)
        leg.vega = calculator.vega(leg.years) / 100
        leg.theta = calculator.theta(leg.spot, leg.years) / 365
        leg.d2 = math.log(forward / leg.strike) / deviation - 0.5 * deviation

    def _filtered(self, legs: list[Leg], section: LegFilter, stage: str, key: str) -> list[Leg]:
        return [leg for leg in legs if self._leg_passes(leg, section, stage=stage, key=key)]

    def _leg_passes(
        self,
        leg: Leg,
        section: LegFilter,
        *,
        modelled: bool | None = None,
        stage: str = "contracts",
        key: str = "legs",
    ) -> bool:
        for name, allowed in ranges_of(section).items():
            is_modelled = name in ("delta", "gamma", "theta", "vega", "iv")
            if modelled in (None, is_modelled) and not self._passes(
                stage, f"{key}.{name}", _LEG[name](leg), allowed
            ):
                return False
        return True

    def _passes(self, stage: str, name: str, value: float, allowed: Range | None) -> bool:
        if allowed is None or allowed.low - EPSILON <= value <= allowed.high + EPSILON:
            return True
        self._drop(stage, name)
        return False

    def _drop(self, stage: str, name: str) -> None:
        self.removed[stage, name] = self.removed.get((stage, name), 0) + 1


_LEG: dict[str, Callable[[Leg], float]] = {
    "dte": lambda leg: leg.dte,
    "otm_fraction": lambda leg: (leg.strike / leg.spot - 1) * (1 if leg.is_call else -1),
    "strike_usd": lambda leg: leg.strike,
    "bid_usd": lambda leg: leg.bid,
    "bid_ask_usd": lambda leg: leg.ask - leg.bid,
    "bid_ask_fraction": lambda leg: (leg.ask - leg.bid) / ((leg.ask + leg.bid) / 2),
    "open_interest": lambda leg: leg.open_interest,
    "volume": lambda leg: leg.volume,
    "delta": lambda leg: abs(leg.delta),
    "gamma": lambda leg: leg.gamma,
    "theta": lambda leg: leg.theta,
    "vega": lambda leg: leg.vega,
    "iv": lambda leg: leg.iv,
}


def normal(z: float) -> float:
    """The normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2))
