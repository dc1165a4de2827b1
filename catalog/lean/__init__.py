"""Reads QuantConnect Lean's equity zips."""
