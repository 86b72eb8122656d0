"""What every area is built on: definitions, records, rules, files, and the technology they share."""
