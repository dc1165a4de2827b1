"""Writes docs/risk-rules.md from the rules, the limits and IB's rule book.

Run `uv run python -m risk.rules_page > docs/risk-rules.md`; a test holds that the page is current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from market.time import NS_PER_MINUTE, NS_PER_SECOND
from risk.account import RUNAWAY_MULTIPLE
from risk.closings import MAX_CONCESSION_DOUBLINGS
from risk.flatten import MAX_ROUNDS, PATIENCE_ROUNDS
from risk.ib_rule_book import AT_CLOSE_CUTOFF_NS, AT_OPEN_CUTOFF_NS, MAX_LEGS
from risk.limits import describe_fields
from risk.nautilus_kill_switch import REPEAT_NS, REPEATS_TOLD, REST_NS, ROUND_NS
from risk.nautilus_refusals import MAX_NESTED_REFUSALS
from risk.option_loss import MAX_ORDERS_COMBINED
from risk.other_refusals import IB_REFUSALS, OTHER_REFUSALS
from risk.reading_filter import READINGS_TO_HALT
from risk.reservation import MAX_PENDING_CHANGES
from risk.rules import ALL_RULES
from risk.sent_intents import MAX_REMEMBERED

_HEAD = """# Risk rules

This page is generated from `risk/rules/`, `risk/limits.py`, `risk/ib_rule_book.py` and
`risk/other_refusals.py` (`uv run python -m risk.rules_page > docs/risk-rules.md`).

Every command to a venue passes one gate, in a backtest, in the simulator and live, whoever sent it.
The gate asks in this order:

1. **IB's rule book** (below): an order that Interactive Brokers would refuse is refused with IB's code.
2. **Does it only lower risk?** Cancels always pass. So do orders that only close what is held, however
   large, and modifications that only take away. An option order closes only when it leaves no short
   option without its cover.
3. **The rules** (below), about everything else. The first that objects refuses; a rule that fails, or
   whose data is missing, refuses.

Positions and working orders count together, each order at its worst, from the moment it is approved
until the broker has said how it ended. Spreads count through their legs. Two strategies share one
account: their positions never net against each other in a limit. Refusals reach the strategy as
`OrderDenied` or `OrderModifyRejected` with the rule, the value and the limit; `harvester risk explain`
groups them. Why it is built so, and what shows that it works: [the risk gate](concepts/risk-gate.md);
how to add a rule: [write a rule](how-to/write-a-rule.md).
"""

_BREAKER = """
## The breaker

| state | what passes | how it ends |
|---|---|---|
| RUNNING | everything within the limits | a trigger or a person |
| SAFE_MODE | cancels and closing orders | by itself, when its last cause is gone |
| HALT | cancels and closing orders; what could open is canceled | only a named person with a reason |

A node starts in SAFE_MODE until positions and orders are reconciled; a HALT survives a restart.

| trigger | leads to | and |
|---|---|---|
| daily loss, daily drawdown | HALT | closes everything, until it is flat |
| open loss of one symbol | a pause of the symbol | closes the symbol, until it is flat |
| losses in a row | a pause of openings | - |
| rejects by the broker, by IB's rule book or by `order_rate`, together | HALT | - |
| orders far above the rate, or sent in answer to refusals | HALT | - |
| cancels and replaces above their rate | SAFE_MODE until they are half as many | - |
| silence of the market data | SAFE_MODE until data arrives | - |
| something held without a sound quote | SAFE_MODE until it has one | - |
| something held or working that no limit can count | SAFE_MODE until it is gone or can be read | - |
| lost connection | SAFE_MODE until reconciled again | - |
| recorder failure (the journal cannot be written) | HALT | - |
| positions that differ from Nautilus' | HALT | - |
| breaker file damaged or not writable | HALT | - |
| a command or an event that could not be booked (`gate_fault`) | HALT | - |

A measured value (a loss, a difference) acts after three readings in a row,
`halt_reading_interval_ms` apart, or at once when executions confirm it. Every reading beyond its limit
is recorded with its inputs. Runbooks: [RUNNING](runbooks/running.md),
[SAFE_MODE](runbooks/safe-mode.md), [HALT](runbooks/halt.md).
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *_rules(), *_limits(), _BREAKER, *_rule_book(), *_others(), *_bounds()]) + "\n"


