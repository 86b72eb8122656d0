"""Load versions in a thread of their own, while what is served goes on answering."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from tabserve.serving.answers import Served


class Loads:
    """Loads each version once, however often it is asked for meanwhile."""

    def __init__(self, load: Callable[[str, str], Served]) -> None:
        self._load = load
        self._thread = ThreadPoolExecutor(1, "models")
        self._under_way: dict[tuple[str, str], Future[Served]] = {}
        self._lock = Lock()

    def take(self, name: str, version: str, seconds: float | None) -> Served | None:
        """Return a use case's version, None while it is being loaded; raise what loading it raises.

        Who asks first waits for it at most so many seconds, None for as long as it takes; who asks again does not wait.
        """
        key = (name, version)
        with self._lock:
            is_new = key not in self._under_way
            loading = (
                self._under_way.setdefault(key, self._thread.submit(self._load, *key))
                if is_new
                else self._under_way[key]
            )
        try:
            return loading.result(seconds if is_new or seconds is None else 0)
        except TimeoutError:
            if loading.done():
                raise
            return None
        finally:
            if loading.done():
                self._under_way.pop(key, None)
