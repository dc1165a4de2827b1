"""The pairs of a leg table in compiled loops; imported only on request, needs numba.

Filters, counts and scores are those of `scanner.building`, `position_filters` and `ranking`, term by term,
and a test holds the results together. What can be among the best is handed on, a few
hundred pairs, and measured again by the NumPy code: a candidate's numbers do not depend on the engine.

Loops run over all pairs at one distance in the table, one for each metric: fused they are not vectorised.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_compile = njit(cache=True, fastmath={"contract", "nsz", "arcp", "reassoc"}, error_model="numpy")

SELL, BUY, LEVEL, BID_ASK, STRIKE, DEVIATE, DEPTH, YEARS, MULTIPLIER = range(9)
DELTA, GAMMA, THETA, VEGA, PAID, RISE_MOST, RISE_LEAST, SECOND = range(9, 17)
COLUMNS = 17
"""Rows of the kernel's input, one for each column of the leg table."""

(WIDTH, CREDIT, DEBIT, CREDIT_TO_WIDTH, MAX_PROFIT, MAX_LOSS, RETURN, ANNUAL, DISTANCE, LEGS_BID_ASK) = range(
    10
)
(DELTAS, GAMMAS, THETAS, VEGAS, PROBABILITY, EXPECTED, EXPECTED_RETURN) = range(10, 17)
"""Metrics by their place in `PositionFilter`."""

_ROOT_HALF = math.sqrt(0.5)
_WIDTH, _NET, _PROFIT, _LOSS, _ALIVE, _METRIC, _SCORE = range(7)


@_compile
def scan_pairs(table, last, first_ok, options, filters, terms, best):  # type: ignore[no-untyped-def]
    """Return first and second legs that may be among the best, and counts.

    `table` has the shape `(COLUMNS, n)`, `last` is the last leg of each leg's expiry, `options` are credit (1
    or 0), call (1 or 0), lowest and highest width, spot; `filters` rows are metric, low, high; `terms` rows
    are metric, worst, 1 / (best - worst), weight. `best` are the scores to beat so far, ascending, as many as
    are wanted; they are updated. Counts are: narrow pairs, sound pairs, then what each filter left.
    """
    n = last.size
    counts = np.zeros(2 + filters.shape[0], dtype=np.int64)
    found_first, found_second = np.empty(4096, np.int64), np.empty(4096, np.int64)
    found = 0
    work, picked = np.empty((7, n)), np.empty(n, np.int64)
    outstanding = 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) == PROBABILITY:
            outstanding += terms[t, 3]
    for distance in range(1, n):
        size = n - distance
        narrow, left = _pair(table, last, first_ok, distance, options, work)
        if narrow == 0:
            break
        counts[0] += left
        left = _sound(size, options[0] > 0.5, work)
        counts[1] += left
        for f in range(filters.shape[0]):
            if left > 0:
                left = _filter(table, distance, options, work, last, filters[f])
                counts[2 + f] += left
        if left == 0:
            continue
        _score(table, distance, options, work, terms)
        for place in range(_pick(size, work, best[0] - outstanding, picked)):
            i = picked[place]
            if _reaches(table, i, options, work, last, terms, best[0]):
                _insert(best, work[_SCORE, i])
                if found == found_first.size:
                    found_first = _grown(found_first)
                    found_second = _grown(found_second)
                found_first[found] = i
                found_second[found] = i + distance
                found += 1
    return found_first[:found], found_second[:found], counts


@_compile
def _pair(table, last, first_ok, distance, options, work):  # type: ignore[no-untyped-def]
    """Write nets, widths and who is alive; return how many are not too wide, and how many alive."""
    size = last.size - distance
    nets, widths, lives = work[_NET], work[_WIDTH], work[_ALIVE]
    levels, levels_beyond = table[LEVEL], table[LEVEL, distance:]
    if options[0] > 0.5:
        sold, bought = table[SELL], table[BUY, distance:]
    else:
        sold, bought = table[SELL, distance:], table[BUY]
    for k in range(size):
        nets[k] = sold[k] - bought[k]
    second, low, high = table[SECOND, distance:], options[2], options[3]
    narrow, left = 0.0, 0.0
    for k in range(size):
        width = levels_beyond[k] - levels[k]
        fits = 1.0 if (k + distance <= last[k]) & (width <= high) else 0.0
        alive = fits * first_ok[k] * second[k] if width >= low else 0.0
        widths[k] = width
        lives[k] = alive
        narrow += fits
        left += alive
    return int(narrow), int(left)


@_compile
def _sound(size, is_credit, work):  # type: ignore[no-untyped-def]
    nets, widths, lives = work[_NET], work[_WIDTH], work[_ALIVE]
    profits, losses = work[_PROFIT], work[_LOSS]
    covered = 0.0 if is_credit else 1.0
    total = 0.0
    for k in range(size):
        profit = nets[k] + covered * widths[k]
        loss = widths[k] - profit
        profits[k] = profit
        losses[k] = loss
        alive = lives[k] if (profit > 0.0) & (loss > 0.0) else 0.0
        lives[k] = alive
        total += alive
    return int(total)


@_compile
def _filter(table, distance, options, work, last, row):  # type: ignore[no-untyped-def]
    metric, low, high = int(row[0]), row[1], row[2]
    if metric == PROBABILITY:
        return _filter_probability(table, distance, options, work, last, low, high)
    _measure(table, distance, options, work, metric)
    values, lives = work[_METRIC], work[_ALIVE]
    total = 0.0
    for k in range(last.size - distance):
        alive = lives[k] if (values[k] >= low) & (values[k] <= high) else 0.0
        lives[k] = alive
        total += alive
    return int(total)


