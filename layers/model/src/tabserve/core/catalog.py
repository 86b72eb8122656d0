"""Use cases from a folder of YAML files."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import ValidationError

from tabserve.core.errors import UnknownUseCaseError, UseCaseError
from tabserve.core.use_case import UseCase


class Catalog(Protocol):
    """The use cases that exist."""

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError."""


class YamlCatalog:
    """All use cases found as `NAME.yaml` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, UseCase] = {}

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""
        return list(self._paths)

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError, or UseCaseError when its file breaks a rule."""
        if name not in self._loaded:
            if name not in self._paths:
                raise UnknownUseCaseError(name, self.names())
            self._loaded[name] = load_use_case(self._paths[name])
        return self._loaded[name]

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        return {path.stem: path for path in sorted(self._folder.glob("*.yaml"))}


def load_use_case(path: Path) -> UseCase:
    """Read one definition; raise UseCaseError naming the file, the fields and the rules they break."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506  # a safe loader, the C one
        use_case = UseCase.model_validate(content)
    except yaml.YAMLError as error:
        raise UseCaseError(f"{path.name} is not YAML: {error}") from error
    except ValidationError as error:
        raise UseCaseError(f"{path.name}: {'; '.join(_sentences(error))}") from error
    if use_case.name != path.stem:
        raise UseCaseError(f"{path.name}: name is {use_case.name!r}; a definition is named like its file")
    return use_case


def _sentences(error: ValidationError) -> Iterator[str]:
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        yield f"{where}: {message}" if where else message
