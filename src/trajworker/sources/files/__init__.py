"""Runs in files: bulk exports in Parquet, and JSON as `/runs/query` answered it."""
