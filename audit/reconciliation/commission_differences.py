"""Compares what both sides were charged, order by order, and says why the charges differ.

Per order, because IBKR charges orders: how it spreads a minimum over the fills is of no account. The
adapter rounds each commission to a cent: where the broker prints fractions, half a cent a fill agrees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from audit.reconciliation.causes import Cause, Difference
from audit.reconciliation.ledger import CENT, HALF_CENT, ZERO, Execution, SideName, fees_of
from audit.reconciliation.matching import Match
from market.commissions import TIERS, CommissionSchedule, OrderCommission, ib_fixed, ib_tiered
from market.regulatory_fees import EARLIEST_DATE
from market.time import new_york_date


def commission_differences(pairs: Iterable[Match], other_side: SideName) -> Iterator[Difference]:
    """Yield a difference for each order whose charges differ by a cent or more beyond rounding."""
    orders: dict[str, list[Match]] = defaultdict(list)
    for pair in pairs:
        first = pair.ours[0]
        orders[f"{first.client_order_id or first.where} {first.symbol}"].append(pair)
    for parts in orders.values():
        ours = [execution for part in parts for execution in part.ours]
        theirs = [part.theirs for part in parts]
        if any(execution.commission_usd is None for execution in theirs):
            continue
        more = fees_of(theirs) - fees_of(ours)
        if _is_difference(more, ours, theirs):
            cause, why = _cause(ours, theirs, more)
            yield Difference(
                other_side=other_side,
                what="commission",
                cause=cause,
                symbol=ours[0].symbol,
                amount_usd=-more,
                journal=f"{fees_of(ours)} USD",
                other=f"{fees_of(theirs)} USD",
                where=(ours[0].where, theirs[0].where),
                why=why,
            )


def _is_difference(more: Decimal, ours: Sequence[Execution], theirs: Sequence[Execution]) -> bool:
    in_cents = all(_in_cents(execution.commission_usd or ZERO) for execution in theirs)
    rounding = ZERO if in_cents else HALF_CENT * len(ours)
    return abs(more) >= CENT and abs(more) > rounding


def _in_cents(amount: Decimal) -> bool:
    return amount == amount.quantize(CENT)


def _cause(ours: Sequence[Execution], theirs: Sequence[Execution], more: Decimal) -> tuple[Cause, str]:
    charged, billed = fees_of(ours), fees_of(theirs)
    if not charged:
        return "commission_missing", "the journal has no commission: it was not reported when the fill came"
    stated = [execution.regulatory_usd for execution in theirs if execution.regulatory_usd is not None]
    day = _charging_day(ours[0])
    regulatory = sum(stated, ZERO) or _charge(ib_fixed(day), ours, adds_liquidity=False)[1]
    if regulatory >= CENT and abs(more - regulatory) < CENT:
        return (
            "regulatory_fees",
            f"fees of regulators, {regulatory:.4f} USD, are in one amount and not the other",
        )
    lists = _price_lists(ours, day) if ours[0].multiplier == 1 else {}
    own = next((name for name, amount in lists.items() if abs(amount - charged) < CENT), None)
    other = next((name for name, amount in lists.items() if abs(amount - billed) < CENT), None)
    if own is not None and other is not None:
        return "commission_tier", f"the journal's amount is that of IBKR's {own} list, the other of {other}"
    return (
        "commission_differs",
        "an estimate against the actual charge, or a price list that is not known here",
    )


def _charging_day(execution: Execution) -> date | None:
    if execution.ts_ns is None or new_york_date(execution.ts_ns) < EARLIEST_DATE:
        return None
    return new_york_date(execution.ts_ns)


def _price_lists(ours: Sequence[Execution], day: date | None) -> dict[str, Decimal]:
    """Return what the order costs by each of IBKR's lists, its tiers, and both ways of trading."""
    schedules = {"fixed": ib_fixed(day)}
    for number, (above, _) in enumerate(TIERS, start=1):
        schedules[f"tiered (tier {number})"] = ib_tiered(day, shares_this_month=above)
    amounts = {}
    for name, schedule in schedules.items():
        for adds_liquidity in (False, True):
            label = f"{name}, {'adding' if adds_liquidity else 'taking'} liquidity"
            amounts[label] = _charge(schedule, ours, adds_liquidity=adds_liquidity)[0]
    return amounts


def _charge(
    schedule: CommissionSchedule, ours: Sequence[Execution], *, adds_liquidity: bool
) -> tuple[Decimal, Decimal]:
    """Return what an order costs in USD, and what of it regulators take."""
    order = OrderCommission(schedule, "buy" if ours[0].side == "BUY" else "sell")
    for fill in ours:
        order.on_fill(int(fill.quantity), fill.price, adds_liquidity=adds_liquidity)
    return order.total.total, order.total.regulatory
