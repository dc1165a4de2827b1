"""What happened, as records: pure event types that every run writes and every review reads."""
