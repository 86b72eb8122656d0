"""Use cases from a folder of YAML files."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tabserve.core.derived import KINDS
from tabserve.core.errors import UnknownUseCaseError, UseCaseError
from tabserve.core.use_case import UseCase


class Catalog(Protocol):
    """The use cases that exist."""

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""

    def retired(self) -> Sequence[str]:
        """Return the names of the use cases that were retired, sorted."""

    def knows(self, name: str) -> bool:
        """Tell whether there is a definition of this name, retired or not."""

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError."""

    def judged_by(self, name: str, contract_sha256: str | None) -> UseCase:
        """Return the definition whose contract begins so; where nobody knows it any more, the one of now."""


class YamlCatalog:
    """All use cases found as `NAME.yaml` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, UseCase] = {}

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""
        return list(self._paths)

    def retired(self) -> Sequence[str]:
        """Return no names: a folder retires nothing."""
        return []

    def knows(self, name: str) -> bool:
        """Tell whether there is a definition of this name."""
        return name in self._paths

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError, or UseCaseError when its file breaks a rule."""
        if name not in self._loaded:
            if name not in self._paths:
                raise UnknownUseCaseError(name, self.names())
            self._loaded[name] = load_use_case(self._paths[name])
        return self._loaded[name]

    def judged_by(self, name: str, contract_sha256: str | None) -> UseCase:  # noqa: ARG002  a folder has no past
        """Return the definition of now; raise UnknownUseCaseError."""
        return self.get(name)

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        return {path.stem: path for path in sorted(self._folder.glob("*.yaml"))}


def load_use_case(path: Path) -> UseCase:
    """Read one definition; raise UseCaseError naming the file, the fields and the rules they break."""
    import yaml  # a function whose champion is packed with its definition reads no file

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506  # a safe loader, the C one
        use_case = UseCase.model_validate(content)
    except yaml.YAMLError as error:
        raise UseCaseError(f"{path.name} is not YAML: {error}") from error
    except ValidationError as error:
        raise UseCaseError(f"{path.name}: {sentences(error)}") from error
    if use_case.name != path.stem:
        raise UseCaseError(f"{path.name}: name is {use_case.name!r}; a definition is named like its file")
    return use_case


def sentences(error: ValidationError) -> str:
    """Return what is wrong with a definition, the fields by their names."""
    return "; ".join(map(_sentence, error.errors()))


def _sentence(item: ErrorDetails) -> str:
    where = ".".join(str(part) for part in item["loc"] if part not in KINDS)
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "there is no such field; see docs/models.md, or update tabserve if a newer one wrote the definition"
    return f"{where}: {message}" if where else message
