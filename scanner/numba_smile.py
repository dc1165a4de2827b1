"""Chances at levels between strikes, for the compiled loops of `numba_verticals` and `numba_condors`.

A leg table is an array of shape `(COLUMNS, n)`, a row for each column. Positions look for the chance of
ending short of a level at `distance` beyond their first leg: exactly as `scanner.smile` does, nearly, or only
between which two values it lies, which costs two look-ups and no search.

numba does not see that a function called from another file has changed: touch those files after editing this.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from market.pricing.european import cumulative

FAST = {"contract", "nsz", "arcp", "reassoc"}
inline = njit(inline="always", fastmath=FAST, error_model="numpy")
"""For what is called once a pair: handing five arrays to a function costs more than what it computes."""
compiled = njit(cache=True, fastmath=FAST, error_model="numpy")

(SELL, BUY, LEVEL, BID_ASK, DEVIATE, DEPTH, YEARS, MULTIPLIER, REACH, SECOND_LEVEL) = range(10)
"""Of the table's rows. REACH: how many legs after one are narrow enough to be the second of a pair, 0 if it
may not be the first. SECOND_LEVEL: the level, minus infinity if the leg may not be the second."""
DELTA, GAMMA, THETA, VEGA, PAID = range(10, 15)
AFTER = 15
"""Legs of the same expiry after each leg."""
DEVIATE_MAX, DEVIATE_MIN = 16, 17
"""Largest deviate from the expiry's first leg to this one, smallest from this one to its last."""
STEPS_MAX, STEPS_MIN = 18, 19
"""1 over the smallest, and over the largest, distance of neighbours from this leg to the expiry's last."""
CHANCE_MAX, CHANCE_MIN = 20, 21
"""At least the chance of DEVIATE_MAX, at most that of DEVIATE_MIN."""
COLUMNS = 22

(WIDTH, CREDIT, DEBIT, CREDIT_TO_WIDTH, MAX_PROFIT, MAX_LOSS, RETURN, ANNUAL, DISTANCE) = range(9)
(LOW_LEVEL, HIGH_LEVEL, LEGS_BID_ASK, DELTAS, GAMMAS, THETAS, VEGAS) = range(9, 16)
(PROBABILITY, EXPECTED, EXPECTED_RETURN) = range(16, 19)
"""Metrics by their place in `PositionFilter`."""

YEARS_MIN = 1.0 / (365.0 * 24.0)
NEAR_ERROR = 4e-6
"""By which a chance that is computed nearly may be wrong."""

_STEPS_AT_MOST = 1e9  # of strikes that are the same, or without a neighbour
_TABLE_END, _TABLE_STEPS = 8.0, 128.0
_TABLE = cumulative(np.arange(-_TABLE_END, _TABLE_END + 1 / _TABLE_STEPS, 1 / _TABLE_STEPS))


@inline
def chance_near(deviate):  # type: ignore[no-untyped-def]
    """Normal distribution function off by less than 2e-6: linear between the entries of a table."""
    place = (deviate + _TABLE_END) * _TABLE_STEPS
    if place <= 0.0:
        return 0.0
    if place >= _TABLE.size - 1:
        return 1.0
    left = int(place)
    return _TABLE[left] + (place - left) * (_TABLE[left + 1] - _TABLE[left])


@compiled
def asks_for_chance(filters, terms):  # type: ignore[no-untyped-def]
    """Return whether any filter or term is about the probability, and bounds of it are of use."""
    asked = False
    for f in range(filters.shape[0]):
        asked |= int(filters[f, 0]) == PROBABILITY
    for t in range(terms.shape[0]):
        asked |= int(terms[t, 0]) == PROBABILITY
    return asked


@compiled
def write_bounds(table):  # type: ignore[no-untyped-def]
    """Fill the rows of the table that bound deviates, from its levels, deviates and ends of expiries."""
    n = table.shape[1]
    for k in range(n):
        starts = k == 0 or table[AFTER, k - 1] == 0.0
        table[DEVIATE_MAX, k] = table[DEVIATE, k]
        if not starts:
            table[DEVIATE_MAX, k] = max(table[DEVIATE_MAX, k - 1], table[DEVIATE, k])
    smallest, largest = np.inf, 0.0
    for k in range(n - 1, -1, -1):
        table[DEVIATE_MIN, k] = table[DEVIATE, k]
        if table[AFTER, k] > 0.0:
            step = table[LEVEL, k + 1] - table[LEVEL, k]
            smallest, largest = min(step, smallest), max(step, largest)
            table[DEVIATE_MIN, k] = min(table[DEVIATE_MIN, k + 1], table[DEVIATE, k])
        else:  # the last leg of an expiry
            smallest, largest = np.inf, 0.0
        table[CHANCE_MAX, k] = chance_near(table[DEVIATE_MAX, k]) + NEAR_ERROR
        table[CHANCE_MIN, k] = chance_near(table[DEVIATE_MIN, k]) - NEAR_ERROR
        table[STEPS_MAX, k] = min(1.0 / smallest, _STEPS_AT_MOST)
        table[STEPS_MIN, k] = min(1.0 / largest, _STEPS_AT_MOST)


@compiled
def write_reach(table, first_ok, second_ok, high):  # type: ignore[no-untyped-def]
    """Fill the rows of the table that tell which pairs are narrow, at most `high`, and in their roles."""
    n = table.shape[1]
    end = 0
    for k in range(n):
        table[SECOND_LEVEL, k] = table[LEVEL, k] if second_ok[k] else -np.inf
        end = max(end, k)
        last = k + int(table[AFTER, k])
        while end < last and table[LEVEL, end + 1] - table[LEVEL, k] <= high:
            end += 1
        table[REACH, k] = float(end - k) if first_ok[k] else 0.0


