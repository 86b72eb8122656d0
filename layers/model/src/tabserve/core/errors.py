"""Every error tabserve raises on purpose.

TabserveError
├── SettingsError               a setting is missing or malformed
├── UseCaseError                a use-case definition breaks a rule
├── UnknownUseCaseError         no use case has this name
│   └── RetiredUseCaseError     the use case was retired
├── UnknownVersionError         a use case has no such version, or it has no such file
├── UnknownFileError            no raw file has this id, or it has no report
├── RequestError                a request as a whole cannot be answered
│   ├── MalformedBodyError      a body is not the strict JSON it should be
│   ├── InvalidFieldError       a field of a request breaks a rule
│   ├── NoValidRecordsError     every record of a request was refused
│   ├── IdempotencyConflictError  a key was used for another request
│   └── TooManyRecordsError     more records than one call may carry
├── DraftError                  no definition can be drafted from a table
├── MissingPackageError         something asked for needs a package that is not installed
├── TrainingDataError           training data breaks its use case's rules
├── FileRejectedError           a raw file cannot be split into good and bad rows
├── ModelError                  a model cannot be used
│   ├── NoModelError            no version is registered for a use case
│   ├── NoReferenceError        a version has no reference to compare with
│   ├── IncompatibleModelError  a version was trained on another definition
│   ├── ExportError             a model, or one of its steps, has no exact ONNX form
│   ├── ImportRefusedError      a model that was made elsewhere cannot be taken
│   ├── ParityError             exported and original model disagree
│   ├── AcceptanceError         a version misses its use case's acceptance limits
│   ├── ReleaseError            a version may not be released so
│   └── AliasMovedError         somebody else moved the alias meanwhile
├── LeaseLostError              another worker took over a file
├── StatementRefusedError       the database refused a statement: a bug
└── UnavailableError            something tabserve depends on is away; try again later
    ├── DatabaseUnavailableError
    ├── StorageUnavailableError
    ├── PredictionServiceError  the prediction function did not answer
    ├── OvertakenError          another worker stored another result of a raw file meanwhile
    └── AlertDeliveryError      an alert did not reach a channel
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tabserve.core.records import FailureCase


class TabserveError(Exception):
    """Root of all errors raised on purpose."""


class SettingsError(TabserveError):
    """Name the setting and what would be right, in one sentence."""


class UseCaseError(TabserveError):
    """Name the definition, the field and the rule it breaks."""


class UnknownUseCaseError(TabserveError):
    """Carry the unknown name and the names that exist."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.known = tuple(known)
        super().__init__(f"Unknown use case {name!r}; known: {', '.join(self.known) or 'none'}.")


class RetiredUseCaseError(UnknownUseCaseError):
    """The use case was retired: it takes no records and files any more."""

    def __init__(self, name: str) -> None:
        back = "to bring it back, promote one of its versions with scripts/models.py"
        TabserveError.__init__(self, f"The use case {name!r} is retired; {back}.")
        self.known = ()


class UnknownVersionError(TabserveError):
    """Name the version, or what it lacks, and the remedy."""


class UnknownFileError(TabserveError):
    """No raw file has this id, or it has no report."""


class RequestError(TabserveError):
    """A request as a whole cannot be answered."""


class MalformedBodyError(RequestError):
    """Say where a body stops being strict JSON."""


class InvalidFieldError(RequestError):
    """Name the field of a request, the rule it breaks and what would be right."""

    def __init__(self, field: str, rule: str, message: str) -> None:
        self.field = field
        self.rule = rule
        super().__init__(message)


class NoValidRecordsError(RequestError):
    """Carry the refusals of every record, by index."""

    def __init__(self, errors: Mapping[int, tuple[FailureCase, ...]]) -> None:
        self.errors = errors
        super().__init__("No record of the request is valid.")


class IdempotencyConflictError(RequestError):
    """A key was used for another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another body; use a new key for a new request.")


class TooManyRecordsError(RequestError):
    """Say how many records one call may carry."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(
            f"{count} records in one call; at most {limit} are allowed. Put larger sets as a CSV into the raw bucket."
        )


class FileRejectedError(TabserveError):
    """Carry the broken rule, a sentence for the person who sent the file, and the header where that is wrong."""

    def __init__(self, rule: str, message: str, header: Sequence[str] = ()) -> None:
        self.rule = rule
        self.message = message
        self.header = tuple(header)
        super().__init__(message)


class DraftError(TabserveError):
    """Name the table, the column and what would be right."""


class MissingPackageError(TabserveError):
    """Name the package and how it is installed."""


class TrainingDataError(TabserveError):
    """Name the file, the columns and the rules its rows break."""


class ModelError(TabserveError):
    """A model cannot be used."""


class NoModelError(ModelError):
    """No version is registered for a use case."""

    def __init__(self, use_case: str) -> None:
        super().__init__(f"No model is registered for use case {use_case!r}; train one with scripts/train.py.")


class NoReferenceError(ModelError):
    """A version has no reference to compare with."""

    def __init__(self, use_case: str, version: str) -> None:
        super().__init__(f"Model {version} of {use_case!r} has no reference; train a new version.")


class IncompatibleModelError(ModelError):
    """A version was trained on another definition of its use case."""


class ExportError(ModelError):
    """Name the step that has no exact ONNX form, why, and what would have one."""


class ImportRefusedError(ModelError):
    """Say why a model that was made elsewhere is not taken, and what would be."""


class ParityError(ModelError):
    """The exported model does not answer like the original."""


class AcceptanceError(ModelError):
    """A version misses an acceptance limit of its use case."""


class ReleaseError(ModelError):
    """Say why a version may not answer, or not so, and what would be right."""


class AliasMovedError(ModelError):
    """Say who moved the alias meanwhile, and to what; nothing was changed by the caller."""


class LeaseLostError(TabserveError):
    """Another worker took over a file, or finished it; stop without touching it."""


class StatementRefusedError(TabserveError):
    """The database refused a statement, a bug; name the kind of error and the table, never a value."""


class UnavailableError(TabserveError):
    """Something tabserve depends on is away; the same call may succeed later."""


class DatabaseUnavailableError(UnavailableError):
    """The database cannot be reached or is shutting down; `passing` when trying again at once may help."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(message)


class StorageUnavailableError(UnavailableError):
    """The object store cannot be reached."""


class OvertakenError(UnavailableError):
    """Another worker stored another result of a raw file meanwhile; the next delivery sees whether it holds."""


class PredictionServiceError(UnavailableError):
    """The prediction function did not answer, or not as it should."""


class AlertDeliveryError(UnavailableError):
    """An alert did not reach a channel."""
