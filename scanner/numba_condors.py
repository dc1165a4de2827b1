"""Condors and butterflies of two sets of wings in compiled loops; imported only on request, needs numba.

As `scanner.numba_verticals`: the same filters, counts and scores as the NumPy code, and what can be among the
best is measured again by it. Positions are collected until a batch is full; then each filter and each term of
the score is one loop over the batch.
"""

from __future__ import annotations

import math

import numpy as np

from scanner.numba_smile import (
    ANNUAL,
    CHANCE_MAX,
    CHANCE_MIN,
    DELTAS,
    DISTANCE,
    EXPECTED,
    EXPECTED_RETURN,
    HIGH_LEVEL,
    LEGS_BID_ASK,
    LOW_LEVEL,
    MAX_LOSS,
    MAX_PROFIT,
    NEAR_ERROR,
    PROBABILITY,
    YEARS_MIN,
    asks_for_chance,
    chance_near,
    compiled,
    deviate_at,
    deviate_near,
    grown,
    inline,
    insert,
    node_after,
    node_before,
    opening_of,
    share_of,
    write_bounds,
    write_fraction,
)

BATCH = 4096
"""Positions worked on together."""

NET, SPAN, STRIKE, BID_ASKS, YEARS_LEFT, SHARES, MEAN, FIRST_LEG = range(8)
GREEKS = 8
WING_COLUMNS = 12
"""Rows of wings: net, width, strike sold, sum of bid-ask widths, years, shares a contract, mean profit, first
leg's place in its table, then delta, gamma, theta and vega."""

_NET, _WIDTH, _VALUE, _SCORE = range(4)


@compiled
def scan_condors(wings, tables, runs, spot, filters, terms, best):  # type: ignore[no-untyped-def]
    """Return put and call wings of positions that may be among the best, and counts.

    `wings` are the put and the call wings, shape `(WING_COLUMNS, n)`; `tables` the leg tables of both; `runs`
    the first and the end of the call wings that fit each put wing. `filters`, `terms` and `best` are as for
    `scan_pairs`, but that bounds of a probability are probabilities. Counts are: sound positions, then what
    each filter left.
    """
    puts, calls = wings
    if asks_for_chance(filters, terms):
        write_bounds(tables[0])
        write_bounds(tables[1])
    counts = np.zeros(1 + filters.shape[0], dtype=np.int64)
    kept_puts, kept_calls = np.empty(4096, np.int64), np.empty(4096, np.int64)
    found = 0
    work, pairs = np.empty((4, BATCH)), np.empty((2, BATCH), np.int64)
    picked = np.empty(BATCH, np.int64)
    opening, filters_done, term_done = opening_of(0.0, 0.0, filters, terms)
    outstanding = 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            outstanding += terms[t, 3]
    wing, call = 0, runs[0, 0] if runs.shape[0] else 0
    while wing < runs.shape[0]:
        size = 0
        while wing < runs.shape[0] and size < BATCH:
            stop = min(runs[wing, 1], call + BATCH - size)
            for other in range(call, stop):
                pairs[0, size], pairs[1, size] = wing, other
                size += 1
            call = stop
            if call >= runs[wing, 1]:
                wing += 1
                call = runs[wing, 0] if wing < runs.shape[0] else 0
        is_sound, one, left = _open(puts, calls, pairs, size, work, opening)
        counts[0] += is_sound
        if filters_done > 0:
            counts[1] += one
        if filters_done > 1:
            counts[2] += left
        for f in range(filters_done, filters.shape[0]):
            if left > 0:
                left = _filter((wings, tables, pairs, spot), size, work, filters[f])
                counts[1 + f] += left
        if left == 0:
            continue
        for t in range(terms.shape[0]):
            if t != term_done and int(terms[t, 0]) != PROBABILITY:
                _add_term((wings, tables, pairs, spot), size, work, terms[t])
        for place in range(_pick(work, size, best[0] - outstanding, picked)):
            k = picked[place]
            if _may_reach(wings, tables, pairs, k, work, terms, best[0]) and _reaches(
                wings, tables, pairs, k, work, terms, best[0]
            ):
                insert(best, work[_SCORE, k])
                if found == kept_puts.size:
                    kept_puts, kept_calls = grown(kept_puts), grown(kept_calls)
                kept_puts[found], kept_calls[found] = pairs[0, k], pairs[1, k]
                found += 1
    return kept_puts[:found], kept_calls[:found], counts


