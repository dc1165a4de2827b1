"""The `harvester` command: one table of lazily imported commands."""
