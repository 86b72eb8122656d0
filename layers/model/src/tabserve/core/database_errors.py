"""What the database says when it fails, without the values of any row: its own messages quote them."""

from tabserve.core.errors import DatabaseUnavailableError, StatementRefusedError

AWAY = {"OperationalError", "InterfaceError"}  # as PEP 249 names them, so that no driver is imported but the one in use
LIMIT_EXCEEDED = "54"  # the class of what is too long or too many: an operational error that no retry mends
MAY_PASS = {"40001", "40P01", "57P01", "57P02", "57P03"}  # serialization, deadlock, shutdown, crash, starting up


def translated(error: BaseException, *, broken: bool = False) -> DatabaseUnavailableError | StatementRefusedError:
    """Return what to raise `from None` instead of a driver's error; `broken` tells that the connection is gone."""
    code = str(getattr(error, "pgcode", None) or "")
    if not _away(error) or code.startswith(LIMIT_EXCEEDED):
        return StatementRefusedError(f"The database refused a statement: {_described(error, code)}.")
    text = _described(error, code) if code else str(error).strip()  # without a code the client library speaks
    return DatabaseUnavailableError(text or "the database does not answer", passing=broken or code in MAY_PASS)


def _away(error: BaseException) -> bool:
    return any(kind.__name__ in AWAY for kind in type(error).__mro__)


def _described(error: BaseException, code: str) -> str:
    told = getattr(error, "diag", None)
    names = {name: getattr(told, f"{name}_name", None) for name in ("table", "column", "constraint")}
    return " ".join([type(error).__name__, code, *(f"{kind} {name}" for kind, name in names.items() if name)]).strip()
