"""Train a model, prove that its export answers alike, and register it."""