@compiled
def _open(puts, calls, pairs, size, work, opening):  # type: ignore[no-untyped-def]
    """Write nets, widths and scores so far, -1 for who is out.

    Return how many are sound, and what the first and the second filter of `opening` left.
    """
    nets, widths, scores = work[_NET], work[_WIDTH], work[_SCORE]
    a, b, c, d, e, low, high, _ = opening[0]
    a2, b2, c2, d2, e2, low2, high2, _ = opening[1]
    a3, b3, c3, d3, e3, worst, scale, weight = opening[2]
    put_nets, call_nets, put_widths, call_widths = puts[NET], calls[NET], puts[SPAN], calls[SPAN]
    for k in range(size):
        i, j = pairs[0, k], pairs[1, k]
        nets[k] = put_nets[i] + call_nets[j]
        widths[k] = max(put_widths[i], call_widths[j])
    left, left1, left2 = 0.0, 0.0, 0.0
    for k in range(size):
        net, width = nets[k], widths[k]
        is_sound = 1.0 if (net > 0.0) & (width - net > 0.0) else 0.0
        top, base = a * net + b * width, c * net + d * width + e
        passes = is_sound if (top >= low * base) & (top <= high * base) else 0.0
        top2, base2 = a2 * net + b2 * width, c2 * net + d2 * width + e2
        passes2 = passes if (top2 >= low2 * base2) & (top2 <= high2 * base2) else 0.0
        share = ((a3 * net + b3 * width) / (c3 * net + d3 * width + e3) - worst) * scale
        share = share if share > 0.0 else 0.0
        share = share if share < 1.0 else 1.0
        scores[k] = weight * share if passes2 > 0.0 else -1.0
        left += is_sound
        left1 += passes
        left2 += passes2
    return int(left), int(left1), int(left2)


@compiled
def _count(work, size):  # type: ignore[no-untyped-def]
    scores, total = work[_SCORE], 0.0
    for k in range(size):
        total += 1.0 if scores[k] >= 0.0 else 0.0
    return int(total)


@compiled
def _filter(market, size, work, row):  # type: ignore[no-untyped-def]
    metric, low, high = int(row[0]), row[1], row[2]
    values, scores = work[_VALUE], work[_SCORE]
    if metric == PROBABILITY:
        wings, tables, pairs, _ = market
        for k in range(size):
            if scores[k] >= 0.0 and not _chance_within(wings, tables, pairs, k, work[_NET, k], low, high):
                scores[k] = -1.0
        return _count(work, size)
    _measure(market, size, work, metric)
    for k in range(size):
        scores[k] = scores[k] if (values[k] >= low) & (values[k] <= high) else -1.0
    return _count(work, size)


@compiled
def _measure(market, size, work, metric):  # type: ignore[no-untyped-def]
    (puts, calls), _, pairs, spot = market
    values, nets, widths = work[_VALUE], work[_NET], work[_WIDTH]
    fraction = np.zeros(8)
    fraction[4] = 1.0
    if write_fraction(metric, 0.0, 0.0, fraction):
        a, b, c, d, e = fraction[0], fraction[1], fraction[2], fraction[3], fraction[4]
        for k in range(size):
            values[k] = (a * nets[k] + b * widths[k]) / (c * nets[k] + d * widths[k] + e)
    elif metric == MAX_PROFIT:
        for k in range(size):
            values[k] = nets[k] * puts[SHARES, pairs[0, k]]
    elif metric == MAX_LOSS:
        for k in range(size):
            values[k] = (widths[k] - nets[k]) * puts[SHARES, pairs[0, k]]
    elif metric == ANNUAL:
        for k in range(size):
            years = max(puts[YEARS_LEFT, pairs[0, k]], YEARS_MIN)
            values[k] = nets[k] / (widths[k] - nets[k]) / years
    elif metric in (DISTANCE, LOW_LEVEL, HIGH_LEVEL):
        for k in range(size):
            i, j, net = pairs[0, k], pairs[1, k], nets[k]
            low, high = puts[STRIKE, i] - net, calls[STRIKE, j] + net
            if metric == DISTANCE:
                values[k] = min(spot - low, high - spot) / spot
            elif metric == LOW_LEVEL:
                values[k] = low if net < puts[SPAN, i] else high
            else:
                values[k] = high if net < calls[SPAN, j] else low
    elif metric == LEGS_BID_ASK:
        for k in range(size):
            values[k] = (puts[BID_ASKS, pairs[0, k]] + calls[BID_ASKS, pairs[1, k]]) / widths[k]
    elif metric in (EXPECTED, EXPECTED_RETURN):
        for k in range(size):
            i = pairs[0, k]
            mean = puts[MEAN, i] + calls[MEAN, pairs[1, k]]
            values[k] = mean * puts[SHARES, i] if metric == EXPECTED else mean / (widths[k] - nets[k])
    else:
        greek = GREEKS + metric - DELTAS
        for k in range(size):
            values[k] = puts[greek, pairs[0, k]] + calls[greek, pairs[1, k]]


