"""Option candidates from a chain: filters, spreads, ranking, and why each was dropped. Pure."""
