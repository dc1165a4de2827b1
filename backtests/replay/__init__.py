"""Replays recorded runs and days: the same decisions, or the first difference and why it is one."""
