"""The emulated cloud on this machine: PostgreSQL, AWS and the deployed stack, without Docker."""
