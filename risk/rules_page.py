"""Writes docs/risk-rules.md from the rules, the limits and IB's rule book.

Run `uv run python -m risk.rules_page > docs/risk-rules.md`; a test holds that the page is current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from risk.ib_rule_book import DUPLICATE_ORDER_ID, FRACTIONAL, MODIFY_FINISHED, MODIFY_MISMATCH, RULE_BOOK
from risk.limits import describe_fields
from risk.rules import ALL_RULES

_HEAD = """# Risk rules

This page is generated from `risk/rules/`, `risk/limits.py` and `risk/ib_rule_book.py`
(`uv run python -m risk.rules_page > docs/risk-rules.md`).

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
groups them. Why it is built so, and what shows that it works: [the risk gate](concepts/risk-gate.md).
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
| daily loss, daily drawdown | HALT | closes everything |
| open loss of one symbol | a pause of the symbol | closes the symbol |
| losses in a row | a pause of openings | - |
| rejects by the broker or by IB's rules | HALT | - |
| orders far above the rate, or sent in answer to refusals | HALT | - |
| cancels and replaces above their rate | SAFE_MODE until they are half as many | - |
| silence of the market data | SAFE_MODE until data arrives | - |
| lost connection | SAFE_MODE until reconciled again | - |
| recorder failure (the journal cannot be written) | HALT | - |
| positions that differ from Nautilus' | HALT | - |
| breaker file damaged or not writable | HALT | - |

A measured value (a loss, a difference) acts after three readings in a row,
`halt_reading_interval_ms` apart, or at once when executions confirm it. Every reading beyond its limit
is recorded with its inputs. Runbooks: [RUNNING](runbooks/running.md),
[SAFE_MODE](runbooks/safe-mode.md), [HALT](runbooks/halt.md).
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *_rules(), *_limits(), _BREAKER, *_rule_book()]) + "\n"


def _rules() -> Iterator[str]:
    yield "## Rules\n"
    yield "| rule | guards against | asked about | limits |"
    yield "|---|---|---|---|"
    for rule in ALL_RULES:
        limits = ", ".join(f"`{key}`" for key in rule.limit_keys) or "-"
        asked = {"all": "all orders"}.get(rule.applies_to, rule.applies_to)
        yield f"| `{rule.name}` | {rule.guards} | {asked} | {limits} |"
    yield ""


def _limits() -> Iterator[str]:
    yield "## Limits\n"
    yield "Keys of a profile's `[risk]` section. None has a default; options need `[risk.options]`.\n"
    yield "| key | unit | allowed | guards against |"
    yield "|---|---|---|---|"
    for each in describe_fields():
        yield f"| `{each.key}` | {each.unit} | {each.allowed} | {each.guards} |"


def _rule_book() -> Iterator[str]:
    yield "## Interactive Brokers' rule book\n"
    yield "| row | IB code | IB's text |"
    yield "|---|---|---|"
    for row in RULE_BOOK:
        stricter = " (stricter: IB would accept and change the order)" if row.is_stricter else ""
        yield f"| `{row.name}` | {row.ib_code} | {row.text}{stricter} |"
    for name, code, text in (
        ("ib_fraction", FRACTIONAL, "This order doesn't support fractional quantity trading."),
        ("ib_modify", MODIFY_FINISHED, "Can't modify a filled order."),
        ("ib_modify_mismatch", MODIFY_MISMATCH, "Order being modified does not match original order."),
        ("ib_duplicate_id", DUPLICATE_ORDER_ID, "Duplicate order ID."),
    ):
        yield f"| `{name}` | {code} | {text} |"


if __name__ == "__main__":  # pragma: no cover - a test calls page()
    sys.stdout.write(page())