@inline
def node_after(table, i, distance):  # type: ignore[no-untyped-def]
    """Return a leg at or after the level at `distance` (within the expiry's legs) beyond leg `i`."""
    return i + min(int(distance * table[STEPS_MAX, i]) + 1, int(table[AFTER, i]))


@inline
def node_before(table, i, distance):  # type: ignore[no-untyped-def]
    """Return a leg at or before the level at `distance` (within the expiry's legs) beyond leg `i`."""
    return i + min(max(int(distance * table[STEPS_MIN, i]) - 1, 0), int(table[AFTER, i]))


@inline
def deviate_near(table, i, distance, is_call):  # type: ignore[no-untyped-def]
    """As `deviate_at`, with a series for the logarithm where strikes lie close."""
    level = table[LEVEL, i] + distance
    low = strike_before(table, i, distance)
    ahead = (level - table[LEVEL, low]) / table[LEVEL, low]
    if abs(ahead) > 0.05:
        return deviate_at(table, i, distance, is_call)
    run = ahead * (1.0 - ahead * (0.5 - ahead * (1.0 / 3.0 - ahead * 0.25)))
    run = run if is_call else -run
    share = run / (table[DEPTH, low + 1] - table[DEPTH, low])
    return table[DEVIATE, low] + share * (table[DEVIATE, low + 1] - table[DEVIATE, low])


@inline
def strike_before(table, i, distance):  # type: ignore[no-untyped-def]
    """Return the last leg of the expiry before the level at `distance` that has one after it."""
    level, end = table[LEVEL, i] + distance, i + int(table[AFTER, i]) - 1
    # Strikes are mostly evenly spaced: the first guess is right, or nearly.
    low = min(i + int(distance * table[STEPS_MAX, i]), end)
    while low > i and table[LEVEL, low] > level:
        low -= 1
    while low < end and table[LEVEL, low + 1] <= level:
        low += 1
    return low


@inline
def deviate_at(table, i, distance, is_call):  # type: ignore[no-untyped-def]
    """As `Smile.at`: the line between the two strikes around the price at `distance`."""
    level = table[LEVEL, i] + distance
    depth = math.log(level) if is_call else -math.log(-level)
    low = strike_before(table, i, distance)
    share = (depth - table[DEPTH, low]) / (table[DEPTH, low + 1] - table[DEPTH, low])
    return table[DEVIATE, low] + share * (table[DEVIATE, low + 1] - table[DEVIATE, low])


@inline
def insert(best, score):  # type: ignore[no-untyped-def]
    """Put a score into the ascending `best`, whose lowest goes."""
    if score > best[0]:
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


@inline
def share_of(value, worst, scale):  # type: ignore[no-untyped-def]
    """Return where a value lies between worst (0) and best (1)."""
    return min(max((value - worst) * scale, 0.0), 1.0)


@compiled
def grown(values):  # type: ignore[no-untyped-def]
    """Return a copy twice as long."""
    longer = np.empty(2 * values.size, values.dtype)
    longer[: values.size] = values
    return longer


@compiled
def write_fraction(metric, covered, shares, row):  # type: ignore[no-untyped-def]
    """Write what makes a metric a fraction of net and width; return whether it is one.

    Written are a, b, c, d and e of (a net + b width) / (c net + d width + e), over (0, 0, 0, 0, 1). The
    profit is net + `covered` * width; `shares` a contract are 0 where contracts differ.
    """
    known = True
    if metric == WIDTH:
        row[1] = 1.0
    elif metric == CREDIT:
        row[0] = 1.0
    elif metric == DEBIT:
        row[0] = -1.0
    elif metric == CREDIT_TO_WIDTH:
        row[0], row[3], row[4] = 1.0, 1.0, 0.0
    elif metric == RETURN:
        row[0], row[1], row[2], row[3], row[4] = 1.0, covered, -1.0, 1.0 - covered, 0.0
    elif metric == MAX_PROFIT and shares > 0.0:
        row[0], row[1] = shares, covered * shares
    elif metric == MAX_LOSS and shares > 0.0:
        row[0], row[1] = -shares, (1.0 - covered) * shares
    else:
        known = False
    return known


@compiled
def opening_of(covered, shares, filters, terms):  # type: ignore[no-untyped-def]
    """Return what the first pass does of the filters and terms, how many filters, and which term (-1: none).

    Metrics that are fractions of net and width need no pass of their own: the first two filters if they are,
    and the first such term. Rows are (a, b, c, d, e) of (a net + b width) / (c net + d width + e), then low
    and high, or worst, scale and weight. `covered` and `shares` are as for `write_fraction`.
    """
    opening = np.zeros((3, 8))
    opening[:, 4] = 1.0
    opening[:2, 5], opening[:2, 6] = -np.inf, np.inf
    filters_done, term_done = 0, -1
    for f in range(min(2, filters.shape[0])):
        if f == filters_done and write_fraction(int(filters[f, 0]), covered, shares, opening[f]):
            opening[f, 5], opening[f, 6] = filters[f, 1], filters[f, 2]
            filters_done += 1
    for t in range(terms.shape[0]):
        if term_done < 0 and write_fraction(int(terms[t, 0]), covered, shares, opening[2]):
            opening[2, 5:8] = terms[t, 1:4]
            term_done = t
    return opening, filters_done, term_done
