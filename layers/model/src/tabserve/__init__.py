"""Put a tabular model into production without a platform team."""
