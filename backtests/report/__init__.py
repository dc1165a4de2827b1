"""The review page of a run: statistics, charts and one self-contained HTML file."""

from backtests.report.page import write_report

__all__ = ["write_report"]
