"""A child process for files that may run any code: no environment, no credentials, no network, limits, a deadline.

What is not prevented: it runs as the same user, so it can read this user's files; it can send them nowhere where the
system closes the network to it (`closed` says whether it does).
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from tabserve.core.errors import ImportRefusedError

MOST_MEMORY: Final = 8 * 2**30  # of addresses, of which libraries reserve many more than they use
MOST_FILE: Final = 2**30
MOST_SECONDS: Final = 600  # of processor time
MOST_ANSWER: Final = 2 * 2**30
SIZES: Final = struct.Struct("<QQ")
CLOSED_NETWORK: Final = ("unshare", "--user", "--map-current-user", "--net", "--")


class Sandbox:
    """Runs a module of this package in a child process and asks it one thing after the other."""

    def __init__(self, module: str, seconds: float) -> None:
        self._seconds = seconds
        self._folder = tempfile.TemporaryDirectory(prefix="tabserve-import-")
        closing = _closing()
        self.closed = bool(closing)
        self._process = subprocess.Popen(  # noqa: S603
            [*closing, sys.executable, "-I", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env={"HOME": self._folder.name, "TMPDIR": self._folder.name, "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"},
            close_fds=True,
            start_new_session=True,
            preexec_fn=_limit,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child and all its children; forget its folder."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._folder.cleanup()

    def ask(self, what: str, body: bytes = b"", **more: Any) -> tuple[Mapping[str, Any], bytes]:  # noqa: ANN401
        """Ask for one thing; raise ImportRefusedError with the child's reason, or when it dies or takes too long."""
        header = json.dumps({"do": what, **more}).encode()
        deadline = time.monotonic() + self._seconds
        try:
            self._send(SIZES.pack(len(header), len(body)) + header + body, deadline)
            lengths = SIZES.unpack(self._receive(SIZES.size, deadline))
            if sum(lengths) > MOST_ANSWER:
                raise ImportRefusedError("The model's process answers more than it should; nothing was imported.")
            said = json.loads(self._receive(lengths[0], deadline))
            answer = self._receive(lengths[1], deadline)
        except (OSError, ValueError) as error:
            raise ImportRefusedError(self._end()) from error
        if "refused" in said:
            raise ImportRefusedError(str(said["refused"]))
        return said, answer

    def _end(self) -> str:
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return f"The model took more than {self._seconds:.0f} s to load or to answer, and was stopped."
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return (
            f"The model's process ended by itself, {how}: the file is damaged, does something else than load a model, "
            f"or needs more than {MOST_MEMORY // 2**30} GiB of memory or {MOST_SECONDS} s."
        )

    def _send(self, message: bytes, deadline: float) -> None:
        assert self._process.stdin is not None  # noqa: S101  for the types
        pipe, view = self._process.stdin.fileno(), memoryview(message)
        os.set_blocking(pipe, False)
        while view:
            self._wait([], [pipe], deadline)
            view = view[os.write(pipe, view[: 2**16]) :]

    def _receive(self, count: int, deadline: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  for the types
        pipe, pieces, missing = self._process.stdout.fileno(), [], count
        while missing:
            self._wait([pipe], [], deadline)
            piece = os.read(pipe, min(missing, 2**20))
            if not piece:
                raise OSError("the pipe ended")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _wait(self, reading: Sequence[int], writing: Sequence[int], deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(reading, writing, [], left)):
            raise TimeoutError


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _closing() -> Sequence[str]:
    """Return the command that closes the network to what follows it; nothing where the system does not allow that."""
    if not shutil.which(CLOSED_NETWORK[0]):
        return ()
    tried = subprocess.run([*CLOSED_NETWORK, "true"], capture_output=True)  # noqa: S603
    return CLOSED_NETWORK if tried.returncode == 0 else ()
