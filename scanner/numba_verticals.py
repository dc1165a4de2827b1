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
    AFTER,
    ANNUAL,
    BID_ASK,
    BUY,
    CREDIT,
    CREDIT_TO_WIDTH,
    DEBIT,
    DELTA,
    DELTAS,
    DISTANCE,
    EXPECTED,
    EXPECTED_RETURN,
    FIRST,
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
    RETURN,
    SECOND,
    SELL,
    WIDTH,
    YEARS,
    YEARS_MIN,
    chance_near,
    compiled,
    deviate_at,
    deviate_at_least,
    deviate_at_most,
    deviate_near,
    grown,
    inline,
    insert,
    share_of,
    write_bounds,
)

STRETCH = 2048
_WIDTH, _NET, _PROFIT, _LOSS, _ALIVE, _METRIC, _SCORE = range(7)


@compiled
def scan_pairs(table, options, filters, terms, best):  # type: ignore[no-untyped-def]
    """Return first and second legs that may be among the best, and counts.

    `table` has the shape `(COLUMNS, n)`; `options` are credit (1 or 0), call (1 or 0), lowest and highest
    width, spot; `filters` rows are metric, low, high; `terms` rows are metric, worst, 1 / (best - worst),
    weight. `best` are the scores to beat so far, ascending, as many as are wanted; they are updated. Counts
    are: narrow pairs, sound pairs, then what each filter left.
    """
    n = table.shape[1]
    counts = np.zeros(2 + filters.shape[0], dtype=np.int64)
    first, second = np.empty(4096, np.int64), np.empty(4096, np.int64)
    found = 0
    work, picked = np.empty((7, STRETCH)), np.empty(STRETCH, np.int64)
    outstanding = 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            outstanding += terms[t, 3]
    write_bounds(table)
    for start in range(0, n, STRETCH):
        legs = table[:, start:]
        for distance in range(1, n - start):
            size = min(STRETCH, n - start - distance)
            fits, narrow, left = _pair(legs, size, distance, options, work)
            if fits == 0:
                break
            counts[0] += narrow
            counts[1] += left
            for f in range(filters.shape[0]):
                if left > 0:
                    left = _filter(legs, size, distance, options, work, filters[f])
                    counts[2 + f] += left
            if left == 0:
                continue
            _score(legs, size, distance, options, work, terms)
            for place in range(_pick(size, work, best[0] - outstanding, picked)):
                k = picked[place]
                if _may_reach(legs, k, options, work, terms, best[0]) and _reaches(
                    legs, k, options, work, terms, best[0]
                ):
                    insert(best, work[_SCORE, k])
                    if found == first.size:
                        first, second = grown(first), grown(second)
                    first[found], second[found] = start + k, start + k + distance
                    found += 1
    return first[:found], second[:found], counts


@compiled
def _pair(table, size, distance, options, work):  # type: ignore[no-untyped-def]
    """Write what a pair is worth; return how many are not too wide, how many narrow, and how many sound."""
    nets, widths, lives = work[_NET], work[_WIDTH], work[_ALIVE]
    profits, losses = work[_PROFIT], work[_LOSS]
    levels, beyond, after = table[LEVEL], table[LEVEL, distance:], table[AFTER]
    is_first, is_second = table[FIRST], table[SECOND, distance:]
    sold, bought, covered = table[SELL], table[BUY, distance:], 0.0
    if options[0] < 0.5:
        sold, bought, covered = table[SELL, distance:], table[BUY], 1.0
    low, high, away = options[2], options[3], float(distance)
    all_fits, narrow, left = 0.0, 0.0, 0.0
    for k in range(size):
        net, width = sold[k] - bought[k], beyond[k] - levels[k]
        profit = net + covered * width
        loss = width - profit
        fits = 1.0 if (away <= after[k]) & (width <= high) else 0.0
        alive = fits * is_first[k] * is_second[k] if width >= low else 0.0
        is_sound = alive if (profit > 0.0) & (loss > 0.0) else 0.0
        nets[k] = net
        widths[k] = width
        profits[k] = profit
        losses[k] = loss
        lives[k] = is_sound
        all_fits += fits
        narrow += alive
        left += is_sound
    return int(all_fits), int(narrow), int(left)


@compiled
def _filter(table, size, distance, options, work, row):  # type: ignore[no-untyped-def]
    metric, low, high = int(row[0]), row[1], row[2]
    if metric == PROBABILITY:
        return _filter_probability(table, size, options, work, low, high)
    _measure(table, size, distance, options, work, metric)
    values, lives = work[_METRIC], work[_ALIVE]
    total = 0.0
    for k in range(size):
        alive = lives[k] if (values[k] >= low) & (values[k] <= high) else 0.0
        lives[k] = alive
        total += alive
    return int(total)


