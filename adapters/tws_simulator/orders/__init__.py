"""Orders of the simulated TWS: rules as pure modules, one desk that acts on them."""
