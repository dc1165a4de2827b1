"""The pairs of a leg table in compiled loops; imported only on request, needs numba.

Filters, counts and scores are those of `scanner.building`, `position_filters` and `ranking`, term by term,
and a test holds the results together. What can be among the best is handed on, a few
hundred pairs, and measured again by the NumPy code: a candidate's numbers do not depend on the engine.

Loops run over all pairs at one distance in a stretch of the table that stays in the processor's second cache,
one for each metric: fused they are not vectorised.
"""

from __future__ import annotations

import numpy as np

from scanner.numba_smile import (
    ANNUAL,
    BID_ASK,
    BUY,
    CHANCE_MAX,
    CHANCE_MIN,
    CREDIT,
    CREDIT_TO_WIDTH,
    DEBIT,
    DELTA,
    DELTAS,
    DEVIATE_MAX,
    DEVIATE_MIN,
    DISTANCE,
    EXPECTED,
    EXPECTED_RETURN,
    HIGH_LEVEL,
    LEGS_BID_ASK,
    LEVEL,
    LOW_LEVEL,
    MAX_LOSS,
    MAX_PROFIT,
    MULTIPLIER,
    NEAR_ERROR,
    PAID,
    PROBABILITY,
    REACH,
    RETURN,
    SECOND_LEVEL,
    SELL,
    WIDTH,
    YEARS,
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
    write_reach,
)

STRETCH = 2048
"""Legs of a stretch."""
RUN = 32
"""Positions looked at together for any that is worth a closer look."""
_WIDTH, _NET, _METRIC, _SCORE = range(4)


@compiled
def scan_pairs(table, first_ok, second_ok, options, filters, terms, best):  # type: ignore[no-untyped-def]
    """Return first and second legs that may be among the best, and counts.

    `table` has the shape `(COLUMNS, n)`; `options` are credit (1 or 0), call (1 or 0), lowest and highest
    width, spot, shares a contract or 0 where they differ; `filters` rows are metric, low, high; `terms` rows
    are metric, worst, 1 / (best - worst), weight. `best` are the scores to beat so far, ascending, as many as
    are wanted; they are updated. Counts are: narrow pairs, sound pairs, then what each filter left.
    """
    n = table.shape[1]
    if asks_for_chance(filters, terms):
        write_bounds(table)
    write_reach(table, first_ok, second_ok, options[3])
    covered = 0.0 if options[0] > 0.5 else 1.0
    opening, filters_done, term_done = opening_of(covered, options[5], filters, terms)
    outstanding = 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            outstanding += terms[t, 3]
    counts = np.zeros(2 + filters.shape[0], dtype=np.int64)
    first, second = np.empty(4096, np.int64), np.empty(4096, np.int64)
    found = 0
    work, picked = np.full((4, STRETCH + RUN), -1.0), np.empty(STRETCH + RUN, np.int64)
    for start in range(0, n, STRETCH):
        for distance in range(1, 1 + int(table[REACH, start : start + STRETCH].max())):
            size = min(STRETCH, n - start - distance)
            span = (start, size, distance)
            counts[0], counts[1], one, left = _open(table, span, options, work, opening, counts)
            if filters_done > 0:
                counts[2] += one
            if filters_done > 1:
                counts[3] += left
            for f in range(filters_done, filters.shape[0]):
                if left > 0:
                    left = _filter(table, span, options, work, filters[f])
                    counts[2 + f] += left
            if left == 0:
                continue
            for t in range(terms.shape[0]):
                if t != term_done and int(terms[t, 0]) != PROBABILITY:
                    _add_term(table, span, options, work, terms[t])
            for place in range(_pick(size, work, best[0] - outstanding, picked)):
                k = picked[place]
                if _may_reach(table, start, k, options, work, terms, best[0]) and _reaches(
                    table, start, k, options, work, terms, best[0]
                ):
                    insert(best, work[_SCORE, k])
                    if found == first.size:
                        first, second = grown(first), grown(second)
                    first[found], second[found] = start + k, start + k + distance
                    found += 1
    return first[:found], second[:found], counts


