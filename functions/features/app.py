"""Good files arriving: S3 notifications in SQS messages, each message succeeding or failing by itself."""

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tabserve.core.events import GoodFile, good_files
from tabserve.core.service import seconds_left
from tabserve.features.build import features_service
from tabserve.features.service import Filled, fill_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

NAMED_ROWS: Final = 20

service = features_service()


@service.log.inject_lambda_context(clear_state=True)
@service.metrics.log_metrics
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, list[dict[str, str]]]:
    """Store what the files of every message say about entities; return the messages to be delivered again."""

    def fill(message: "Mapping[str, Any]") -> None:
        for file in good_files(message["body"]):
            _report(file, fill_features(file, service.deps, seconds_left(context)))

    return service.each_message(event, fill, "features not stored")


def _report(file: GoodFile, filled: Filled) -> None:
    log = service.log
    counts = {"rows": filled.rows, "stored": filled.stored, "older": filled.older, "refused": len(filled.refused)}
    about = {"key": file.key, "from_byte": file.offset, **counts}
    if filled.skipped or filled.malformed:
        write = log.error if filled.malformed else log.info
        write("good file left", extra={**about, "reason": filled.malformed or filled.skipped})
    else:
        log.info("features stored", extra={**about, "to_be_continued": filled.left is not None})
    if filled.refused:
        log.warning("rows refused", extra={"key": file.key, "rules": dict(islice(filled.refused.items(), NAMED_ROWS))})
    service.count(
        FeatureFiles=0 if file.offset or filled.skipped else 1,
        FeaturesStored=filled.stored,
        FeaturesOlder=filled.older,
        FeatureRowsRefused=len(filled.refused),
        MalformedGoodFiles=1 if filled.malformed else 0,
    )
