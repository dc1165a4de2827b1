"""The accounts of the simulated TWS: ledger, margin, profit and loss, expiry."""
