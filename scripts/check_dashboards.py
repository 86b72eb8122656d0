"""Check the dashboards: written by the code, well formed, and every query runs on the newest schema as the reader."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, create_engine, make_url

import migrate
from embedded_postgres import embedded_postgres
from grafana import alerting, lint, shape, write
from grafana.macros import expand

READER_PASSWORD = "reader"  # noqa: S105  of a database that lives for seconds
VARIABLES = {"use_case": "none", "feature": "none", "page": ""}


def main() -> int:
    """Print every problem; exit with 1 if there is one."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    found = [
        f"{path.relative_to(write.FOLDER.parent)} is not what the code writes: run make dashboards"
        for path in write.stale()
    ]
    documents = write.documents()
    for document in documents.values():
        found += lint.problems(document)
    found += run_on_empty_database(documents)
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{len(documents)} dashboards, {sum(len(each['panels']) for each in documents.values())} panels: well.")
    return 1 if found else 0


def run_on_empty_database(documents: dict[str, Any]) -> list[str]:
    """Run every query on a database of its own."""
    with embedded_postgres() as url:
        migrate.migrate(url, reader_password=READER_PASSWORD)
        reader = create_engine(reader_url(url))
        now = datetime.now(UTC)
        found = list(query_problems(reader, documents, now - timedelta(hours=6), now, VARIABLES))
        reader.dispose()
        return found


def reader_url(url: str) -> str:
    """Return the URL of the role that can only read."""
    reader = make_url(url).set(drivername="postgresql+psycopg2", username=migrate.READER, password=READER_PASSWORD)
    return reader.render_as_string(hide_password=False)


def query_problems(
    reader: Engine, documents: dict[str, Any], start: datetime, end: datetime, variables: dict[str, str]
) -> Iterator[str]:
    """Run every query of every dashboard and alert rule and yield what fails or cannot be drawn."""
    for document in documents.values():
        for query in lint.queries(document):
            where = f"{document['title']}, {query.panel!r}"
            try:
                sql = expand(query.sql, start, end, variables)
                names, rows = run(reader, sql)
            except Exception as error:  # noqa: BLE001  whatever the driver says is the finding
                yield f"{where}: {str(error).splitlines()[0]}"
                continue
            yield from (f"{where} {problem}" for problem in shape.problems(query.shape, names, rows))
    for name, sql in alerting.queries().items():
        try:
            names, rows = run(reader, sql)
        except Exception as error:  # noqa: BLE001
            yield f"alert rule {name}: {str(error).splitlines()[0]}"
            continue
        yield from (f"alert rule {name} {problem}" for problem in shape.alert_problems(names, rows))


def run(reader: Engine, sql: str) -> tuple[list[str], list[Any]]:
    """Return the names and rows of a query."""
    with reader.connect() as connection:
        result = connection.exec_driver_sql(sql.replace("%", "%%"))
        return list(result.keys()), [tuple(row) for row in result]


if __name__ == "__main__":
    sys.exit(main())
