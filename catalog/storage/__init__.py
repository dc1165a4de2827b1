"""Writes Nautilus' Parquet layout in transactions: staged, recorded, published."""
