"""Draft the definition of a use case from a table that somebody has."""
