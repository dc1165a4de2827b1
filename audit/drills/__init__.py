"""Rehearsals of a journal's incidents, run by `harvester drill` and by tests/drills; one per file."""
