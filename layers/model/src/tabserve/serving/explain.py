"""Tell what each value of a record adds to its prediction; nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from tabserve.core.derivation import with_derived
from tabserve.core.errors import NoReferenceError, NoValidRecordsError
from tabserve.core.records import Features
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate
from tabserve.serving import explanation
from tabserve.serving.explanation import Explanation
from tabserve.serving.service import PredictDependencies


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """A record's explanation by the version that answers now; `inputs` is what that was asked with."""

    use_case: UseCase
    model_version: str
    inputs: Features
    explanation: Explanation


def explain(name: str, record: Mapping[str, object], deps: PredictDependencies) -> ExplainedRecord:
    """Explain one record.

    Raises UnknownUseCaseError, NoValidRecordsError, ModelError, NoReferenceError, UnavailableError.
    """
    served = deps.models.champion(name)
    use_case, model = served.use_case, served.model
    validated = validate(use_case, [record])
    if not validated.indices:
        raise NoValidRecordsError(validated.errors)
    reference = deps.references().get(use_case.name, model.version)
    if reference is None:
        raise NoReferenceError(use_case.name, model.version)
    columns = with_derived(use_case, validated.columns)
    inputs = {name: columns[name][0] for name in use_case.input_names}
    found = explanation.explain(use_case, inputs, reference.profile, model.score)
    return ExplainedRecord(use_case, model.version, inputs, found)
