"""Ids and rows that were in the file before, found in linear time: 16 bytes an id.

An id is known by 96 bits: a hash of 64 that it is found by, and another of 32 that must agree, for one file in ten
thousand has two ids of the same 64 bits. Hashes are kept in sorted runs. A new run is merged with the last one as long
as that is not larger, as in a log-structured merge tree, so a hash is moved a few times whatever the number of rows;
large runs are left alone, so that merging takes little memory beside them.
"""

from typing import Final

import polars as pl

LARGE: Final = 2**22
CHECK_SEED: Final = 1
KEPT: Final = ("key", "check", "record")
# A row of an id that came before is found by both hashes.
ROW: Final = (pl.col("key") ^ pl.col("record").cast(pl.UInt64) * 2**32).alias("key")


def hashed(texts: pl.Series, seed: int = CHECK_SEED) -> pl.Series:
    """Return 32 bits of a hash of each text."""
    return texts.hash(seed).cast(pl.UInt32, wrap_numerical=True)


class SortedRuns:
    """A growing set of keys with their checks and what else is kept beside them."""

    def __init__(self, large: int = LARGE) -> None:
        """Merge runs until they have so many keys."""
        self._runs: list[pl.DataFrame] = []
        self._large = large

    def find(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Return those rows of a frame, sorted by `key`, that are in the set, with what was kept as `NAME_kept`."""
        found = [
            asked.join_asof(
                run, on="key", strategy="backward", suffix="_kept", coalesce=False, check_sortedness=False
            ).filter(pl.col("key") == pl.col("key_kept"), pl.col("check") == pl.col("check_kept"))
            for run in self._runs or [asked.clear()]
        ]
        return pl.concat(found)

    def add(self, run: pl.DataFrame) -> None:
        """Take in a frame that is sorted by `key`."""
        while self._runs and len(self._runs[-1]) <= len(run) and len(self._runs[-1]) < self._large:
            run = self._runs.pop().merge_sorted(run, "key")
        self._runs.append(run)


class Duplicates:
    """The ids of one file, each with its first row, and the other rows of those ids."""

    def __init__(self, large: int = LARGE) -> None:
        """Keep hashes in memory until so many are in one run."""
        self._first, self._repeated = SortedRuns(large), SortedRuns(large)

    def find(self, ids: pl.Series, records: pl.Series) -> dict[int, bool]:
        """Return the places whose id was there before, and whether the whole record was."""
        hashes = {"key": ids.hash(), "check": hashed(ids), "record": hashed(records)}
        rows = pl.DataFrame(hashes).with_row_index("place").sort("key", maintain_order=True)
        known = self._first.find(rows)
        again = rows["key"] == rows["key"].shift(1)
        if not len(known) and not again.any():
            self._first.add(rows.select(KEPT))
            return {}
        doubtful = rows.filter(pl.col("key").is_in(pl.concat([known["key"], rows["key"].filter(again)]).implode()))
        found = self._compare(doubtful.sort("place"), known)
        repeated = pl.col("place").is_in(pl.Series(list(found), dtype=rows.schema["place"]).implode())
        self._first.add(rows.filter(~repeated).select(KEPT))
        self._repeated.add(rows.filter(repeated).select(ROW, "check").unique().sort("key"))
        return found

    def _compare(self, rows: pl.DataFrame, known: pl.DataFrame) -> dict[int, bool]:
        firsts = {
            (key, check): record for key, check, record in known.select("key", "check", "record_kept").iter_rows()
        }
        asked = rows.select("place", ROW, "check").sort("key")
        seen_before = set(self._repeated.find(asked)["place"])
        seen: set[tuple[int, int, int]] = set()
        found = {}
        for place, key, check, record in rows.iter_rows():
            if (key, check) not in firsts:
                firsts[key, check] = record
                continue
            found[place] = record == firsts[key, check] or place in seen_before or (key, check, record) in seen
            seen.add((key, check, record))
        return found
