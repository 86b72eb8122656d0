"""Answer requests: validate records, score and store them, and read what was stored."""
