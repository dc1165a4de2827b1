"""The parts of the seeded synthetic market: price, quotes, trades, depth."""
