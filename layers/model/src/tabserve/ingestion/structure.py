"""The structure of a CSV file: lines, fields, quotes, header. Strict where the csv module guesses."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, get_args

from tabserve.core import rules
from tabserve.core.csv_files import BOM, alike, folded, told_delimiter
from tabserve.core.errors import FileRejectedError
from tabserve.core.limits import Delimiter, FileFormat
from tabserve.core.use_case import UseCase

# Possessive, or an escaped quote at the end of an unclosed field would be taken for the closing one.
QUOTED: Final = re.compile(r'[^"]*+(?:""[^"]*+)*+"')
DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", ":": "colon"}
UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
GZIP: Final = "gzip"
SAY_SO: Final = "give the use case's `format` the"
MAGIC: Final = {
    b"\x1f\x8b": ("compressed", GZIP),
    b"PK\x03\x04": ("compressed", "zip"),
    b"BZh": ("compressed", "bzip2"),
    b"\xfd7zXZ": ("compressed", "xz"),
    b"\x28\xb5\x2f\xfd": ("compressed", "Zstandard"),
    b"7z\xbc\xaf": ("compressed", "7-Zip"),
    b"Rar!": ("compressed", "RAR"),
    b"%PDF": ("not_text", "PDF"),
    b"PAR1": ("not_text", "Parquet"),
    b"\xd0\xcf\x11\xe0": ("not_text", "a Microsoft Office document"),
    b"\x89PNG": ("not_text", "PNG"),
    b"\xff\xd8\xff": ("not_text", "JPEG"),
    b"SQLite format 3": ("not_text", "SQLite"),
}
CONTROL: Final = re.compile(f"[{rules.CONTROL}]")


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of one file: names as the use case writes them, and what is worth a warning."""

    columns: tuple[str, ...]
    extra: tuple[str, ...]
    respelled: tuple[str, ...]

    @property
    def width(self) -> int:
        """Return how many fields each row must have."""
        return len(self.columns)


def well_formed(width: int, delimiter: str) -> str:
    """Return the pattern of a record of so many fields, in the syntax of Python's `re` and Rust's `regex`."""
    field = rf'(?:[^"{delimiter}]*|"(?:[^"]|"")*")'
    return f"{field}(?:[{delimiter}]{field}){{{width - 1}}}"


def blank(delimiter: str) -> str:
    """Return the characters that a line may have and still be blank."""
    return " \t\v\f".replace(delimiter, "")


def refuse_other_formats(head: bytes, wanted: FileFormat) -> None:
    """Raise FileRejectedError when the first bytes of a file, unpacked, are not those of text in its encoding."""
    name = wanted.encoding_name
    if wanted.is_wide:
        if head and b"\0" not in head and head[:2] not in UTF16:
            what = f"The file is not {name}, as the use case's `format` says"
            raise FileRejectedError("wrong_encoding", f"{what}; save it as {name}, or correct the definition.")
    elif head[:2] in UTF16 or _every_other_byte_is_null(head[:64]):
        raise FileRejectedError("utf16", f"The file is UTF-16; save it as {name}, or {SAY_SO} `encoding: utf-16`.")
    elif head.startswith(BOM) and not wanted.is_utf8:
        what = f"The file is UTF-8; save it as {name}, or take `encoding` out of the definition"
        raise FileRejectedError("wrong_encoding", f"{what}.")
    for magic, (rule, kind) in MAGIC.items():
        if head.startswith(magic):
            once_more = " twice" if kind == GZIP and wanted.compression == "gzip" else ""
            remedy = f", or {SAY_SO} `compression: gzip`" if kind == GZIP and not once_more else ""
            raise FileRejectedError(
                rule, f"The file is {kind}{once_more}, not CSV text; send the CSV file itself{remedy}."
            )


def _every_other_byte_is_null(head: bytes) -> bool:
    return len(head) >= 4 and (not any(head[::2]) or not any(head[1::2])) and any(head)


