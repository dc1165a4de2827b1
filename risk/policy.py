"""Asks every rule about an intent and returns the verdict; a rule that raises refuses."""

from __future__ import annotations

from risk.decision import Approved, Decision, Refused
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules import ALL_RULES
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


class Policy:
    """The rules under one set of limits. `rules` is for tests; a node runs all of them."""

    def __init__(self, limits: RiskLimits, *, rules: tuple[Rule, ...] = ALL_RULES) -> None:
        self.limits = limits
        self.rules = rules
        self._stock_rules = tuple((each, each.check) for each in rules if each.applies_to != "options")
        self._option_rules = tuple((each, each.check) for each in rules if each.applies_to != "stocks")

    def decide(self, intent: OrderIntent, snapshot: Snapshot) -> Decision[OrderIntent]:
        """Return `Approved` when no rule objects, else the first rule's `Refused`.

        Asked only about orders that could add risk: what merely reduces passes without it.
        """
        limits = self.limits
        for rule, check in self._stock_rules if intent.terms.kind == "stock" else self._option_rules:
            try:
                breach = check(intent, snapshot, limits)
            except Exception as error:  # noqa: BLE001 - the border where a broken rule refuses
                return Refused(
                    rule=rule.name,
                    value=f"{type(error).__name__}: {error}",
                    limit="a rule that works",
                    advice="A rule that fails refuses; report it with this text.",
                )
            if breach is not None:
                return Refused(rule=rule.name, value=breach.value, limit=breach.limit, advice=breach.advice)
        return Approved(intent)
