"""What every intraday strategy shares: parameters, the lifecycle of one symbol, records, the shell."""