def split_record(text: str, delimiter: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the fields of a record and the quote rules it breaks."""
    fields: list[str] = []
    problems: list[str] = []
    position, end = 0, len(text)
    while position <= end:
        if text.startswith('"', position):
            field, position, problem = _quoted(text, position, delimiter)
        else:
            field, position, problem = _unquoted(text, position, delimiter)
        fields.append(field)
        if problem and problem not in problems:
            problems.append(problem)
    return fields, tuple(problems)


def _unquoted(text: str, start: int, delimiter: str) -> tuple[str, int, str | None]:
    stop = text.find(delimiter, start)
    stop = len(text) if stop < 0 else stop
    field = text[start:stop]
    return field, stop + 1, "stray_quote" if '"' in field else None


def _quoted(text: str, start: int, delimiter: str) -> tuple[str, int, str | None]:
    closing = QUOTED.match(text, start + 1)
    if closing is None:
        return text[start + 1 :], len(text) + 1, "unclosed_quote"
    field = closing.group()[:-1].replace('""', '"')
    stop = closing.end()
    if stop == len(text) or text.startswith(delimiter, stop):
        return field, stop + 1, None
    rest, stop, _ = _unquoted(text, stop, delimiter)
    return field + rest, stop, "stray_quote"


def structural_rules(text: str, width: int, delimiter: str, unterminated: bool) -> tuple[str, ...]:
    """Return the rules a record breaks as a whole; `unterminated` is the last line of a file without line end."""
    fields, problems = split_record(text, delimiter)
    broken = list(problems)
    if "unclosed_quote" not in broken and len(fields) != width:
        broken.append("too_few_fields" if len(fields) < width else "too_many_fields")
    if unterminated and ("unclosed_quote" in broken or len(fields) < width):
        broken.append("truncated_line")
    return tuple(broken)


def read_header(text: str, use_case: UseCase) -> Header:
    """Match a header line with a use case; raise FileRejectedError when rows could not be read by it."""
    if len(text) > rules.MAX_HEADER:
        raise FileRejectedError("too_long_header", f"The header is longer than {rules.MAX_HEADER // 2**10} KiB.")
    delimiter = use_case.format.delimiter
    names, problems = split_record(text, delimiter)
    canonical = {folded(name): name for name in use_case.known_columns}
    matched = tuple(canonical.get(folded(name), name) for name in names)
    missing = [name for name in use_case.required_columns if name not in matched]
    if missing:
        _refuse_other_delimiter(text, delimiter, canonical, len(set(matched) & set(canonical.values())))
    if problems:
        raise FileRejectedError("malformed_header", f"The header has a quote problem: {', '.join(problems)}.")
    _refuse_unusable_names(names)
    if missing:
        raise FileRejectedError("missing_column", f"The header lacks {', '.join(missing)}.", names)
    if repeated := alike(matched):
        raise FileRejectedError("duplicated_column", f"The header has more than one {', '.join(repeated)}.", names)
    return Header(
        columns=matched,
        extra=tuple(name for name in matched if name not in use_case.known_columns),
        respelled=tuple(name for name, known in zip(names, matched, strict=True) if name != known),
    )


def _refuse_unusable_names(names: Sequence[str]) -> None:
    if len(names) > rules.MAX_COLUMNS:
        raise FileRejectedError(
            "too_many_columns", f"The header has {len(names)} columns; up to {rules.MAX_COLUMNS} may be read."
        )
    for place, name in enumerate(names, start=1):
        if len(name) > rules.MAX_COLUMN_NAME:
            what = f"{len(name)} characters; up to {rules.MAX_COLUMN_NAME} may be read"
        elif CONTROL.search(folded(name)):
            what = "a control character"
        else:
            continue
        raise FileRejectedError("unusable_column_name", f"The name of column {place} has {what}.")


def is_repeated_header(fields: Sequence[str], header: Header) -> bool:
    """Tell whether a row is the header again, as column names are compared."""
    return [folded(field) for field in fields] == [folded(name) for name in header.columns]


def write_record(fields: Sequence[str], delimiter: str = ",") -> str:
    """Return a record, with quotes where they are needed."""
    special = re.compile(f'["\r\n{delimiter}]')
    return delimiter.join('"' + field.replace('"', '""') + '"' if special.search(field) else field for field in fields)


def only_tells_delimiter(line: str, file_format: FileFormat) -> bool:
    """Tell whether a line only tells spreadsheets the delimiter; raise FileRejectedError when it is another one."""
    told = told_delimiter(line)
    if told in DELIMITERS and told != file_format.delimiter:
        raise _wrong_delimiter(told, file_format.delimiter)
    return told is not None


def _refuse_other_delimiter(text: str, wanted: str, canonical: dict[str, str], matched: int) -> None:
    for delimiter in DELIMITERS:
        names = split_record(text, delimiter)[0]
        if len({folded(field) for field in names} & canonical.keys()) > matched:
            raise _wrong_delimiter(delimiter, wanted, names)


def _wrong_delimiter(found: str, wanted: str, names: Sequence[str] = ()) -> FileRejectedError:
    what = f"The columns are separated by a {DELIMITERS[found]}; use a {DELIMITERS[wanted]}"
    remedy = f", or {SAY_SO} `delimiter`" if found in get_args(Delimiter) else ""
    return FileRejectedError("wrong_delimiter", f"{what}{remedy}.", names)
