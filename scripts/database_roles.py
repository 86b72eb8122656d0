"""The database roles of the functions: each has the rights to tables that its function needs, and no others (ADR 16).

All log in as one role that has no rights itself and takes on the role of its function when it connects.
"""

from collections.abc import Mapping, Sequence

from psycopg2.extensions import encrypt_password
from sqlalchemy import Connection

from tabserve.core.connection import role_name

LOGIN = "tabserve_app"
READ, ADD, CHANGE, REMOVE = "SELECT", "INSERT", "UPDATE", "DELETE"
GRANTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "predict": {
        "predictions": (READ, ADD),
        "challenger_predictions": (ADD,),
        "scoring_counts": (READ, ADD, CHANGE),
        "idempotency_keys": (READ, ADD),
        "ground_truth": (READ, ADD, CHANGE),
        "request_counts": (READ, ADD, CHANGE),
        "prediction_totals": (READ, ADD, CHANGE),
        "rollups": (READ, CHANGE),
        "ingestions": (READ, "UPDATE (prediction_fence)"),
        "data_quality_issues": (READ,),
        "prediction_runs": (READ,),
        "drift_metrics": (READ,),
        "performance_metrics": (READ,),
        "alerts": (READ, ADD, "UPDATE (acknowledged_at)"),
        "current_alerts": (READ,),
    },
    "ingest": {
        "ingestions": (READ, ADD, CHANGE),
        "data_quality_issues": (READ, ADD, REMOVE),
        "column_statistics": (READ, ADD, REMOVE),
        "bad_rows": (READ, ADD, REMOVE),
        "alerts": (READ, ADD),
    },
    "scheduled_predict": {
        "ingestions": (READ, CHANGE),
        "predictions": (READ,),
        "prediction_runs": (READ, ADD),
        "alerts": (READ, ADD),
    },
    "monitor": {
        "predictions": (READ,),
        "ground_truth": (READ,),
        "ingestions": (READ,),
        "drift_metrics": (READ, ADD),
        "performance_metrics": (READ, ADD, CHANGE),
        "alerts": (READ, ADD),
    },
    "sweep": {"ingestions": (READ,), "alerts": (READ, ADD), "rollups": (READ, CHANGE)},
    "alerts": {"alerts": (READ, CHANGE)},
}


def grant(connection: Connection) -> None:
    """Create the roles that are not there and give each exactly its rights."""
    _create(connection, LOGIN, "NOINHERIT")
    for function, tables in GRANTS.items():
        role = role_name(function)
        _create(connection, role)
        connection.exec_driver_sql(f"GRANT {role} TO {LOGIN}")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {role}")
        connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        for table, rights in tables.items():
            connection.exec_driver_sql(f"GRANT {', '.join(rights)} ON {table} TO {role}")


def set_password(connection: Connection, role: str, password: str) -> None:
    """Let a role log in; the server, and with it its log, gets no more than a hash."""
    driver = connection.connection.driver_connection
    hashed = encrypt_password(password, role, scope=driver, algorithm="scram-sha-256")
    connection.exec_driver_sql(f"ALTER ROLE {role} LOGIN PASSWORD '{hashed}'")


def limit_connections(connection: Connection, role: str, limit: int) -> None:
    """Let at most so many sessions of a role be open at once; the server refuses one more."""
    connection.exec_driver_sql(f"ALTER ROLE {role} CONNECTION LIMIT {limit:d}")


def _create(connection: Connection, role: str, options: str = "") -> None:
    """Create a role unless it is there; roles belong to the server, so another database's migration may do so too."""
    connection.exec_driver_sql(
        f"DO $$ BEGIN CREATE ROLE {role} {options}; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
