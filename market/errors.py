"""The one error tree of the project.

    HarvesterError            our own failure: exit code 1
    └── UserError             bad input of the person at the keyboard: exit code 2
        ├── ConfigError       a profile, universe or parameter is wrong (path, value, what is allowed)
        ├── DataError         a file or a catalog is not what it claims to be
        ├── NotFoundError     a named file, run, symbol or command does not exist
        └── StrategyError     a user's own decision raised, or returned what is no decision

Every message says what happened, the value, the limit and what to do next.
"""

from __future__ import annotations


class HarvesterError(Exception):
    """A failure of Harvester itself, not of its input."""

    exit_code = 1


class UserError(HarvesterError):
    """Input that cannot be used; the message tells its author how to mend it."""

    exit_code = 2


class ConfigError(UserError):
    """A setting is missing, unknown, of the wrong type, out of bounds or contradicts another."""


class DataError(UserError):
    """A data file or catalog is not what it claims to be."""


class NotFoundError(UserError):
    """Something that was named does not exist."""


class StrategyError(UserError):
    """A user's decision function raised, or returned what is no decision."""
