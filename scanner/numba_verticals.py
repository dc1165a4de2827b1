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

from market.pricing.european import cumulative

_FAST = {"contract", "nsz", "arcp", "reassoc"}
_inline = njit(inline="always", fastmath=_FAST, error_model="numpy")
"""For what is called once a pair: handing five arrays to a function costs more than what it computes."""
_compile = njit(cache=True, fastmath=_FAST, error_model="numpy")

SELL, BUY, LEVEL, BID_ASK, STRIKE, DEVIATE, DEPTH, YEARS, MULTIPLIER = range(9)
DELTA, GAMMA, THETA, VEGA, PAID, SECOND = range(9, 15)
COLUMNS = 15
"""Rows of the kernel's input, one for each column of the leg table."""

(WIDTH, CREDIT, DEBIT, CREDIT_TO_WIDTH, MAX_PROFIT, MAX_LOSS, RETURN, ANNUAL, DISTANCE, LEGS_BID_ASK) = range(
    10
)
(DELTAS, GAMMAS, THETAS, VEGAS, PROBABILITY, EXPECTED, EXPECTED_RETURN) = range(10, 17)
"""Metrics by their place in `PositionFilter`."""

_TABLE_END, _TABLE_STEPS = 8.0, 128.0
_TABLE = cumulative(np.arange(-_TABLE_END, _TABLE_END + 1 / _TABLE_STEPS, 1 / _TABLE_STEPS))
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


@_inline
def _reaches(table, i, options, work, last, terms, threshold):  # type: ignore[no-untyped-def]
    """Add the term of the probability, nearly; return whether the score may reach the threshold.

    The score that is left in `work` is none too high, so that it may raise the threshold.
    """
    score, margin = work[_SCORE, i], 1e-9
    for t in range(terms.shape[0]):
        if int(terms[t, 0]) != PROBABILITY:
            continue
        worst, scale, weight = terms[t, 1], terms[t, 2], terms[t, 3]
        margin += 2e-5 * weight * abs(scale)
        if score + weight < threshold - margin:
            return False
        deviate = _deviate_near(table, i, abs(work[_NET, i]), options, last)
        chance = _chance_near(deviate if options[0] > 0.5 else -deviate)
        score += weight * min(max((chance - worst) * scale, 0.0), 1.0)
    work[_SCORE, i] = score - margin
    return score >= threshold - margin


@_inline
def _chance_near(deviate):  # type: ignore[no-untyped-def]
    """Normal distribution function off by less than 2e-6: linear between the entries of a table."""
    place = (deviate + _TABLE_END) * _TABLE_STEPS
    if place <= 0.0:
        return 0.0
    if place >= _TABLE.size - 1:
        return 1.0
    left = int(place)
    return _TABLE[left] + (place - left) * (_TABLE[left + 1] - _TABLE[left])


@_inline
def _deviate_near(table, i, distance, options, last):  # type: ignore[no-untyped-def]
    """As `_deviate_at`, with a series for the logarithm where strikes lie close."""
    level = table[LEVEL, i] + distance
    low = _strike_before(table, i, distance, last)
    ahead = (level - table[LEVEL, low]) / table[LEVEL, low]
    if abs(ahead) > 0.05:
        return _deviate_at(table, i, distance, options, last)
    run = ahead * (1.0 - ahead * (0.5 - ahead * (1.0 / 3.0 - ahead * 0.25)))
    run = run if options[1] > 0.5 else -run
    share = run / (table[DEPTH, low + 1] - table[DEPTH, low])
    return table[DEVIATE, low] + share * (table[DEVIATE, low + 1] - table[DEVIATE, low])


@_inline
def _strike_before(table, i, distance, last):  # type: ignore[no-untyped-def]
    """Return the last leg of the expiry before the level at `distance` that has one after it."""
    level = table[LEVEL, i] + distance
    # Strikes are mostly evenly spaced: the first guess is right, or nearly.
    low = min(i + int(distance / (table[LEVEL, i + 1] - table[LEVEL, i])), last[i] - 1)
    while low > i and table[LEVEL, low] > level:
        low -= 1
    while low < last[i] - 1 and table[LEVEL, low + 1] <= level:
        low += 1
    return low


@_inline
def _deviate_at(table, i, distance, options, last):  # type: ignore[no-untyped-def]
    """As `Smile.at`: the line between the two strikes around the price at `distance`."""
    level = table[LEVEL, i] + distance
    depth = math.log(level) if options[1] > 0.5 else -math.log(-level)
    low = _strike_before(table, i, distance, last)
    high = low + 1
    share = (depth - table[DEPTH, low]) / (table[DEPTH, high] - table[DEPTH, low])
    return table[DEVIATE, low] + share * (table[DEVIATE, high] - table[DEVIATE, low])


@_inline
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
