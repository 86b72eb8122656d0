"""The text format of PostgreSQL's COPY."""

SPECIAL = "\\\t\r\n"
ESCAPES = str.maketrans({char: repr(char)[1:-1] for char in SPECIAL})


def escaped(texts: list[str]) -> list[str]:
    """Return texts as COPY wants them."""
    joined = "".join(texts)
    return [text.translate(ESCAPES) for text in texts] if any(char in joined for char in SPECIAL) else texts
