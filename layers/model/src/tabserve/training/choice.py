"""What a model is made of: the estimator, its parameters and how its classes are balanced."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tabserve.core.training import Balance, Estimator, Scalar
from tabserve.core.use_case import UseCase


@dataclass(frozen=True, slots=True)
class Choice:
    """One estimator with the parameters that differ from its default ones, by the names of its library."""

    estimator: Estimator
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    balance: Balance | None = None
    calibrated: bool = False


def first_choices(use_case: UseCase) -> tuple[Choice, ...]:
    """Return the candidates of a definition as they are before any search, the simplest first."""
    settings = use_case.training
    return tuple(Choice(name, settings.parameters, settings.balance) for name in use_case.candidates)
