"""The harvester as a Nautilus strategy: the shared shell around `strategies.harvester.decide`."""

from __future__ import annotations

from strategies.intraday.strategy import IntradayStrategy


class Harvester(IntradayStrategy):
    """Named so that its strategy id says what runs: `Harvester-<name of the profile's section>`."""
