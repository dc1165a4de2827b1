"""Asks every rule about an intent and returns the verdict; a rule that raises refuses."""

from __future__ import annotations

from collections.abc import Callable

from risk.decision import Approved, Decision, Refused
from risk.first_objector import first_objector
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
        self._stock_rules = tuple(rule for rule in rules if rule.applies_to != "options")
        self._option_rules = tuple(rule for rule in rules if rule.applies_to != "stocks")
        self._objector_to_stock = _first_objector(self._stock_rules)
        self._objector_to_option = _first_objector(self._option_rules)

    def decide(self, intent: OrderIntent, snapshot: Snapshot) -> Decision[OrderIntent]:
        """Return `Approved` when no rule objects, else the first rule's `Refused`.

        Asked only about orders that could add risk: what merely reduces passes without it.
        """
        is_stock = intent.terms.kind == "stock"
        objector = self._objector_to_stock if is_stock else self._objector_to_option
        try:
            if objector(intent, snapshot, self.limits) is None:
                return Approved(intent)
        except Exception:  # noqa: BLE001, S110 - the border where a broken rule refuses; it is named below
            pass
        return self._refusal(self._stock_rules if is_stock else self._option_rules, intent, snapshot)

    def _refusal(self, rules: tuple[Rule, ...], intent: OrderIntent, snapshot: Snapshot) -> Refused:
        """Ask one by one, to say why the first that objects does."""
        for rule in rules:
            try:
                breach = rule.check(intent, snapshot, self.limits)
            except Exception as error:  # noqa: BLE001 - as above
                return _broken(rule.name, f"{type(error).__name__}: {error}")
            if breach is not None:
                return Refused(rule=rule.name, value=breach.value, limit=breach.limit, advice=breach.advice)
        return _broken("policy", "a rule objected, and did not when asked again")


def _first_objector(rules: tuple[Rule, ...]) -> Callable[[OrderIntent, Snapshot, RiskLimits], Rule | None]:
    return first_objector(rules, [rule.check for rule in rules], "intent, snapshot, limits")


def _broken(rule: str, value: str) -> Refused:
    return Refused(
        rule=rule,
        value=value,
        limit="a rule that works",
        advice="A rule that fails refuses; report it with this text.",
    )
