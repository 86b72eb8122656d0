"""What the database holds about each file, counted."""

from collections.abc import Sequence

from sqlalchemy import text

from tabserve.core.database import Database
from tabserve.ingestion.reconciliation import FileAccount

# A stray row is one that its file does not have or that is in quarantine.
ACCOUNTS = text("""
WITH ingested AS (
    SELECT file_id, min(key) AS key, min(status) AS status, count(*) AS ingestions, sum(rows_total) AS rows_total,
           sum(rows_good) AS rows_good, sum(rows_bad) AS rows_bad
    FROM ingestions GROUP BY file_id
), quarantine AS (
    SELECT file_id, count(*) AS quarantined FROM bad_rows GROUP BY file_id
), predicted AS (
    SELECT file_id, row_number, count(*) AS times FROM predictions WHERE source = 'scheduled' GROUP BY 1, 2
), answered AS (
    SELECT predicted.file_id, count(*) AS predicted, sum(times) AS predictions,
           count(CASE WHEN bad_rows.file_id IS NOT NULL OR ingestions.file_id IS NULL
                        OR predicted.row_number NOT BETWEEN 1 AND ingestions.rows_total THEN 1 END) AS stray
    FROM predicted
    LEFT JOIN ingestions ON ingestions.file_id = predicted.file_id
    LEFT JOIN bad_rows ON bad_rows.file_id = predicted.file_id AND bad_rows.row_number = predicted.row_number
    GROUP BY predicted.file_id
), files AS (
    SELECT file_id FROM ingested UNION SELECT file_id FROM answered
)
SELECT files.file_id, coalesce(key, ''), status, coalesce(ingested.ingestions, 0), coalesce(rows_total, 0),
       coalesce(rows_good, 0), coalesce(rows_bad, 0), coalesce(quarantined, 0), coalesce(predicted, 0),
       coalesce(predictions, 0), coalesce(stray, 0)
FROM files
LEFT JOIN ingested ON ingested.file_id = files.file_id
LEFT JOIN quarantine ON quarantine.file_id = files.file_id
LEFT JOIN answered ON answered.file_id = files.file_id
ORDER BY 2, 1
""")


def file_accounts(database: Database) -> Sequence[FileAccount]:
    """Return one account per file that was ingested or has a prediction, by key."""
    rows = database.run(lambda connection: connection.execute(ACCOUNTS).all())
    return [FileAccount(row[0], row[1], row[2], *map(int, row[3:])) for row in rows]
