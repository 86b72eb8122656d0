"""Raw bytes as UTF-8: unpacked, and decoded from the encoding of the use case's files.

Bytes that the encoding does not know become one that UTF-8 does not know either, so that their row is found by it.
"""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, Final

from tabserve.core.errors import FileRejectedError
from tabserve.core.limits import FileFormat
from tabserve.ingestion.structure import refuse_other_formats

HEAD: Final = 64
NOT_GZIP: Final = "Not a gzipped file"  # as gzip says it
UNKNOWN: Final = "tabserve.unknown"


def as_utf8(stream: BinaryIO, size: int, file_format: FileFormat) -> Iterator[bytes]:
    """Yield the beginning of a file, then blocks of about so many bytes; raise FileRejectedError."""
    read = _unpacking(stream) if file_format.compression == "gzip" else stream.read
    head = b""
    while len(head) < HEAD and (block := read(HEAD - len(head))):
        head += block
    refuse_other_formats(head, file_format)
    blocks = chain([head], iter(lambda: read(size), b""))
    return blocks if file_format.is_utf8 else _decoded(blocks, file_format.encoding)


def _unpacking(stream: BinaryIO) -> Callable[[int], bytes]:
    packed, unpacked = gzip.GzipFile(fileobj=stream), 0

    def read(size: int) -> bytes:
        nonlocal unpacked
        try:
            block = packed.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not unpacked and str(error).startswith(NOT_GZIP):
                what = "The file is not gzip, as the use case's `format` says"
                remedy = "compress it with gzip, or take `compression` out of the definition"
                raise FileRejectedError("not_gzip", f"{what}; {remedy}.") from error
            what = f"The file is damaged or cut off after {unpacked:,} unpacked bytes; send it again"
            raise FileRejectedError("damaged_gzip", f"{what}.") from error
        unpacked += len(block)
        return block

    return read


def _decoded(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(UNKNOWN)
    for block in blocks:
        yield decoder.decode(block).encode(errors=UNKNOWN)
    yield decoder.decode(b"", final=True).encode(errors=UNKNOWN)


def _unknown(error: UnicodeError) -> tuple[str | bytes, int]:
    """Stand for undecodable bytes, and then for what stands for them, or is no text either."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff" * (error.end - error.start), error.end
    if isinstance(error, UnicodeEncodeError):
        return b"\xff" * (error.end - error.start), error.end
    raise error


codecs.register_error(UNKNOWN, _unknown)
