"""Aliases in an object store: pointers that move by compare-and-set and keep where they stood before.

models/<use case>/aliases/<alias>.json         where it stands
models/<use case>/moves/<alias>/<number>.json  where it stood before
"""

from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import AliasMovedError, IncompatibleModelError
from tabserve.registry.standing import Standing
from tabserve.registry.version import Alias

JSON: Final = "application/json"


class Aliases:
    """The aliases of all use cases."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def standing(self, use_case: str, alias: Alias) -> Standing:
        """Return where an alias stands; raise IncompatibleModelError when nobody can read that."""
        try:
            body = self._store.get(_key(use_case, alias))
        except KeyError:
            return Standing()
        return _standing(use_case, alias, body)

    def history(self, use_case: str, alias: Alias, last: int | None = None) -> list[Standing]:
        """Return where an alias stood after each of its moves, or the last so many of them, oldest first."""
        now = self.standing(use_case, alias)  # first: what stood before it is there already
        keys = sorted(self._store.keys(_moves(use_case, alias)))
        bodies = map(self._store.get, keys if last is None else keys[max(len(keys) + 1 - last, 0) :])
        stood = [each for body in bodies if (each := _readable(use_case, alias, body))]
        return [*(each for each in stood if each.number < now.number), *([now] if now != Standing() else [])]

    def change(
        self, use_case: str, alias: Alias, move: Callable[[Standing], Standing], expected: int | None = None
    ) -> Standing:
        """Move an alias from where it stands, which is kept; return where it stands then.

        Raise AliasMovedError when it moved meanwhile: after it was read, or after the move with the number `expected`.
        """
        key = _key(use_case, alias)
        before, body, etag = self._present(use_case, alias)
        if expected not in {None, before.number}:
            raise _overtaken(use_case, before)
        after = move(before)
        written = after.model_dump_json(exclude_defaults=True).encode()
        if body is None:
            moved = self._store.put_new(key, written, JSON)
        else:  # what stood there goes to the history first: a crash in between keeps both
            self._store.put_new(f"{_moves(use_case, alias)}{before.number:06}.json", body, JSON)
            moved = self._store.replace(key, written, etag, JSON)
        if not moved and self._store.get(key) != written:  # it may be what this call wrote, when an answer got lost
            raise _overtaken(use_case, self.standing(use_case, alias))
        return after

    def _present(self, use_case: str, alias: Alias) -> tuple[Standing, bytes | None, str]:
        """Return where an alias stands, as it is written and with its ETag; a damaged one stands nowhere."""
        try:
            body, etag = self._store.tagged(_key(use_case, alias))
        except KeyError:
            return Standing(), None, ""
        if stands := _readable(use_case, alias, body):
            return stands, body, etag
        last = max(self._store.keys(_moves(use_case, alias)), default="0")
        return Standing(number=int(last.rpartition("/")[2].removesuffix(".json")) + 1), body, etag


def _standing(use_case: str, alias: Alias, body: bytes) -> Standing:
    try:
        return Standing.model_validate_json(body)
    except ValidationError as error:
        raise IncompatibleModelError(f"The alias {alias!r} of {use_case!r} is malformed: {error}") from error


def _readable(use_case: str, alias: Alias, body: bytes) -> Standing | None:
    try:
        return _standing(use_case, alias, body)
    except IncompatibleModelError:
        return None


def _overtaken(use_case: str, now: Standing) -> AliasMovedError:
    return AliasMovedError(
        f"{use_case} was moved meanwhile: {now.sentence()}. Nothing was changed; look and decide again."
    )


def _moves(use_case: str, alias: Alias) -> str:
    return f"models/{use_case}/moves/{alias}/"


def _key(use_case: str, alias: Alias) -> str:
    return f"models/{use_case}/aliases/{alias}.json"
