"""Have the rows of good files predicted, each once."""
