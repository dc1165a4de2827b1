"""Harvester: takes a few basis points where the queue, the order flow and the price agree."""
