"""Three hundred raw files of the passenger list, the same ones each time: most of every nasty kind, some innocent."""

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

FILES = 300
INNOCENT_EVERY = 6
HEADER = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked"
ROWS = [f'{n},{n % 3 + 1},"Doe, ""J"" {n}",{"fe" * (n % 2)}male,{n % 80},{n}.5,S' for n in range(1, 31)]
CSV = "".join(f"{line}\n" for line in (HEADER, *ROWS))
BYTES = CSV.encode()
MEGABYTE = 2**20
CONTROLS = "\0\x01\x08\x0b\x1b\x7f\x85\x9f"
MAGIC = [
    b"%PDF-1.7\n",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff\xe0",
    b"PAR1",
    b"SQLite format 3\0",
    b"\xd0\xcf\x11\xe0",
    b"\x7fELF",
]
ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-7", "cp037", "utf-8-sig"]
ODD_KEYS = [
    "",
    "..",
    "a/../b.csv",
    "//a.csv",
    "\x01.csv",
    "a\x7fb.csv",
    "x" * 1015,
    "ü" * 507,
    "\U0001f600.csv",
    "a b+c%20%.csv",
    "=cmd|' /C calc'!A0",
    "<script>.csv",
    "a\u202eb.csv",
    "no extension",
    ".csv",
    "q\"uote'.csv",
    "a\\b.csv",
    "?x=1&y#z.csv",
]


@dataclass(frozen=True, slots=True)
class NastyFile:
    """One raw file; an innocent one must be done without a bad row."""

    key: str
    content: bytes
    innocent: bool = False


def nasty_files() -> Iterator[NastyFile]:
    """Yield the files, an innocent one after every few nasty ones."""
    nasty = _nasty()
    for number in range(FILES):
        if number % INNOCENT_EVERY == 0:
            yield NastyFile(f"titanic/innocent-{number}.csv", BYTES, innocent=True)
        else:
            yield next(nasty)


def _nasty() -> Iterator[NastyFile]:
    for key in ODD_KEYS:
        yield NastyFile(f"titanic/{key}", BYTES)
    for key in ("nobody/a.csv", "a.csv", "TITANIC/a.csv", "titanic"):
        yield NastyFile(key, BYTES)
    for kind in (_heavy, _wholes, _headers, _rows, _mutated):
        for number, content in enumerate(kind()):
            yield NastyFile(f"titanic/{kind.__name__[1:]}-{number}.csv", content)


def _heavy() -> Iterator[bytes]:
    """What takes long or much: floods of bad rows, columns, quotes and line ends."""
    head, some = HEADER.encode() + b"\n", BYTES * 40
    yield head + b'"\n' * (6 * MEGABYTE)
    yield some + b'"\n' * (6 * MEGABYTE)
    yield head + b",,,,,,\n" * (12 * MEGABYTE // 7)
    yield some + b"x,x,x,x,x,x,x\n" * (MEGABYTE // 2)
    yield some + (b'"a' + b"\na" * 99 + b"\n") * 20_000
    yield head + b"1" * (17 * MEGABYTE)
    yield b"," * (2 * MEGABYTE)
    yield b"\n" * (8 * MEGABYTE)
    yield b"\0" * (2 * MEGABYTE)
    yield HEADER.encode() + b",x" * 20_000 + b"\n1"
    yield HEADER.encode() + b"," * 1_993 + b"\n" + (b"1,1,a,male,1,1,S" + b"," * 1_993 + b"\n") * 500


def _wholes() -> Iterator[bytes]:
    """Files that are something else: encodings, archives, other formats, noise."""
    yield from (CSV.encode(encoding) for encoding in ENCODINGS)
    yield from (gzip.compress(BYTES), gzip.compress(BYTES)[:50], bz2.compress(BYTES), lzma.compress(BYTES), _zipped())
    yield from (b"\x28\xb5\x2f\xfd" + BYTES, b"7z\xbc\xaf" + BYTES, b"Rar!" + BYTES)
    yield from (magic + BYTES for magic in MAGIC)
    yield from (b"", b"\xef\xbb\xbf", b"\n", b"\r", b" ", b"\xff", b'"', b"\xef\xbb\xbf" * 2 + BYTES, bytes(range(256)))
    yield from (HEADER.encode(), HEADER.encode() + b"\n", b"{}", b"[]", b"<html></html>", BYTES[:1], BYTES[1:])
    for seed in range(12):
        yield random.Random(seed).randbytes(3 ** (seed % 10) * 5)


def _headers() -> Iterator[bytes]:
    """Good rows under headers nobody can work with, or hardly."""
    more = ["x", "x,x", "x,X", "x,\u3000x", ",", '"x', 'x"', '"a\nb"', "=1+1", "é", "e\u0301", "\u200b", "row_number"]
    more += [f"a{control}b" for control in CONTROLS] + ["Fare", "\u3000Fare", "fa\u00adre", "FARE", "Fare "]
    more += ["x" * length for length in (199, 200, 201, 2_600, 140_000)]
    more += [f"{'x' * 199}a,{'x' * 199}b", f"{'x' * 200}a,{'x' * 200}b", ",".join(f"c{n}" for n in range(5_000))]
    for names in more:
        cells = "," * (names.count(",") + 1)
        yield f"{HEADER},{names}\n{''.join(f'{row}{cells}' + chr(10) for row in ROWS)}".encode()
    yield f"{HEADER},{'x' * 80},Größe\n{ROWS[0]},,1\n".encode("latin-1")
    yield from (CSV.replace(",", other).encode() for other in ";\t|:")
    yield from (CSV.replace(name, "Other", 1).encode() for name in HEADER.split(","))
    yield from ((HEADER.upper() + "\n" + CSV).encode(), (HEADER[::-1] + "\n" + CSV).encode())


def _rows() -> Iterator[bytes]:
    """One bad row of every kind among good ones."""
    cells = [
        "",
        " ",
        "\0",
        "\x1b[31m",
        "=1+1",
        "+cmd|x",
        "x" * 201,
        "ü" * 40_000,
        "NaN",
        "1e999",
        "٢٥",
        "7;25",
        "\u2028",
    ]
    for place in range(7):
        for cell in random.Random(place).sample(cells, 5):
            row = ROWS[3].replace('"Doe, ""J"" 4"', "Doe").split(",")
            row[place] = cell
            yield (CSV + ",".join(row) + "\n").encode()
    for line in (
        '"',
        '1,"',
        '"a\n' * 3,
        ROWS[5],
        HEADER,
        "1,2",
        "," * 20,
        'x"y"z,' * 7,
        '"' + "\n" * 150 + '"',
        "\xa0",
    ):
        yield (CSV + line + "\n" + ROWS[6].replace("7", "77", 1) + "\n").encode()
    yield from (BYTES.replace(b"\n", end) for end in (b"\r", b"\r\n", b"\n\r", b"\n\n\n", b"\r\r\n"))
    yield from (
        BYTES[:-9],
        BYTES + b"\xff\xfe,\n",
        CSV.replace("Doe", "Größe").encode("latin-1"),
        BYTES + b"x" * MEGABYTE,
    )


def _mutated() -> Iterator[bytes]:
    """Bytes changed, put in and taken out, for ever."""
    chance = random.Random(10)
    while True:
        content = bytearray(BYTES)
        for _ in range(chance.randint(1, 30)):
            start = chance.randrange(len(content))
            content[start : start + chance.randint(0, 3)] = chance.choice(
                [b"", b'"', b"\n", b",", b"\0", chance.randbytes(2)]
            )
        yield bytes(content)


def _zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", BYTES)
    return stream.getvalue()
