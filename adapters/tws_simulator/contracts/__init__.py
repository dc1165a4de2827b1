"""What can be traded: listings, contract details, option chains, market rules, trading hours."""
