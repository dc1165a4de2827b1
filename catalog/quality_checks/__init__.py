"""What can be wrong with stored market data: one family of checks a file."""
