"""Split a dataset into raw files and spoil some of their rows, noting what the ingestion must find."""

import gzip
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from raw_files.cells import CELL_DEFECTS, Cell, spoiled
from raw_files.rows import ROW_DEFECTS, Row, RowDefect, row_defects, unknown_to
from tabserve.core.use_case import UseCase
from tabserve.ingestion.structure import write_record
from tabserve.training.dataset import Dataset

KINDS = (*CELL_DEFECTS, *ROW_DEFECTS)


@dataclass(frozen=True)
class SpoiledRow:
    """A spoiled row: its number among the data rows, what was done to it and the rules it must break."""

    row_number: int
    kind: str
    column: str
    rules: tuple[str, ...]


@dataclass
class SplitFile:
    """One raw file and the truth about it."""

    name: str
    content: bytes = b""
    rows_total: int = 0
    good: list[int] = field(default_factory=list)
    bad: list[SpoiledRow] = field(default_factory=list)

    def truth(self) -> dict[str, object]:
        """Return what the ingestion must find in this file."""
        bad = [asdict(row) for row in self.bad]
        return {"name": self.name, "rows_total": self.rows_total, "good": self.good, "bad": bad}


def split_dataset(use_case: UseCase, dataset: Dataset, files: int, errors: float, seed: int) -> Iterator[SplitFile]:
    """Yield raw files with about the share `errors` of bad rows; kinds of defects take turns, in shuffled order."""
    chance = random.Random(seed)  # noqa: S311  not for secrets
    rows = [tuple(row) for row in dataset.rows]
    chance.shuffle(rows)
    places = _spoiled(len(rows), round(errors * len(rows)), len(rows) // files - 1, chance)
    kinds = _Turns(use_case, chance)
    width = len(str(files))
    ending = ".csv.gz" if use_case.format.compression == "gzip" else ".csv"
    start = 0
    for number in range(1, files + 1):
        stop = len(rows) * number // files
        writer = _Writer(use_case, dataset.header, kinds, chance)
        yield writer.file(
            f"{use_case.name}-{number:0{width}}{ending}", rows[start:stop], {place - start for place in places}
        )
        start = stop


def _spoiled(rows: int, count: int, certain: int, chance: random.Random) -> set[int]:
    """Choose rows to spoil, the first file's last one among them: only there a line can be cut short."""
    others = [place for place in range(rows) if place != certain]
    return {certain, *chance.sample(others, count - 1)} if count else set()


class _Turns:
    """Hand out the kinds a use case can have, each once before any comes twice."""

    def __init__(self, use_case: UseCase, chance: random.Random) -> None:
        kinds = [kind for kind, defect in CELL_DEFECTS.items() if defect.columns(use_case)]
        kinds += row_defects(use_case)
        chance.shuffle(kinds)
        self._waiting = deque(sorted(kinds, key=lambda kind: not (kind in ROW_DEFECTS and ROW_DEFECTS[kind].last_only)))

    def next(self, *, last: bool, first: bool) -> str:
        for kind in self._waiting:
            defect = ROW_DEFECTS.get(kind)
            if defect and ((defect.last_only and not last) or (defect.needs_row_before and first)):
                continue
            self._waiting.remove(kind)
            self._waiting.append(kind)
            return kind
        raise AssertionError("cell defects fit anywhere")


class _Writer:
    """Write one file."""

    def __init__(self, use_case: UseCase, header: tuple[str, ...], kinds: _Turns, chance: random.Random) -> None:
        self._use_case = use_case
        self._header = header
        self._kinds = kinds
        self._chance = chance
        self._id_place = header.index(use_case.id_column or use_case.target.name)
        self._unknown, self._errors = unknown_to(use_case.format)
        self._lines = [self._record(header)]
        self._before: list[tuple[str, ...]] = []

    def file(self, name: str, rows: Sequence[tuple[str, ...]], spoiled: set[int]) -> SplitFile:
        file = SplitFile(name)
        cut = False
        for place, cells in enumerate(rows):
            if place not in spoiled:
                self._add_good(file, cells)
                continue
            last = place == len(rows) - 1
            kind = self._kinds.next(last=last, first=not self._before)
            cut = kind == "truncated_line"
            self._add_bad(file, cells, kind)
        text = "\n".join(self._lines) + ("" if cut else "\n")
        content = text.encode(self._use_case.format.encoding, self._errors)
        file.content = gzip.compress(content, mtime=0) if self._use_case.format.compression == "gzip" else content
        return file

    def _record(self, cells: Sequence[str]) -> str:
        return write_record(cells, self._use_case.format.delimiter)

    def _add_good(self, file: SplitFile, cells: tuple[str, ...]) -> None:
        file.rows_total += 1
        file.good.append(file.rows_total)
        self._lines.append(self._record(cells))
        self._before.append(cells)

    def _add_bad(self, file: SplitFile, cells: tuple[str, ...], kind: str) -> None:
        if kind in ROW_DEFECTS:
            defect = ROW_DEFECTS[kind]
            if defect.extra:
                self._add_good(file, cells)
            line, column, rules = self._spoiled_row(defect, cells), "", defect.rules
        else:
            line, column, rules = self._spoiled_cell(kind, cells)
        file.rows_total += 1
        file.bad.append(SpoiledRow(file.rows_total, kind, column, rules))
        self._lines.append(line)

    def _spoiled_row(self, defect: RowDefect, cells: tuple[str, ...]) -> str:
        delimiter = self._use_case.format.delimiter
        row = Row(cells, self._id_place, self._header, self._before, delimiter, self._unknown)
        return defect.write(row, self._chance)

    def _spoiled_cell(self, kind: str, cells: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
        column, feature = self._chance.choice(CELL_DEFECTS[kind].columns(self._use_case))
        place = self._header.index(column)
        text = "" if cells[place] in self._use_case.missing_values else cells[place]
        written, rules = spoiled(kind, Cell(column, feature, text), self._use_case, self._chance)
        return self._record((*cells[:place], written, *cells[place + 1 :])), column, rules
