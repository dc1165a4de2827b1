"""Option chains from CSV or Parquet files of any columns."""
