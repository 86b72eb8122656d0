"""Model versions, their aliases, and loading them."""
