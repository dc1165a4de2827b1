"""What a quality check is: its name, how grave its findings are, what they mean and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is, gravest first."""

    ERROR = "error"  # a backtest on this data goes wrong: mend it first
    WARNING = "warning"  # a backtest runs and may mislead: look at it
    INFO = "info"  # a fact about the data that is worth knowing


@dataclass(frozen=True, slots=True)
class Check:
    """One check; `meaning` and `remedy` are whole sentences for the reader of a report."""

    name: str
    severity: Severity
    meaning: str
    remedy: str