@compiled
def _add_term(market, size, work, term):  # type: ignore[no-untyped-def]
    """Add a term other than the probability, which is added only where it can matter."""
    _measure(market, size, work, int(term[0]))
    scores, values = work[_SCORE], work[_VALUE]
    worst, scale, weight = term[1], term[2], term[3]
    for k in range(size):
        share = (values[k] - worst) * scale
        share = share if share > 0.0 else 0.0
        share = share if share < 1.0 else 1.0
        scores[k] = scores[k] + weight * share if scores[k] >= 0.0 else -1.0


@compiled
def _pick(work, size, bar, picked):  # type: ignore[no-untyped-def]
    """Write who is in with a score of at least `bar`; return how many."""
    scores, count, bar = work[_SCORE], 0, max(bar, 0.0)
    for k in range(size):
        picked[count] = k
        count += scores[k] >= bar
    return count


@inline
def _leg(wings, pairs, side, k):  # type: ignore[no-untyped-def]
    """Return the place in its table of the leg that a wing sells, and the wing's width."""
    wing = pairs[side, k]
    return int(wings[side][FIRST_LEG, wing]), wings[side][SPAN, wing]


@compiled
def _chance_within(wings, tables, pairs, k, net, low, high):  # type: ignore[no-untyped-def]
    """Return whether the probability of profit lies between `low` and `high`."""
    at_least = _at_least(wings, tables, pairs, k, net)
    at_most = _at_most(wings, tables, pairs, k, net)
    if low <= at_least and at_most <= high:
        return True
    if at_most < low or at_least > high:
        return False
    chance = 1.0
    for side in range(2):
        leg, width = _leg(wings, pairs, side, k)
        if net < width:
            chance -= 0.5 * math.erfc(deviate_at(tables[side], leg, net, side == 1) * math.sqrt(0.5))
    return low <= chance <= high


@inline
def _at_most(wings, tables, pairs, k, net):  # type: ignore[no-untyped-def]
    """Return what the probability of profit is at most, by the strikes beyond the breakevens."""
    chance = -1.0
    for side in range(2):
        leg, width = _leg(wings, pairs, side, k)
        chance += tables[side][CHANCE_MAX, node_after(tables[side], leg, net)] if net < width else 1.0
    return chance


@inline
def _at_least(wings, tables, pairs, k, net):  # type: ignore[no-untyped-def]
    """Return what the probability of profit is at least, by the strikes before the breakevens."""
    chance = -1.0
    for side in range(2):
        leg, width = _leg(wings, pairs, side, k)
        chance += tables[side][CHANCE_MIN, node_before(tables[side], leg, net)] if net < width else 1.0
    return chance


@inline
def _may_reach(wings, tables, pairs, k, work, terms, threshold):  # type: ignore[no-untyped-def]
    """Return whether the score can reach the threshold with the most that the probability can be."""
    bound = work[_SCORE, k] + 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            if terms[t, 2] > 0.0:
                chance = _at_most(wings, tables, pairs, k, work[_NET, k])
            else:
                chance = _at_least(wings, tables, pairs, k, work[_NET, k])
            bound += terms[t, 3] * share_of(chance, terms[t, 1], terms[t, 2])
    return bound >= threshold


@inline
def _reaches(wings, tables, pairs, k, work, terms, threshold):  # type: ignore[no-untyped-def]
    """Add the term of the probability, nearly; return whether the score may reach the threshold.

    The score that is left in `work` is none too high, so that it may raise the threshold.
    """
    score, margin = work[_SCORE, k], 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
            margin += 2.0 * NEAR_ERROR * weight * abs(scale)
            chance = -1.0
            for side in range(2):
                leg, width = _leg(wings, pairs, side, k)
                near = work[_NET, k]
                chance += (
                    chance_near(deviate_near(tables[side], leg, near, side == 1)) if near < width else 1.0
                )
            score += weight * share_of(chance, worst, scale)
    work[_SCORE, k] = score - margin
    return score >= threshold - margin
