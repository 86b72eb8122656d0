"""LocalStack: what the stack needs of it, and whether what answers is one."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from local_cloud.config import LocalCloudError

HEALTH = "/_localstack/health"
INFO = "/_localstack/info"
OLDEST = 4  # the first major version whose REST APIs are found under /_aws/execute-api
# Its free edition's Scheduler keeps schedules but starts nothing.
PARAMETERS = {"ScheduledBy": "rules"}
SERVICES = {"apigateway", "cloudformation", "cloudwatch", "dynamodb", "events", "iam", "lambda", "logs", "s3"}
SERVICES |= {"sns", "sqs", "sts"}
NAME = "localhost.localstack.cloud"  # what containers, and public name servers (127.0.0.1), know LocalStack by
LOOK_SECONDS = 10


def endpoint_in_containers(aws: str) -> str:
    """Return the address under which LocalStack's functions find it."""
    return f"http://{NAME}:{urlsplit(aws).port or 4566}"


def check(aws: str) -> None:
    """Raise LocalCloudError unless a LocalStack answers that is new enough and has every service."""
    info, health = _ask(aws + INFO), _ask(aws + HEALTH)
    version = str(info.get("version", ""))
    if not version.partition(".")[0].isdigit():
        raise LocalCloudError(f"What answers at {aws} is not LocalStack; AWS_ENDPOINT_URL must name one.")
    if int(version.partition(".")[0]) < OLDEST:
        raise LocalCloudError(f"LocalStack {version} at {aws} is too old: it must be {OLDEST}.0 or newer.")
    services = health.get("services", {})
    if lacking := [name for name in sorted(SERVICES) if services.get(name, "disabled") in {"disabled", "error"}]:
        raise LocalCloudError(f"LocalStack at {aws} lacks {', '.join(lacking)}: let its SERVICES name these too.")


def _ask(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=LOOK_SECONDS) as reply:
            answer = json.load(reply)
    except (urllib.error.HTTPError, ValueError):
        return {}
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise LocalCloudError(
            f"Nothing answers at {url.partition('/_')[0]} ({reason}): start LocalStack there, "
            "or leave AWS_ENDPOINT_URL out to run it in a container."
        ) from None
    return answer if isinstance(answer, dict) else {}
