"""Watch predictions for drift and performance."""
