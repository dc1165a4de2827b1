"""Reads CSV and Parquet files of any layout, by a column map."""