@_compile
def _filter_probability(table, distance, options, work, last, low, high):  # type: ignore[no-untyped-def]
    """`low` and `high` are normal deviates of ending short of the breakeven."""
    total = 0.0
    for k in range(last.size - distance):
        if work[_ALIVE, k] > 0.0:
            deviate = _deviate_at(table, k, abs(work[_NET, k]), options, last)
            if not (low <= deviate <= high):
                work[_ALIVE, k] = 0.0
        total += work[_ALIVE, k]
    return int(total)


@_compile
def _measure(table, distance, options, work, metric):  # type: ignore[no-untyped-def]
    values, nets, widths = work[_METRIC], work[_NET], work[_WIDTH]
    profits, losses, shares = work[_PROFIT], work[_LOSS], table[MULTIPLIER]
    size, sign = table.shape[1] - distance, 1.0 if options[0] > 0.5 else -1.0
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
            values[k] = profits[k] / losses[k] / max(years[k], 1.0 / (365.0 * 24.0))
    elif metric == DISTANCE:
        spot, levels = options[4], table[LEVEL]
        here = spot if options[1] > 0.5 else -spot
        for k in range(size):
            values[k] = sign * (levels[k] + abs(nets[k]) - here) / spot
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


@_compile
def _score(table, distance, options, work, terms):  # type: ignore[no-untyped-def]
    """Sum all terms but the probability, which is added only where it can matter."""
    size = table.shape[1] - distance
    scores, values = work[_SCORE], work[_METRIC]
    scores[:size] = 0.0
    for t in range(terms.shape[0]):
        metric, worst, scale, weight = int(terms[t, 0]), terms[t, 1], terms[t, 2], terms[t, 3]
        if metric == PROBABILITY:
            continue
        _measure(table, distance, options, work, metric)
        for k in range(size):
            share = (values[k] - worst) * scale
            share = share if share > 0.0 else 0.0
            share = share if share < 1.0 else 1.0
            scores[k] += weight * share


@_compile
def _pick(size, work, bar, picked):  # type: ignore[no-untyped-def]
    """Write who is alive with a score of at least `bar`, without a branch; return how many."""
    lives, scores = work[_ALIVE], work[_SCORE]
    count = 0
    for i in range(size):
        picked[count] = i
        count += (lives[i] > 0.0) & (scores[i] >= bar)
    return count


@_compile
def _reaches(table, i, options, work, last, terms, threshold):  # type: ignore[no-untyped-def]
    """Add the term of the probability, bounded first; return whether the score reaches the threshold."""
    score = work[_SCORE, i]
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) != PROBABILITY:
            continue
        worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
        if score + weight < threshold - 1e-9:
            return False
        distance = abs(work[_NET, i])
        if scale > 0.0:
            bound = _chance_at_most(table, i, distance, options)
            if score + weight * min(max((bound - worst) * scale, 0.0), 1.0) < threshold - 1e-9:
                return False
        deviate = _deviate_at(table, i, distance, options, last)
        deviate = deviate if options[0] > 0.5 else -deviate
        chance = 0.5 * math.erfc(-deviate * _ROOT_HALF)
        score += weight * min(max((chance - worst) * scale, 0.0), 1.0)
    work[_SCORE, i] = score
    return score >= threshold - 1e-9


@_compile
def _chance_at_most(table, i, distance, options):  # type: ignore[no-untyped-def]
    share = distance / table[STRIKE, i]
    is_call = options[1] > 0.5
    most = share if is_call else share / (1.0 - share)
    if options[0] > 0.5:
        deviate = table[DEVIATE, i] + most * table[RISE_MOST, i]
    else:
        least = share / (1.0 + share) if is_call else share
        rise = table[RISE_LEAST, i]
        deviate = -(table[DEVIATE, i] + (least if rise > 0.0 else most) * rise)
    half = 0.5 * math.sqrt(1.0 - math.exp(deviate * deviate * (-2.0 / math.pi)))
    return 0.5032 + (half if deviate > 0.0 else -half)


@_compile
def _deviate_at(table, i, distance, options, last):  # type: ignore[no-untyped-def]
    """As `Smile.at`: the line between the two strikes around the price at `distance`."""
    price = abs(table[LEVEL, i] + distance)
    depth = math.log(price) if options[1] > 0.5 else -math.log(price)
    low, high = i, last[i]
    while high - low > 1:
        middle = (low + high) // 2
        if table[DEPTH, middle] <= depth:
            low = middle
        else:
            high = middle
    share = (depth - table[DEPTH, low]) / (table[DEPTH, high] - table[DEPTH, low])
    return table[DEVIATE, low] + share * (table[DEVIATE, high] - table[DEVIATE, low])


@_compile
def _insert(best, score):  # type: ignore[no-untyped-def]
    """Put a score into the ascending `best`, whose lowest goes."""
    if score <= best[0]:
        return
    low, high = 0, best.size
    while low < high:
        middle = (low + high) // 2
        if best[middle] < score:
            low = middle + 1
        else:
            high = middle
    for k in range(low - 1):
        best[k] = best[k + 1]
    best[low - 1] = score


@_compile
def _grown(values):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * values.size, values.dtype)
    longer[: values.size] = values
    return longer
