"""What the application needs from the outside, as Protocols by area; `adapters` implements them."""
