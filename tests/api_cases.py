"""Hostile requests to the API, the same for the same seed: valid ones, damaged in one or several ways."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

KEY = (b"x-api-key", b"a-key-for-tests-only-0123456789")
GOOD: dict[str, Any] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
FILE_ID = "f" * 64
VERSION = "20260101T000000Z-00000000"
UUID = "00000000-0000-7000-8000-000000000001"
BODIES: dict[str, list[Any]] = {
    "/predict": [
        GOOD,
        {"use_case": "titanic", "source": "webapp", "records": [GOOD, GOOD | {"entity_id": "17"}]},
        {"records": [{"entity_id": "17"}, {"entity_id": "nobody"}, GOOD | {"Age": None}]},
        {"source": "scheduled", "records": [GOOD], "origin": {"file_id": FILE_ID, "row_numbers": [1], "fence": 1}},
    ],
    "/explain": [{"use_case": "titanic", "record": GOOD}],
    "/ground-truth": [
        {"use_case": "titanic", "records": [{"actual": 1, "entity_id": "17"}, {"actual": "0", "prediction_id": UUID}]}
    ],
    "/raw-files": [{"use_case": "titanic", "name": "day 1.csv", "size": 17}],
    "/alerts/acknowledge": [
        {"rule": "data_quality", "use_case": "titanic", "until": "2026-01-31T12:00:00Z"},
        {"rule": "drift", "subjects": ["titanic"]},
    ],
    "/reload-model": [{}],
    "/use-cases/titanic/release": [
        {"action": "promote", "version": VERSION, "by": "Ann", "reason": "better", "expected": 0},
        {"action": "canary", "version": VERSION, "share": 0.1, "by": "Ann", "reason": "try it", "expected": 1},
        {"action": "rollback", "by": "Ann", "reason": "worse", "expected": 2},
    ],
}
GETS = [
    *("/past-predictions", "/use-cases", "/use-cases/titanic", "/model", "/health", "/metrics", "/docs"),
    *("/use-cases/titanic/release", f"/models/{VERSION}/card"),
    *("/openapi.json", "/features/titanic/17", f"/raw-files/{FILE_ID}", f"/reports/{FILE_ID}", f"/bad-rows/{FILE_ID}"),
]
QUERIES = {
    "use_case": ["titanic", "nobody"],
    "source": ["all", "webapp", "moon"],
    "from": ["2026-01-31", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30"],
    "to": ["2026-01-31T12:00:00Z", "now"],
    "model_version": ["20260101T000000Z-00000000", "'; DROP TABLE predictions --"],
    "prediction": ["1", "\x00"],
    "entity_id": ["17", "", "%\x00", "x" * 5_000],
    "prediction_id": [UUID, "17", UUID.upper()],
    "limit": ["1", "1000", "0", "-1", "1e3", "9" * 5_000],
    "cursor": [f"{'0' * 16}.{UUID}", f"{'9' * 16}.{UUID}", f"-000000000000001.{UUID}", "x"],
}
TEXTS = [
    *("", " ", "\x00", "a\x00b", "\n", "NaN", "titanic", "titanic\x00", "../..", "%s", "'; --", "\u202e", "\U0001f600"),
    *("é" * 300, "x" * 100_000, "-1", "1e999", "null", "__proto__", "$ref", "{{7*7}}"),
]
NUMBERS = [0, -1, 1, 2**31 - 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, -1e308, 5e-324, 1.5, -0.0]
RAW = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5_000, b'"\\ud800"', b'"\xff"', b"01", b"+1", b"'a'", b"//"]
METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "X" * 200,
    "",
]
PATHS = [
    *("", "/", "//", "/predict/", "//predict", "/../predict", "/predict;x", "/features/titanic/", "/use-cases/\x00"),
    *(
        "/features/titanic/" + "x" * 500,
        "/features/\x00/\x00",
        "/reports/../..",
        "/raw-files/%2e%2e",
        "/é",
        "/x" * 2_000,
    ),
]
HEADERS = [
    *(
        (b"content-type", v)
        for v in (b"", b"text/plain", b"application/xml", b"application/json; charset=utf-16", b"\xff")
    ),
    *((b"idempotency-key", v) for v in (b"", b"a b", b"\xff", b"\x00", b"k" * 200, b"k" * 201, b"same", b"same")),
    *((b"content-length", v) for v in (b"0", b"-1", b"x", b"9" * 5_000, b"10")),
    *((b"x-api-key", v) for v in (b"", b"wrong", b"\xff", b"\x00")),
    *(
        (b"accept", b"\xff"),
        (b"accept-encoding", b"gzip;q=x"),
        (b"transfer-encoding", b"chunked"),
        (b"range", b"bytes=-"),
    ),
    *(
        (b"host", b""),
        (b"host", b"\xff:x"),
        (b"cookie", b"=" * 5_000),
        (b"content-encoding", b"gzip"),
        (b"expect", b"1"),
    ),
    *((b"x-forwarded-for", b"\x00"), (b"traceparent", b"0-0-0-0"), (b"", b""), (b"x" * 5_000, b"y" * 5_000)),
]
ENCODINGS = ["utf-16", "utf-32", "utf-8-sig", "latin-1", "utf-7"]


@dataclass(frozen=True)
class Case:
    """One request as a server hands it to the app."""

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = (KEY, (b"content-type", b"application/json"))
    body: bytes = b""
    damage: tuple[str, ...] = field(default=(), compare=False)


def cases(number: int, seed: int) -> Iterator[Case]:
    """Yield so many requests; one in twenty is left whole."""
    chance = random.Random(seed)
    for index in range(number):
        case = _whole(chance)
        for _ in range(0 if index % 20 == 0 else chance.choice((1, 1, 1, 2, 3))):
            damage = chance.choice(DAMAGES)
            case = replace(damage(case, chance), damage=(*case.damage, damage.__name__))
        yield case


def _whole(chance: random.Random) -> Case:
    if chance.random() < 0.3:
        path = chance.choice(GETS)
        queries = {"/past-predictions": _query(chance), f"/models/{VERSION}/card": b"use_case=titanic"}
        return Case("GET", path, queries.get(path, b""))
    path = chance.choice([*BODIES, "/predict", "/ground-truth"])
    return Case("POST", path, body=json.dumps(chance.choice(BODIES[path])).encode())


def _query(chance: random.Random) -> bytes:
    names = chance.sample(sorted(QUERIES), chance.randrange(4))
    return "&".join(f"{name}={quote(QUERIES[name][0])}" for name in names).encode()


def other_value(case: Case, chance: random.Random) -> Case:
    """Put something else in the place of a value anywhere in the body."""
    return _changed(case, chance, lambda at, key: at.__setitem__(key, _hostile(chance)))


def lost_value(case: Case, chance: random.Random) -> Case:
    """Take a value or a key away."""
    return _changed(case, chance, lambda at, key: at.__delitem__(key))


def more_values(case: Case, chance: random.Random) -> Case:
    """Add a key or an element."""

    def add(at: Any, _: Any) -> None:
        if isinstance(at, dict):
            at[chance.choice(TEXTS)] = _hostile(chance)
        else:
            at.extend([_hostile(chance)] * chance.choice((1, 2, 6_000)))

    return _changed(case, chance, add)


def raw_value(case: Case, chance: random.Random) -> Case:
    """Write a value that is no JSON, or hardly."""
    marked = _changed(case, chance, lambda at, key: at.__setitem__(key, "<here>"))
    deep = chance.choice((65, 500, 1_000, 1_023, 1_025, 50_000))
    nested = [b"[" * deep + b"]" * deep, b'{"a":' * deep + b"1" + b"}" * deep, b"[" * deep]
    return replace(marked, body=marked.body.replace(b'"<here>"', chance.choice([*RAW, *nested])))


def doubled_key(case: Case, chance: random.Random) -> Case:
    """Write the keys of the body twice, now and then thousands of times."""
    inner = case.body.strip()[1:-1]
    return replace(case, body=b"{" + b",".join([inner] * chance.choice((2, 2, 3, 3_000))) + b"}")


def cut_body(case: Case, chance: random.Random) -> Case:
    """Lose the end of the body, or its beginning."""
    at = chance.randrange(len(case.body) + 1)
    return replace(case, body=chance.choice((case.body[:at], case.body[at:])))


def spoiled_bytes(case: Case, chance: random.Random) -> Case:
    """Overwrite some bytes of the body."""
    body = bytearray(case.body or b"{}")
    for _ in range(chance.choice((1, 1, 5))):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return replace(case, body=bytes(body))


def other_encoding(case: Case, chance: random.Random) -> Case:
    """Write the body in another encoding."""
    return replace(case, body=case.body.decode(errors="replace").encode(chance.choice(ENCODINGS), errors="replace"))


def other_body(case: Case, chance: random.Random) -> Case:
    """Send something that is no object."""
    bodies = [
        b"",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b'""',
        b"1",
        b"\x00" * 10,
        b"a=1&b=2",
        b" " * 100_000,
        b"[" * 4_500_001,
    ]
    return replace(case, body=chance.choice(bodies))


def other_method(case: Case, chance: random.Random) -> Case:
    """Ask in another way."""
    return replace(case, method=chance.choice(METHODS))


def other_path(case: Case, chance: random.Random) -> Case:
    """Ask for something else, or for a part of it."""
    part = case.path + chance.choice(("/", "/..", "%00", "\x00", "é", "?", "#", ".json", "/" + "x" * 3_000))
    return replace(case, path=chance.choice([*PATHS, *GETS, *BODIES, part]))


def other_query(case: Case, chance: random.Random) -> Case:
    """Add parameters, known and unknown, once and twice."""
    name = chance.choice([*QUERIES, "colour", "", "\x00"])
    value = chance.choice([*QUERIES.get(name, ()), *TEXTS[:-6]])[:6_000]
    pair = f"{quote(name)}={quote(value)}".encode()
    return replace(case, query=b"&".join([case.query, *[pair] * chance.choice((1, 1, 2))]) or chance.randbytes(20))


def raw_query(case: Case, chance: random.Random) -> Case:
    """Send any bytes as parameters."""
    return replace(case, query=chance.randbytes(chance.randrange(40)))


def other_header(case: Case, chance: random.Random) -> Case:
    """Send another header, in place of the one of that name or beside it."""
    added = chance.choice(HEADERS)
    kept = case.headers if chance.random() < 0.5 else tuple(pair for pair in case.headers if pair[0] != added[0])
    return replace(case, headers=chance.choice(((*kept, added), (added, *kept))))


def no_headers(case: Case, _: random.Random) -> Case:
    """Send nothing but the key."""
    return replace(case, headers=(KEY,))


DAMAGES: list[Callable[[Case, random.Random], Case]] = [
    *(other_value, other_value, other_value, lost_value, more_values, raw_value, raw_value, doubled_key, cut_body),
    *(spoiled_bytes, other_encoding, other_body, other_method, other_path, other_query, other_query, raw_query),
    *(other_header, other_header, no_headers),
]


def _changed(case: Case, chance: random.Random, change: Callable[[Any, Any], None]) -> Case:
    """Change one place of the body, where it is JSON that has one."""
    try:
        content = copy.deepcopy(json.loads(case.body))
    except (ValueError, RecursionError):
        return case
    places = list(_places(content))
    if places:
        change(*chance.choice(places))
    return replace(case, body=json.dumps(content).encode())


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth < 20 and isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(min(len(value), 50)):
            yield value, key
            yield from _places(value[key], depth + 1)


def _hostile(chance: random.Random) -> Any:
    simple: list[Any] = [None, True, False, [], {}, [[]], [{}], {"a": []}, [GOOD], GOOD]
    return chance.choice([chance.choice(TEXTS), chance.choice(NUMBERS), chance.choice(simple)])
