"""Keep the latest features of entities."""
