"""Where predictions are kept: PostgreSQL, written in one round trip a call, or SQLite."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

from psycopg2.errors import UniqueViolation
from psycopg2.extensions import cursor

from tabserve.core.errors import LeaseLostError
from tabserve.serving import ground_truth_sql, history, metric_store
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.postgres import API_TIMEOUT_MS, Postgres
from tabserve.serving.prediction import GroundTruth, HistoryQuery, Page, Prediction, PredictionBatch, StoredReply
from tabserve.serving.rows import COLUMNS, constant, copy_text, varying

if TYPE_CHECKING:
    from tabserve.serving.sqlite_store import SqlitePredictions

INSERT = f"INSERT INTO predictions ({', '.join(COLUMNS)})"
ONE_ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
LINES = "string_to_table(%s, E'\\n')"
SPLIT_ON_SERVER = f"""{INSERT}
    SELECT c0::uuid, c1::json, c2, c3::double precision, c4::json, nullif(c5, ''), nullif(c6, '')::integer,
           %s, %s, %s, %s, %s::timestamptz, %s
    FROM ROWS FROM ({", ".join([LINES] * 7)}) AS texts (c0, c1, c2, c3, c4, c5, c6)
    ON CONFLICT DO NOTHING"""  # noqa: S608  nothing but constants
ONCE = f"""WITH claimed AS (
    INSERT INTO idempotency_keys (key, use_case, body_sha256, status, response, created_at)
    VALUES (%s, %s, %s, 200, %s, %s) ON CONFLICT DO NOTHING RETURNING key
), written AS (
    {SPLIT_ON_SERVER.replace("ON CONFLICT", "WHERE EXISTS (SELECT FROM claimed) ON CONFLICT")}
)
SELECT key FROM claimed"""  # noqa: S608  nothing but constants
REPLY = "SELECT use_case, body_sha256, response::text, created_at FROM idempotency_keys WHERE key = %s"
COPY = f"COPY predictions ({', '.join(COLUMNS)}) FROM STDIN WITH (NULL '')"

# Writers of one file wait for each other here, and whoever was overtaken writes nothing.
HOLD = """UPDATE ingestions SET prediction_fence = %(fence)s
    WHERE file_id = %(file_id)s AND prediction_fence <= %(fence)s"""

FEW_ROWS = 4
MANY_ROWS = 200


def prediction_store(
    url: str, timeout_ms: int = API_TIMEOUT_MS, role: str | None = None
) -> "PostgresPredictions | SqlitePredictions":
    """Return the store of a database, by its URL."""
    if url.startswith("sqlite"):
        from tabserve.serving.sqlite_store import SqlitePredictions

        return SqlitePredictions(url)
    return PostgresPredictions(Postgres(url, timeout_ms, role))


class PostgresPredictions:
    """Predictions in PostgreSQL.

    Ids come with the rows, so every way of writing can be repeated when the outcome of the first attempt is unknown.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def add(self, *batches: PredictionBatch) -> None:
        """Store each batch wholly or not at all, small ones together; rows that are there already stay as they are."""
        if few := [batch for batch in batches if len(batch) <= FEW_ROWS]:
            self._postgres.run(lambda to, _again: _insert_rows(to, *few))
        for batch in batches:
            if len(batch) > FEW_ROWS:
                self._add_many(batch)

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        """Store rows of a file wholly or not at all, with the fence of the claim on it; raise LeaseLostError."""
        self._postgres.run(lambda to, _again: _add_of_file(to, batch, fence))

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        """Store a batch with its reply, in one round trip, or return the reply stored first under the key."""
        return self._postgres.run(lambda to, _again: _add_once(to, batch, reply))

    def find_reply(self, key: str) -> StoredReply | None:
        """Return the reply stored under a key."""
        return self._postgres.run(lambda to, _again: _find(to, key))

    def record_ground_truth(self, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
        """Store ground truth; return for each whether its prediction exists."""
        return self._postgres.run(lambda to, _again: ground_truth_sql.record(to, use_case, truths, at))

    def past(self, query: HistoryQuery) -> Page:
        """Read a page, newest first."""
        sql = history.statement(query, lambda name: f"%({name})s")
        parameters = history.parameters(query, lambda time: time)
        return history.page(query, self._postgres.run(lambda to, _again: _read(to, sql, parameters)))

    def families(self) -> Sequence[Family]:
        """Count everything; what no statement adds to any more is counted once."""
        metric_store.roll_up(self._postgres.rows)
        return metric_store.families(self._postgres.rows)

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add an instance's counts to those of all instances."""
        metric_store.add_requests(self._postgres.rows, counts)

    def reachable(self) -> bool:
        """Tell whether the database answers now."""
        return self._postgres.reachable()

    def _add_many(self, batch: PredictionBatch) -> None:
        if len(batch) < MANY_ROWS:
            self._postgres.run(lambda to, _again: _insert(to, batch))
        else:
            self._postgres.run(lambda to, again: _insert(to, batch) if again else _copy(to, batch))


def _insert_rows(to: cursor, *batches: PredictionBatch) -> None:
    """Write rows as literals: the fastest for a few."""
    values: list[Any] = []
    for batch in batches:
        rest = constant(batch)
        values += [text or None for row in zip(*varying(batch), strict=True) for text in (*row, *rest)]
    rows = ",".join([ONE_ROW] * sum(map(len, batches)))
    to.execute(f"{INSERT} VALUES {rows} ON CONFLICT DO NOTHING", values)


def _insert(to: cursor, batch: PredictionBatch) -> None:
    """Write each column as one literal that the server splits: half the time of row literals."""
    columns = list(map("\n".join, varying(batch)))
    if any(column.count("\n") != len(batch) - 1 for column in columns):  # a text of several lines among them
        _insert_rows(to, batch)
    else:
        to.execute(SPLIT_ON_SERVER, (*constant(batch), *columns))


def _add_of_file(to: cursor, batch: PredictionBatch, fence: int) -> None:
    with to.connection:  # a transaction
        to.execute(HOLD, {"fence": fence, "file_id": batch.file_id})
        if not to.rowcount:
            raise LeaseLostError(f"there is a newer claim on file {batch.file_id}")
        _insert(to, batch)


def _add_once(to: cursor, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
    claim = (reply.key, reply.use_case, reply.body_sha256, reply.response.decode(), reply.created_at)
    to.execute(ONCE, (*claim, *constant(batch), *map("\n".join, varying(batch))))
    if to.fetchone():
        return None
    # Another call holds the key; ours waited for its commit, so its reply is there.
    return _find(to, reply.key)


def _find(to: cursor, key: str) -> StoredReply | None:
    to.execute(REPLY, (key,))
    row = to.fetchone()
    if row is None:
        return None
    use_case, body_sha256, response, created_at = row
    return StoredReply(key, use_case, body_sha256, response.encode(), created_at)


def _copy(to: cursor, batch: PredictionBatch) -> None:
    """Write with COPY, which takes a second round trip but two thirds of the time; it knows no ON CONFLICT."""
    text = copy_text(batch)
    try:
        to.copy_expert(COPY, StringIO(text), size=len(text))
    except UniqueViolation:
        _insert(to, batch)


def _read(to: cursor, sql: str, parameters: Mapping[str, object]) -> list[Prediction]:
    to.execute(sql, parameters)
    return [Prediction(*row) for row in to]
