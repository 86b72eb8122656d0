"""The edge: each module implements ports of `application.ports` with one technology."""
