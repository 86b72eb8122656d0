"""What a connection to PostgreSQL is opened with."""

CONNECT_TIMEOUT_S = 3


def role_name(function: str) -> str:
    """Return the database role of a function; `scripts/migrate.py` creates it with the rights the function needs."""
    return f"tabserve_{function}"


def startup_options(timeout_ms: int, role: str | None) -> str:
    """Return settings of the connection; with a role it has that role's rights, whoever logged in."""
    # A worker that sleeps or vanishes in a transaction must not hold its locks for ever.
    timeouts = f"-c statement_timeout={timeout_ms} -c idle_in_transaction_session_timeout={timeout_ms}"
    return f"{timeouts} -c timezone=UTC" + (f" -c role={role}" if role else "")
