"""Take raw files to their good and bad rows, and find the ones that fell by the wayside."""