@compiled
def _filter_probability(table, size, options, work, low, high):  # type: ignore[no-untyped-def]
    """`low` and `high` are normal deviates of ending short of the breakeven."""
    total = 0
    for k in range(size):
        if work[_ALIVE, k] > 0.0:
            away = abs(work[_NET, k])
            at_least, at_most = deviate_at_least(table, k, away), deviate_at_most(table, k, away)
            passes = (low <= at_least) & (at_most <= high)
            if not passes and low <= at_most and at_least <= high:
                deviate = deviate_at(table, k, away, options[1] > 0.5)
                passes = (low <= deviate) & (deviate <= high)
            if passes:
                total += 1
            else:
                work[_ALIVE, k] = 0.0
    return total


@compiled
def _measure(table, size, distance, options, work, metric):  # type: ignore[no-untyped-def]
    values, nets, widths = work[_METRIC], work[_NET], work[_WIDTH]
    profits, losses, shares = work[_PROFIT], work[_LOSS], table[MULTIPLIER]
    sign = 1.0 if options[0] > 0.5 else -1.0
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
            values[k] = profits[k] * shares[k]
    elif metric == MAX_LOSS:
        for k in range(size):
            values[k] = losses[k] * shares[k]
    elif metric == RETURN:
        for k in range(size):
            values[k] = profits[k] / losses[k]
    elif metric == ANNUAL:
        years = table[YEARS]
        for k in range(size):
            values[k] = profits[k] / losses[k] / max(years[k], YEARS_MIN)
    elif metric == DISTANCE:
        spot, levels = options[4], table[LEVEL]
        here = spot if options[1] > 0.5 else -spot
        for k in range(size):
            values[k] = sign * (levels[k] + abs(nets[k]) - here) / spot
    elif metric in (LOW_LEVEL, HIGH_LEVEL):
        levels = table[LEVEL]
        for k in range(size):
            values[k] = abs(levels[k] + abs(nets[k]))
    elif metric == LEGS_BID_ASK:
        near, far = table[BID_ASK], table[BID_ASK, distance:]
        for k in range(size):
            values[k] = (near[k] + far[k]) / widths[k]
    elif metric in (EXPECTED, EXPECTED_RETURN):
        near, far = table[PAID], table[PAID, distance:]
        for k in range(size):
            mean = nets[k] - sign * (far[k] - near[k])
            values[k] = mean * shares[k] if metric == EXPECTED else mean / losses[k]
    else:
        near, far = table[DELTA + metric - DELTAS], table[DELTA + metric - DELTAS, distance:]
        for k in range(size):
            values[k] = sign * (far[k] - near[k])


@compiled
def _score(table, size, distance, options, work, terms):  # type: ignore[no-untyped-def]
    """Sum all terms but the probability, which is added only where it can matter."""
    scores, values = work[_SCORE], work[_METRIC]
    scores[:size] = 0.0
    for t in range(terms.shape[0]):
        metric, worst, scale, weight = int(terms[t, 0]), terms[t, 1], terms[t, 2], terms[t, 3]
        if metric == PROBABILITY:
            continue
        _measure(table, size, distance, options, work, metric)
        for k in range(size):
            share = (values[k] - worst) * scale
            share = share if share > 0.0 else 0.0
            share = share if share < 1.0 else 1.0
            scores[k] += weight * share


@compiled
def _pick(size, work, bar, picked):  # type: ignore[no-untyped-def]
    """Write who is alive with a score of at least `bar`, without a branch; return how many."""
    lives, scores = work[_ALIVE], work[_SCORE]
    count = 0
    for k in range(size):
        picked[count] = k
        count += (lives[k] > 0.0) & (scores[k] >= bar)
    return count


@inline
def _may_reach(table, k, options, work, terms, threshold):  # type: ignore[no-untyped-def]
    """Return whether the score can reach the threshold with the most that the probability can be."""
    bound, margin = work[_SCORE, k], 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
            margin += NEAR_ERROR * weight * abs(scale)
            away = abs(work[_NET, k])
            if (options[0] > 0.5) == (scale > 0.0):  # the more likely to end short, the better
                deviate = deviate_at_most(table, k, away)
            else:
                deviate = deviate_at_least(table, k, away)
            chance = chance_near(deviate if options[0] > 0.5 else -deviate)
            bound += weight * share_of(chance, worst, scale)
    return bound >= threshold - margin


@inline
def _reaches(table, k, options, work, terms, threshold):  # type: ignore[no-untyped-def]
    """Add the term of the probability, nearly; return whether the score may reach the threshold.

    The score that is left in `work` is none too high, so that it may raise the threshold.
    """
    score, margin = work[_SCORE, k], 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
            margin += NEAR_ERROR * weight * abs(scale)
            deviate = deviate_near(table, k, abs(work[_NET, k]), options[1] > 0.5)
            chance = chance_near(deviate if options[0] > 0.5 else -deviate)
            score += weight * share_of(chance, worst, scale)
    work[_SCORE, k] = score - margin
    return score >= threshold - margin
