"""Option prices, implied volatilities and greeks over NumPy arrays."""
