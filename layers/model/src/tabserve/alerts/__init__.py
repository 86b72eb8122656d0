"""Keep alerts until they are sent, and send them."""
