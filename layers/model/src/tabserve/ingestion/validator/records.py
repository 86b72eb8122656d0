"""Records out of physical lines: which line begins each, which cannot be read as fields and why.

A record is one line, unless a quoted cell of it goes on over the next lines. An unclosed quote must not swallow the
rows behind it, so lines are joined only to a record that is then well formed, never across a well-formed line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from tabserve.ingestion.structure import blank, split_record, structural_rules, well_formed
from tabserve.ingestion.validator.lines import Lines

MAX_JOINED_LINES: Final = 100
MAX_JOINED_LENGTH: Final = 2**16


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """Records that follow each other, blank lines left out; `broken` names rules by place in `text`."""

    text: pl.Series
    line_numbers: pl.Series
    broken: dict[int, tuple[str, ...]]
    undecodable: dict[int, bytes]

    def undecodable_places(self) -> list[int]:
        """Return the places of the records with bytes that are no text."""
        numbers = pl.Series(list(self.undecodable), dtype=pl.UInt32)
        return (
            sorted(set((self.line_numbers.search_sorted(numbers, side="right") - 1).to_list())) if len(numbers) else []
        )

    def raw(self, line_number: int, text: str) -> bytes:
        """Return the original bytes of the record that begins at a line, line ends as line feeds."""
        if not self.undecodable:
            return text.encode()
        lines = enumerate(text.split("\n"), line_number)
        return b"\n".join(self.undecodable.get(number) or line.encode() for number, line in lines)


@dataclass(slots=True)
class RecordReader:
    """Turn lines into records; what may go on in the next chunk is kept until then."""

    width: int
    delimiter: str
    _text: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.String))
    _first_number: int = 0
    _undecodable: dict[int, bytes] = field(default_factory=dict)
    _unterminated: int | None = None

    def read(self, lines: Lines) -> RecordChunk:
        """Return the records that are complete."""
        text = lines.text
        if len(self._text):
            text = pl.concat([self._text, text])
        else:
            self._first_number = lines.first_number
        self._undecodable |= lines.undecodable
        self._unterminated = lines.unterminated
        return self._split(text, final=False)

    def finish(self) -> RecordChunk:
        """Return the records that waited for a line that never came."""
        return self._split(self._text, final=True)

    def _split(self, text: pl.Series, final: bool) -> RecordChunk:
        formed = text.str.contains(f"^{well_formed(self.width, self.delimiter)}$")
        malformed = (~formed).arg_true()
        if not len(malformed):
            return self._records(text, pl.Series([], dtype=pl.UInt32), {}, {}, len(text))
        pass_ = _Malformed(
            self.width, self.delimiter, malformed.to_list(), text.gather(malformed).to_list(), len(text), final
        )
        pass_.run()
        dropped = pl.Series(pass_.dropped, dtype=pl.UInt32)
        broken = {i: self._first_number + i == self._unterminated for i in pass_.broken}
        return self._records(text, dropped, pass_.joined, broken, pass_.end)

    def _records(
        self, text: pl.Series, dropped: pl.Series, joined: dict[int, str], broken: dict[int, bool], end: int
    ) -> RecordChunk:
        first = self._first_number
        numbers = pl.int_range(first, first + end, dtype=pl.UInt32, eager=True)
        self._text, kept = text.slice(end), text.slice(0, end)
        self._first_number = first + end
        undecodable = {n: b for n, b in self._undecodable.items() if n < first + end}
        self._undecodable = {n: b for n, b in self._undecodable.items() if n >= first + end}
        if joined:
            kept = kept.scatter(list(joined), list(joined.values()))
        places = {i: i for i in broken}
        if len(dropped):
            keep = ~pl.int_range(end, dtype=pl.UInt32, eager=True).is_in(dropped.implode())
            shift = keep.cast(pl.UInt32).cum_sum() - 1
            places = dict(zip(broken, shift.gather(list(broken)).to_list(), strict=True))
            kept, numbers = kept.filter(keep), numbers.filter(keep)
        texts = dict(zip(broken, kept.gather(list(places.values())).to_list(), strict=True))
        rules = {places[i]: structural_rules(texts[i], self.width, self.delimiter, last) for i, last in broken.items()}
        return RecordChunk(kept, numbers, rules, undecodable)


@dataclass(slots=True)
class _Malformed:
    """Go over the lines that are no record by themselves: blank, part of a longer record, or broken."""

    width: int
    delimiter: str
    places: list[int]
    texts: list[str]
    end: int
    final: bool
    dropped: list[int] = field(default_factory=list)
    joined: dict[int, str] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)

    def run(self) -> None:
        index = 0
        while index < len(self.places):
            text, place = self.texts[index], self.places[index]
            used = 1
            if not text.strip(blank(self.delimiter)):
                self.dropped.append(place)
            elif text.count('"') % 2 == 0:
                self.broken.append(place)
            else:
                found = self._join(index)
                if found is None:
                    self.end = place
                    return
                used = found
            index += used

    def _join(self, index: int) -> int | None:
        """Return how many lines the record at `index` takes; None when later lines must be seen first."""
        text = self.texts[index]
        for used, (position, line) in enumerate(self._adjacent(index), 2):
            text += "\n" + line
            if len(text) > MAX_JOINED_LENGTH or used > MAX_JOINED_LINES:
                break
            if line.count('"') % 2:
                fields, problems = split_record(text, self.delimiter)
                if problems or len(fields) != self.width:
                    break
                self.joined[self.places[index]] = text
                self.dropped.extend(self.places[index + 1 : position + 1])
                return used
        else:
            if not self.final and self._reaches_the_end(index):
                return None
        self.broken.append(self.places[index])
        return 1

    def _adjacent(self, index: int) -> Iterator[tuple[int, str]]:
        for position in range(index + 1, len(self.places)):
            if self.places[position] != self.places[index] + position - index:
                return
            yield position, self.texts[position]

    def _reaches_the_end(self, index: int) -> bool:
        return self.places[-1] == self.end - 1 and self.places[-1] - self.places[index] == len(self.places) - 1 - index