@compiled
def _open(table, span, options, work, opening, counts):  # type: ignore[no-untyped-def]
    """Write nets, widths and scores so far, -1 for who is out.

    Return the counts so far of narrow and of sound pairs with these added, and what each filter left.
    """
    nets, widths, scores = work[_NET], work[_WIDTH], work[_SCORE]
    start, size, distance = span
    far = start + distance
    levels, beyond, reach = table[LEVEL, start:], table[SECOND_LEVEL, far:], table[REACH, start:]
    sold, bought, covered = table[SELL, start:], table[BUY, far:], 0.0
    if options[0] < 0.5:
        sold, bought, covered = table[SELL, far:], table[BUY, start:], 1.0
    a, b, c, d, e, low, high, _ = opening[0]
    a2, b2, c2, d2, e2, low2, high2, _ = opening[1]
    a3, b3, c3, d3, e3, worst, scale, weight = opening[2]
    narrowest, away = options[2], float(distance)
    narrow, left, left1, left2 = 0.0, 0.0, 0.0, 0.0
    for k in range(size):
        net, width = sold[k] - bought[k], beyond[k] - levels[k]
        profit = net + covered * width
        loss = width - profit
        fits = 1.0 if (away <= reach[k]) & (width >= narrowest) else 0.0
        is_sound = fits if (profit > 0.0) & (loss > 0.0) else 0.0
        top, base = a * net + b * width, c * net + d * width + e
        passes = is_sound if (top >= low * base) & (top <= high * base) else 0.0
        top2, base2 = a2 * net + b2 * width, c2 * net + d2 * width + e2
        passes2 = passes if (top2 >= low2 * base2) & (top2 <= high2 * base2) else 0.0
        share = ((a3 * net + b3 * width) / (c3 * net + d3 * width + e3) - worst) * scale
        share = share if share > 0.0 else 0.0
        share = share if share < 1.0 else 1.0
        nets[k] = net
        widths[k] = width
        scores[k] = weight * share if passes2 > 0.0 else -1.0
        narrow += fits
        left += is_sound
        left1 += passes
        left2 += passes2
    return counts[0] + int(narrow), counts[1] + int(left), int(left1), int(left2)


@compiled
def _filter(table, span, options, work, row):  # type: ignore[no-untyped-def]
    metric, low, high = int(row[0]), row[1], row[2]
    if metric == PROBABILITY:
        return _filter_probability(table, span, options, work, low, high)
    _measure(table, span, options, work, metric)
    values, scores = work[_METRIC], work[_SCORE]
    total = 0.0
    for k in range(span[1]):
        score = scores[k] if (values[k] >= low) & (values[k] <= high) else -1.0
        scores[k] = score
        total += 1.0 if score >= 0.0 else 0.0
    return int(total)


@compiled
def _filter_probability(table, span, options, work, low, high):  # type: ignore[no-untyped-def]
    """`low` and `high` are normal deviates of ending short of the breakeven."""
    start, size, _ = span
    total = 0
    for k in range(size):
        if work[_SCORE, k] >= 0.0:
            away = abs(work[_NET, k])
            at_least = table[DEVIATE_MIN, node_before(table, start + k, away)]
            at_most = table[DEVIATE_MAX, node_after(table, start + k, away)]
            passes = (low <= at_least) & (at_most <= high)
            if not passes and low <= at_most and at_least <= high:
                deviate = deviate_at(table, start + k, away, options[1] > 0.5)
                passes = (low <= deviate) & (deviate <= high)
            if passes:
                total += 1
            else:
                work[_SCORE, k] = -1.0
    return total


