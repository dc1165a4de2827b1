"""State rebuilt from a journal's records: orders, positions, profit and breaker. Pure."""

from __future__ import annotations

from audit.projection.book import Book, Position
from audit.projection.orders import Order
from audit.projection.projection import BreakerNow, Projection, project

__all__ = ["Book", "BreakerNow", "Order", "Position", "Projection", "project"]
