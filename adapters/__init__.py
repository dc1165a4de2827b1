"""What speaks to the world outside: Interactive Brokers, its simulator, alerts, the control link."""
