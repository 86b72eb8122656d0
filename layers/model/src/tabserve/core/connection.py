"""What a connection to PostgreSQL is opened with, and what its failures mean.

A failure is told without the values of any row: the database quotes them in its own messages.
"""

from tabserve.core.errors import DatabaseUnavailableError, StatementRefusedError

CONNECT_TIMEOUT_S = 3
UNAVAILABLE = {"OperationalError", "InterfaceError"}  # by PEP 249's names: no driver is imported but the one in use
LIMIT_EXCEEDED = "54"  # the class of what is too long or too many: an operational error that no retry mends
MAY_PASS = {"40001", "40P01", "57P01", "57P02", "57P03"}  # serialization, deadlock, shutdown, crash, starting up


def role_name(function: str) -> str:
    """Return the database role of a function; `scripts/migrate.py` creates it with the rights the function needs."""
    return f"tabserve_{function}"


def startup_options(timeout_ms: int, role: str | None) -> str:
    """Return settings of the connection; with a role it has that role's rights, whoever logged in."""
    # A worker that sleeps or vanishes in a transaction must not hold its locks for ever.
    timeouts = f"-c statement_timeout={timeout_ms} -c idle_in_transaction_session_timeout={timeout_ms}"
    return f"{timeouts} -c timezone=UTC" + (f" -c role={role}" if role else "")


def translated(error: BaseException, *, broken: bool = False) -> DatabaseUnavailableError | StatementRefusedError:
    """Return what to raise `from None` instead of a driver's error; `broken` tells that the connection is gone."""
    code = str(getattr(error, "pgcode", None) or "")
    unavailable = any(kind.__name__ in UNAVAILABLE for kind in type(error).__mro__)
    if not unavailable or code.startswith(LIMIT_EXCEEDED):
        return StatementRefusedError(f"The database refused a statement: {_described(error, code)}.")
    text = _described(error, code) if code else str(error).strip()  # without a code the client library speaks
    return DatabaseUnavailableError(text or "the database does not answer", passing=broken or code in MAY_PASS)


def _described(error: BaseException, code: str) -> str:
    told = getattr(error, "diag", None)
    names = {name: getattr(told, f"{name}_name", None) for name in ("table", "column", "constraint")}
    return " ".join([type(error).__name__, code, *(f"{kind} {name}" for kind, name in names.items() if name)]).strip()
