"""Market data into Nautilus' own Parquet catalog layout: ingestion, synthesis, quality, manifest."""
