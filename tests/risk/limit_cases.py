"""The limits that the tests of the risk folder share: those of the drills."""

from __future__ import annotations

from risk.drills.drill_limits import LIMITS, OPTION_LIMITS, SESSION_RULES, limits

__all__ = ["LIMITS", "OPTION_LIMITS", "SESSION_RULES", "limits"]
