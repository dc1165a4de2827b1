"""The backtest engine behind the gate that drills and tests share."""

from __future__ import annotations

from risk.drills.nautilus_rig import SMART, START_NS, Rig, Scripted, equity, quotes

__all__ = ["SMART", "START_NS", "Rig", "Scripted", "equity", "quotes"]
