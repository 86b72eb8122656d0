"""Validate raw files: a strict structure reader, then a pandera schema on polars text columns."""

from tabserve.ingestion.validator.split import validate_rows

__all__ = ["validate_rows"]
