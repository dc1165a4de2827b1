"""Features of quotes, trades and books: incremental for decisions, as arrays for research.

The two agree to 1e-12 (tests/market/features). docs/concepts/features.md has every formula and source.
"""

from market.features.book import book_imbalance, book_microprice
from market.features.quotes import QuoteFeatures
from market.features.settings import FeatureSettings
from market.features.snapshot import FeatureSnapshot
from market.features.trades import Vwap

__all__ = [
    "FeatureSettings",
    "FeatureSnapshot",
    "QuoteFeatures",
    "Vwap",
    "book_imbalance",
    "book_microprice",
]
