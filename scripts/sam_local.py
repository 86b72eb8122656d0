"""Write what the running stack's functions are told as `sam local` reads it, and print the lines to copy."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console

import command
import stack_env
from command import CommandError
from local_cloud.deployment import PYTHON, WORD

ROOT: Final = stack_env.ROOT
SCHEDULE: Final = "schedule.json"
# The events of each function, in tests/events.
EVENTS: Final = {
    "PredictFunction": ("predict.json", "predict_queue.json"),
    "IngestFunction": ("ingest.json",),
    "FeaturesFunction": ("features.json",),
    "ScheduledPredictFunction": (SCHEDULE,),
    "MonitorFunction": (SCHEDULE,),
    "SweepFunction": (SCHEDULE,),
    "AlertsFunction": (SCHEDULE,),
}
API_KEY_OF_EVENT: Final = "the-api-key"
LOOPBACK: Final = {"127.0.0.1", "localhost"}


def main(arguments: list[str] | None = None) -> int:
    """Write the file and print the lines; exit 2 with one message when that is impossible."""
    options = parse_arguments(arguments)
    return command.ended(lambda: write(options, Console(highlight=False, soft_wrap=True)))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--host", default="host.docker.internal", help="this machine as a container sees it (host.docker.internal)"
    )
    parser.add_argument("--env", type=Path, default=stack_env.STACK_ENV, help="what `make up` wrote")
    return parser.parse_args(arguments)


def write(options: argparse.Namespace, console: Console) -> None:
    """Write `sam-local.json` beside the stack's environment, for its owner alone; it holds keys."""
    stack = stack_env.read(options.env)
    if not stack:
        raise CommandError(f"There is no {options.env}: start a stack with `make up`.")
    target = options.env.with_name("sam-local.json")
    target.touch(mode=0o600)
    target.write_text(json.dumps(functions(stack, options.host), indent=2) + "\n")
    console.print(f"# Written: {_short(target)}. In a shell at the top of the project, with a container engine:")
    for line in lines(_short(options.env), _short(target)):
        console.print(line, markup=False)


def functions(stack: Mapping[str, str], host: str) -> dict[str, dict[str, str]]:
    """Return the variables of every deployed function by its logical id, with the addresses that `host` has."""
    deployed = stack_env.client(stack, "lambda")
    names = {function: stack[WORD.sub("_", function).upper()] for function in EVENTS}
    told = {
        function: deployed.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for function, name in names.items()
    }
    return {function: seen_from(host, stack, variables) for function, variables in told.items()}


def seen_from(host: str, stack: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables that find the cloud and the database where the stack's commands do, this machine as `host`.

    Links stay as they are: the browser of whoever follows one is in no container.
    """
    moved = dict(variables)
    for name, value in variables.items():
        if name == "AWS_ENDPOINT_URL" or name.endswith("_QUEUE_URL"):
            moved[name] = _moved(value, stack["AWS_ENDPOINT_URL"], host)
        elif name == "DATABASE_URL":
            moved[name] = _moved(value, stack["DATABASE_URL"], host)
    return moved


def _moved(url: str, there: str, host: str) -> str:
    """Return a URL with its own user and path at another one's address."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    address = urlsplit(there)
    where = host if address.hostname in LOOPBACK else address.hostname
    port = f":{address.port}" if address.port else ""
    return urlunsplit(urlsplit(url)._replace(netloc=f"{user}{at}{where}{port}"))


def lines(env: str, target: str) -> Iterator[str]:
    """Yield the commands that set up a shell, build for this Python, and call each function with its events."""
    runtime = f"--parameter-overrides PythonRuntime=python{PYTHON}"
    options = f"--env-vars {target} {runtime}"
    yield f'set -a; . {env}; set +a; PATH="$PWD/.venv/bin:$PATH"'
    yield f"LAYER_PYTHON={PYTHON} sam build {runtime}"
    for function, events in EVENTS.items():
        for event in events:
            path = f"tests/events/{event}"
            if API_KEY_OF_EVENT in (ROOT / path).read_text():
                yield f'sed "s/{API_KEY_OF_EVENT}/$API_KEY/" {path} | sam local invoke {function} -e - {options}'
            else:
                yield f"sam local invoke {function} -e {path} {options}"
    yield f"sam local start-api {options}"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    sys.exit(main())
