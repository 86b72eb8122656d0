"""MiniStack as tabserve runs it: with one more rule of S3, and with code that is unpacked once for all its workers.

Who may not list a bucket is not told that an object is absent. And each worker of a function would unpack its layers
anew, two seconds of one core; on AWS they are unpacked and read-only.

MiniStack's own interpreter runs this file, with nothing of tabserve on its path.
"""

import hashlib
import tempfile
import zipfile
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.core.iam_evaluator import enforce
from ministack.core.router import extract_access_key_id, extract_region
from ministack.services import s3

Reply = tuple[int, dict[str, str], bytes]
answer = app.SERVICE_HANDLERS["s3"]
unpacking = Lock()


async def answer_as_s3(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Reply:
    """Answer 403 in place of 404 unless the caller may list the bucket."""
    reply: Reply = await answer(method, path, headers, body, query)
    bucket, _, key = path.lstrip("/").partition("/")
    if reply[0] != 404 or not key or _may_list(bucket, headers, query):
        return reply
    refusal: Reply = s3._error("AccessDenied", "Access Denied", 403, path)
    return refusal


def _may_list(bucket: str, headers: dict[str, str], query: dict[str, Any]) -> bool:
    caller, region = extract_access_key_id(headers, query), extract_region(headers, query)
    return enforce(caller, "s3:ListBucket", "s3", region, resource_arn=f"arn:aws:s3:::{bucket}") is None


class UnpackedOnce(zipfile.ZipFile):
    """A zip file whose content is unpacked into one folder and linked wherever it is wanted."""

    def extractall(self, path: str, *_: object) -> None:  # type: ignore[override]  # as MiniStack calls it
        """Link what stands at the top of the content into a folder."""
        for entry in self._unpacked().iterdir():
            (Path(path) / entry.name).symlink_to(entry)

    def _unpacked(self) -> Path:
        content = "\n".join(f"{each.filename} {each.CRC} {each.file_size}" for each in self.infolist())
        folder = Path(tempfile.gettempdir()) / "unpacked"
        found = folder / hashlib.sha256(content.encode()).hexdigest()
        with unpacking:
            if not found.exists():
                folder.mkdir(exist_ok=True)
                unfinished = Path(tempfile.mkdtemp(dir=folder))
                super().extractall(unfinished)
                unfinished.rename(found)
        return found


app.SERVICE_HANDLERS["s3"] = answer_as_s3
lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": UnpackedOnce})
app.main()
