"""What the report on a raw file tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tabserve.core.files import Ingestion
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Split


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict with samples of bad rows, the model's reference by column."""

    ingestion: Ingestion
    split: Split
    samples: Sequence[BadRow] = ()
    reference: Mapping[str, ColumnStatistics] = field(default_factory=dict)
