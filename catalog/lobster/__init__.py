"""Reads LOBSTER / TotalView message and order book files."""
