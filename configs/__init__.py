"""Profiles and universes: the only reader of settings files and of the environment."""
