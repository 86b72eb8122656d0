"""Ports implemented in memory, for unit tests."""
