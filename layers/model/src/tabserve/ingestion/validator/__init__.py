"""Judge and split raw files: a strict structure reader, then a pandera schema on polars text columns."""

from tabserve.ingestion.validator.split import PanderaValidator

__all__ = ["PanderaValidator"]
