"""What the reference of a model version comes from."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # its NumPy is in no layer of the functions that only move rows
    from tabserve.reference.reference import Reference


class References(Protocol):
    """What model versions are compared with."""

    def get(self, use_case: str, version: str) -> "Reference | None":
        """Return the reference of a version, if it has one."""
        ...
