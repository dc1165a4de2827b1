"""Backtests assembled from a profile: node, fees, latency, results and report."""
