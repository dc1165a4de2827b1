"""The limits that the random streams must keep, computed from the truth at the venue."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product

from market.time import NS_PER_SECOND
from risk.intent import InstrumentTerms
from tests.risk.stream_world import ALL_OPTIONS, LIMITS, STOCKS, STRATEGIES, Truth, leg_fills
from tests.risk.table_market import LATER_NS, TableMarket


class LimitCheck:
    """Asserts that positions plus working orders at the venue exceed no limit: computed from the truth alone.

    `openings_ns` has the time of every approved opening.
    """

    def __init__(self, truth: Truth, market: TableMarket, openings_ns: list[int]) -> None:
        self.truth = truth
        self.market = market
        self.openings_ns = openings_ns

    def check(self, now_ns: int) -> None:
        """Assert that no limit is exceeded by positions plus working orders at the venue."""
        self._check_stocks()
        self._check_counts(now_ns)
        self._check_options()

    def check_opened(self, opened: InstrumentTerms) -> None:
        """Assert that the opening that was just approved leaves values and losses within their limits."""
        if opened.kind == "stock":
            self._check_value(opened)
        else:
            self._check_losses(opened.symbol)

    def _check_value(self, opened: InstrumentTerms) -> None:
        """Assert that the value of stocks, held and working at their worst, is within its limits."""
        total = Decimal(0)
        for terms in STOCKS:
            quote = self.market.quote(terms)
            assert quote is not None
            value = max(self._reach(terms)) * quote.ask
            if terms is opened:
                assert value <= LIMITS.max_notional_usd_per_symbol, f"{terms.symbol} may be worth {value}"
            total += value
        assert total <= LIMITS.max_notional_usd_total, f"stocks may be worth {total}"

    def _check_stocks(self) -> None:
        for terms in STOCKS:
            longest, shortest = self._reach(terms)
            worst = max(longest, shortest)
            assert worst <= LIMITS.max_position_shares_per_symbol, f"{terms.symbol} may reach {worst} shares"

    def _reach(self, terms: InstrumentTerms) -> tuple[int, int]:
        net = self.truth.net(terms.instrument_id)
        reach = {"buy": 0, "sell": 0}
        groups: dict[tuple[str, str, str], int] = {}
        for each in self.truth.live():
            if each.intent.terms is not terms:
                continue
            left = self.truth.can_fill(each)
            if each.intent.group_id is None:
                reach[each.intent.side] += left
            else:
                key = (each.intent.group_id, each.intent.side, each.intent.strategy_id)
                groups[key] = max(groups.get(key, 0), left)
        for (_, side, _), left in groups.items():
            reach[side] += left
        return net + reach["buy"], reach["sell"] - net

    def _check_counts(self, now_ns: int) -> None:
        openings = [each for each in self.truth.live() if not each.is_reducing]
        assert len(openings) <= LIMITS.max_open_orders, f"{len(openings)} openings work"
        symbols = {each.intent.terms.symbol for each in openings}
        names = {each.instrument_id: each.symbol for each in (*STOCKS, *ALL_OPTIONS)}
        symbols |= {names[name] for (_, name), count in self.truth.positions.items() if count}
        assert len(symbols) <= LIMITS.max_positions, f"positions or openings in {symbols}"
        recent = [sent for sent in self.openings_ns if sent > now_ns - NS_PER_SECOND]
        assert len(recent) <= LIMITS.max_orders_per_second
        for each in openings:
            kind = each.intent.terms.kind
            assert LIMITS.options is not None
            most = LIMITS.max_shares_per_order if kind == "stock" else LIMITS.options.max_contracts_per_order
            assert each.left <= most, f"an order of {each.left}"

    def _check_options(self) -> None:
        """Assert that the account is never naked, and no strategy by an opening, nor any loss too large.

        A strategy may close what the account holds through another. Closing orders always pass, and closing
        at a loss moves what is left between realized and open: so the limits of loss are held against
        openings, at the moment they are approved.
        """
        for symbol in ("SPY", "QQQ"):
            for counts in self._worst_counts(symbol):
                assert _is_covered(counts), f"the account may be naked in {symbol}: {counts}"
        for terms in ALL_OPTIONS:
            worst = self._reach_of_leg(terms)
            most = LIMITS.options.max_contracts_per_leg if LIMITS.options else 0
            assert worst <= most, f"{terms.instrument_id} may reach {worst}"

    def _check_losses(self, opened: str) -> None:
        assert LIMITS.options is not None
        total = Decimal(0)
        for symbol in ("SPY", "QQQ"):
            for name in STRATEGIES:
                for counts, _ in self._outcomes((name, symbol)):
                    assert _is_covered(counts), f"{name} may be naked in {symbol}: {counts}"
            loss = sum((self._worst_loss((name, symbol)) for name in STRATEGIES), Decimal(0))
            if symbol == opened:
                assert loss <= LIMITS.options.max_loss_usd_per_underlying, f"{symbol} may lose {loss}"
            total += loss
        assert total <= LIMITS.options.max_loss_usd_total, f"options may lose {total}"

    def _reach_of_leg(self, terms: InstrumentTerms) -> int:
        net = self.truth.net(terms.instrument_id)
        up = down = 0
        for each in self.truth.live():
            for leg in each.intent.terms.components:
                if leg.terms is terms:
                    signed = each.intent.sign * leg.ratio * each.left
                    up, down = up + max(signed, 0), down + max(-signed, 0)
        return max(net + up, down - net)

    def _worst_counts(self, symbol: str) -> Iterator[dict[InstrumentTerms, int]]:
        """Yield what the account holds after all that only sells, for every subset of what sells and buys."""
        held = {
            terms: sum(self.truth.positions.get((name, terms.instrument_id), 0) for name in STRATEGIES)
            for terms in ALL_OPTIONS
            if terms.symbol == symbol
        }
        mixed: list[list[tuple[InstrumentTerms, int]]] = []
        for each in self.truth.live():
            terms = each.intent.terms
            if terms.kind == "stock" or terms.symbol != symbol:
                continue
            legs = [(leg.terms, each.intent.sign * leg.ratio * each.left) for leg in terms.components]
            if all(signed < 0 for _, signed in legs):
                for leg_terms, signed in legs:
                    held[leg_terms] += signed
            elif any(signed < 0 for _, signed in legs):
                mixed.append(legs)
        for fills in product((0, 1), repeat=len(mixed)):
            counts = dict(held)
            for legs, is_filled in zip(mixed, fills, strict=True):
                for leg_terms, signed in legs:
                    counts[leg_terms] += signed * is_filled
            yield counts

    def _outcomes(self, owner: tuple[str, str]) -> Iterator[tuple[dict[InstrumentTerms, int], Decimal]]:
        """Yield contracts held and their cost for every subset of the owner's orders that may fill."""
        strategy_id, symbol = owner
        live = [
            each
            for each in self.truth.live()
            if each.intent.strategy_id == strategy_id
            and each.intent.terms.kind != "stock"
            and each.intent.terms.symbol == symbol
        ]
        held = {
            terms: self.truth.positions.get((strategy_id, terms.instrument_id), 0)
            for terms in ALL_OPTIONS
            if terms.symbol == symbol
        }
        for fills in product((0, 1), repeat=len(live)):
            counts, paid = dict(held), self.truth.paid.get(owner, Decimal(0))
            for each, is_filled in zip(live, fills, strict=True):
                if is_filled:
                    for terms, signed, price in leg_fills(each, each.left):
                        counts[terms] += signed
                        paid += signed * price * terms.multiplier
            yield counts, paid

    def _worst_loss(self, owner: tuple[str, str]) -> Decimal:
        return max(max(cost - _least_value(counts), Decimal(0)) for counts, cost in self._outcomes(owner))


def _least_value(counts: dict[InstrumentTerms, int]) -> Decimal:
    """Return the least value at expiry over a grid of prices, later options at their intrinsic value."""
    prices = (0, 50, 90, 95, 96, 100, 101, 105, 106, 110, 112, 115, 116, 1_000, 100_000)
    return min(_value(counts, price) for price in prices)


def _value(counts: dict[InstrumentTerms, int], price: int) -> Decimal:
    value = Decimal(0)
    for terms, count in counts.items():
        assert terms.strike is not None
        intrinsic = price - terms.strike if terms.right == "call" else terms.strike - price
        value += count * max(intrinsic, Decimal(0)) * terms.multiplier
    return value


def _is_covered(counts: dict[InstrumentTerms, int]) -> bool:
    """Whether, of each right, no more is short than is long, and what is late covers what is early."""
    for right in ("call", "put"):
        late = sum(count for terms, count in counts.items() if terms.right == right and _is_late(terms))
        early = sum(count for terms, count in counts.items() if terms.right == right and not _is_late(terms))
        if late < 0 or early + late < 0:
            return False
    return True


def _is_late(terms: InstrumentTerms) -> bool:
    return terms.expiration_ns == LATER_NS
