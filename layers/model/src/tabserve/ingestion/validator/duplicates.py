"""Ids and rows that were in the file before: 12 bytes a row are kept, whatever the file's size."""

from dataclasses import dataclass, field

import polars as pl


@dataclass(slots=True)
class Duplicates:
    """Remember ids as 64-bit hashes and rows as 32-bit ones; rows are compared only where the id is the same."""

    _seen: list[pl.DataFrame] = field(default_factory=list)

    def find(self, ids: pl.Series, records: pl.Series) -> dict[int, bool]:
        """Return the places whose id was there before, and whether the whole record was."""
        chunk = pl.DataFrame({"id": ids.hash(), "record": (records.hash() % 2**32).cast(pl.UInt32)})
        same_id = pl.col("id").is_in(chunk["id"].implode())
        earlier = [frame for frame in (seen.filter(same_id) for seen in self._seen) if len(frame)]
        self._seen.append(chunk)
        first = chunk["id"].is_first_distinct()
        if first.all() and not earlier:
            return {}
        known = pl.concat(earlier) if earlier else chunk.clear()
        repeated = ~first | chunk["id"].is_in(known["id"].implode())
        doubtful = chunk["id"].filter(repeated).implode()
        pairs = set(known.iter_rows())
        found = {}
        for place, repeats, key in self._rows(chunk, repeated, doubtful):
            if repeats:
                found[place] = key in pairs
            pairs.add(key)
        return found

    @staticmethod
    def _rows(chunk: pl.DataFrame, repeated: pl.Series, doubtful: pl.Series) -> list[tuple[int, bool, tuple[int, int]]]:
        rows = chunk.with_row_index("place").with_columns(repeated.alias("repeated"))
        rows = rows.filter(pl.col("id").is_in(doubtful))
        return [(place, repeats, (id_, record)) for place, id_, record, repeats in rows.iter_rows()]
