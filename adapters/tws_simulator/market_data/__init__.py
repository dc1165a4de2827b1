"""Prices and what clients see of them: lines, ticks, depth, greeks, history."""