def _rules() -> Iterator[str]:
    yield "## Rules\n"
    yield "| rule | what it compares | guards against | asked about | keys in the profile |"
    yield "|---|---|---|---|---|"
    for rule in ALL_RULES:
        asked = {"all": "all orders"}.get(rule.applies_to, rule.applies_to)
        yield _row(f"`{rule.name}`", rule.what, rule.guards, asked, _keys(rule.keys))
    yield ""


def _limits() -> Iterator[str]:
    yield "## Limits\n"
    yield "Keys of a profile's `[risk]` section. None has a default; options need `[risk.options]`.\n"
    yield "| key | unit | allowed | guards against |"
    yield "|---|---|---|---|"
    for each in describe_fields():
        yield _row(f"`{each.key}`", each.unit, each.allowed, each.guards)


def _rule_book() -> Iterator[str]:
    yield "## Interactive Brokers' rule book\n"
    yield "| row | IB code | IB's text |"
    yield "|---|---|---|"
    for row in IB_REFUSALS:
        stricter = " (stricter: IB would accept the order, or change it)" if row.is_stricter else ""
        yield _row(f"`{row.name}`", str(row.ib_code), f"{row.text}{stricter}")


def _others() -> Iterator[str]:
    yield "\n## Other refusals\n"
    yield "No limit in the profile moves these. `harvester risk explain` names them beside the rules.\n"
    yield "| name | what was refused |"
    yield "|---|---|"
    for name, what in OTHER_REFUSALS.items():
        yield _row(f"`{name}`", what)


def _bounds() -> Iterator[str]:
    yield "\n## Fixed bounds\n"
    yield "Numbers of the gate that no profile changes.\n"
    yield "| bound | value | beyond it |"
    yield "|---|---|---|"
    for row in _BOUNDS:
        yield _row(*row)


_RUNAWAY = f"{RUNAWAY_MULTIPLE} times `risk.max_orders_per_second`"
_BOUNDS = (
    ("orders tried within a second, refused ones too", _RUNAWAY, "HALT by `runaway`"),
    (
        "refusals inside refusals: each denial answered with an order",
        str(MAX_NESTED_REFUSALS),
        "HALT by `runaway`",
    ),
    ("readings in a row that make a measured value act", str(READINGS_TO_HALT), "HALT or a flattening"),
    ("modifications of one order without an answer", str(MAX_PENDING_CHANGES), "`pending_changes` refuses"),
    (
        "rounds of a flattening",
        f"{MAX_ROUNDS}, {ROUND_NS // NS_PER_SECOND} s apart",
        f"NOT FLAT is told, with what is left; it begins again after {REST_NS // NS_PER_SECOND} s",
    ),
    (
        "rounds that a position waits for the cancel of its orders",
        str(PATIENCE_ROUNDS),
        "it is closed beside them, as far as they leave it open",
    ),
    (
        "cancels in HALT of what could open, unanswered",
        f"{REPEATS_TOLD}, {REPEAT_NS // NS_PER_SECOND} s apart",
        "NOT CANCELED is told; they go on",
    ),
    (
        "ticks that a closing option order gives way, doubled round by round",
        str(2**MAX_CONCESSION_DOUBLINGS),
        "it gives way no further",
    ),
    ("legs of a spread", str(MAX_LEGS), "`ib_combination` refuses"),
    (
        "option orders of one strategy and underlying whose every subset is tried",
        str(MAX_ORDERS_COMBINED),
        "their losses are added: never less, often more",
    ),
    ("decisions and order ids remembered", f"{MAX_REMEMBERED:,}", "the oldest tenth is forgotten"),
    (
        "orders for the opening auction",
        f"until {AT_OPEN_CUTOFF_NS // NS_PER_MINUTE} minutes before the open",
        "`ib_auction` refuses",
    ),
    (
        "orders for the closing auction",
        f"until {AT_CLOSE_CUTOFF_NS // NS_PER_MINUTE} minutes before the close",
        "`ib_auction` refuses",
    ),
)


def _keys(keys: tuple[str, ...]) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "-"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '\\|') for cell in cells)} |"


if __name__ == "__main__":  # pragma: no cover - a test calls page()
    sys.stdout.write(page())