@compiled
def _measure(table, span, options, work, metric):  # type: ignore[no-untyped-def]
    values, nets, widths = work[_METRIC], work[_NET], work[_WIDTH]
    start, size, distance = span
    far, shares = start + distance, table[MULTIPLIER, start:]
    sign, covered = (1.0, 0.0) if options[0] > 0.5 else (-1.0, 1.0)  # profit: net + covered * width
    if metric == WIDTH:
        for k in range(size):
            values[k] = widths[k]
    elif metric == CREDIT:
        for k in range(size):
            values[k] = nets[k]
    elif metric == DEBIT:
        for k in range(size):
            values[k] = -nets[k]
    elif metric == CREDIT_TO_WIDTH:
        for k in range(size):
            values[k] = nets[k] / widths[k]
    elif metric == MAX_PROFIT:
        for k in range(size):
            values[k] = (nets[k] + covered * widths[k]) * shares[k]
    elif metric == MAX_LOSS:
        for k in range(size):
            values[k] = (widths[k] - (nets[k] + covered * widths[k])) * shares[k]
    elif metric == RETURN:
        for k in range(size):
            profit = nets[k] + covered * widths[k]
            values[k] = profit / (widths[k] - profit)
    elif metric == ANNUAL:
        years = table[YEARS, start:]
        for k in range(size):
            profit = nets[k] + covered * widths[k]
            values[k] = profit / (widths[k] - profit) / max(years[k], YEARS_MIN)
    elif metric == DISTANCE:
        spot, levels = options[4], table[LEVEL, start:]
        here = spot if options[1] > 0.5 else -spot
        for k in range(size):
            values[k] = sign * (levels[k] + abs(nets[k]) - here) / spot
    elif metric in (LOW_LEVEL, HIGH_LEVEL):
        levels = table[LEVEL, start:]
        for k in range(size):
            values[k] = abs(levels[k] + abs(nets[k]))
    elif metric == LEGS_BID_ASK:
        nearer, further = table[BID_ASK, start:], table[BID_ASK, far:]
        for k in range(size):
            values[k] = (nearer[k] + further[k]) / widths[k]
    elif metric in (EXPECTED, EXPECTED_RETURN):
        nearer, further = table[PAID, start:], table[PAID, far:]
        for k in range(size):
            mean = nets[k] - sign * (further[k] - nearer[k])
            loss = widths[k] - (nets[k] + covered * widths[k])
            values[k] = mean * shares[k] if metric == EXPECTED else mean / loss
    else:
        nearer, further = table[DELTA + metric - DELTAS, start:], table[DELTA + metric - DELTAS, far:]
        for k in range(size):
            values[k] = sign * (further[k] - nearer[k])


@compiled
def _add_term(table, span, options, work, term):  # type: ignore[no-untyped-def]
    """Add a term other than the probability, which is added only where it can matter."""
    _measure(table, span, options, work, int(term[0]))
    scores, values = work[_SCORE], work[_METRIC]
    worst, scale, weight = term[1], term[2], term[3]
    for k in range(span[1]):
        share = (values[k] - worst) * scale
        share = share if share > 0.0 else 0.0
        share = share if share < 1.0 else 1.0
        scores[k] = scores[k] + weight * share if scores[k] >= 0.0 else -1.0


@compiled
def _pick(size, work, bar, picked):  # type: ignore[no-untyped-def]
    """Write who is in with a score of at least `bar`; return how many. Runs without any are skipped."""
    scores, bar = work[_SCORE], max(bar, 0.0)
    count = 0
    for start in range(0, size, RUN):
        hits = 0.0
        for k in range(start, start + RUN):
            hits += 1.0 if scores[k] >= bar else 0.0
        if hits > 0.0:
            for k in range(start, min(start + RUN, size)):
                picked[count] = k
                count += scores[k] >= bar
    return count


@inline
def _may_reach(table, start, k, options, work, terms, threshold):  # type: ignore[no-untyped-def]
    """Return whether the score can reach the threshold with the most that the probability can be."""
    bound = work[_SCORE, k] + 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
            away = abs(work[_NET, k])
            if (options[0] > 0.5) == (scale > 0.0):  # the more likely to end short, the better
                short = table[CHANCE_MAX, node_after(table, start + k, away)]
            else:
                short = table[CHANCE_MIN, node_before(table, start + k, away)]
            bound += weight * share_of(short if options[0] > 0.5 else 1.0 - short, worst, scale)
    return bound >= threshold


@inline
def _reaches(table, start, k, options, work, terms, threshold):  # type: ignore[no-untyped-def]
    """Add the term of the probability, nearly; return whether the score may reach the threshold.

    The score that is left in `work` is none too high, so that it may raise the threshold.
    """
    score, margin = work[_SCORE, k], 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
            margin += NEAR_ERROR * weight * abs(scale)
            deviate = deviate_near(table, start + k, abs(work[_NET, k]), options[1] > 0.5)
            chance = chance_near(deviate if options[0] > 0.5 else -deviate)
            score += weight * share_of(chance, worst, scale)
    work[_SCORE, k] = score - margin
    return score >= threshold - margin
