"""The control channel: JSON lines on a port of its own, and a Python client for tests."""
