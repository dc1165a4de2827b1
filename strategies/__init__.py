"""Trading strategies: decisions as pure functions, run by thin Nautilus shells."""
