"""Strategies: pure decisions, the pure lifecycle of their orders, and one thin Nautilus shell."""
