"""Judge and split raw files: a strict structure reader, then a pandera schema on polars text columns."""

from tabserve.adapters.validator.split import PanderaValidator

__all__ = ["PanderaValidator"]
