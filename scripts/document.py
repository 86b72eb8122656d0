"""Write what is written from the code: the documents of commands and settings, and the schema of definitions."""

import argparse
import importlib
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from stack_env import ROOT
from tabserve.core.settings import EVERYWHERE, Settings
from tabserve.core.use_case import UseCase

TARGET = re.compile(r"^([a-z-]+):.*## (.+)$", re.MULTILINE)
# Where each function declares what it needs.
DECLARED = {
    "alerts": "alerts.build",
    "features": "features.build",
    "ingest": "ingestion.build",
    "monitor": "monitoring.build",
    "predict": "serving.build",
    "scheduled_predict": "batch.build",
    "sweep": "ingestion.build_sweep",
}
COMMANDS = """# Commands
Written by `make docs`; a test fails when a target, script or option is not here.

## make
Python 3.11 to 3.13 and make are all that must be there; the first target creates `.venv` from `uv.lock`
(`PYTHON=…` says with which Python). `up`, `down` and `status` take `STATE_DIR=…`, and `up` takes `EMULATOR_PORT=…`,
`POSTGRES_PORT=…` and `UI_PORT=…`: so another stack runs beside the first. With `CLOUD=localstack` they read
[the addresses of a LocalStack](localstack.md#addresses) from the environment. `PEERS_NOT_AFTER=` lets the benchmarks'
peers be installed from a package index that gives no upload dates.

| target | does |
|---|---|
{targets}

## Scripts
Run them with `.venv/bin/python`. Those that talk to a stack read `.local/stack.env`, which `make up` writes.
{scripts}"""
SETTINGS = """# Settings
Written by `make docs` from `core/settings.py` and from what each function declares. They come from the environment
or from `.env`. A function does not start without the settings it needs, and the template gives it no others.

| setting | what it is | needed by | may be given to |
|---|---|---|---|
{rows}

The web page reads `API_URL`, `API_KEY`, `READER_DATABASE_URL` (a role that can only read) and `GRAFANA_URL` (no link
when empty); what is not set comes from `.local/stack.env`, or from the file that `STACK_ENV_FILE` names.
"""


class _ParserFound(Exception):  # noqa: N818  no error: it carries the parser out of a script that would go on
    """A script has built its parser and is about to read the command line."""


def main() -> int:
    """Write the documents, or compare them with --check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a document is stale")
    check = parser.parse_args().check
    wanted = documents()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is stale: make docs", file=sys.stderr)
        else:
            path.write_text(wanted[path], "utf-8")
    return 1 if check and stale else 0


def documents() -> dict[Path, str]:
    """Return the files as they ought to be."""
    targets = [f"| `make {name}` | {text} |" for name, text in TARGET.findall((ROOT / "Makefile").read_text("utf-8"))]
    sources = {path: path.read_text("utf-8") for path in sorted((ROOT / "scripts").glob("*.py"))}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **UseCase.model_json_schema()}
    scripts = [_script(path) for path, source in sources.items() if "__main__" in source]
    return {
        ROOT / "docs/commands.md": COMMANDS.format(targets="\n".join(targets), scripts="".join(scripts)),
        ROOT / "docs/settings.md": SETTINGS.format(rows="\n".join(_settings())),
        ROOT / "use_cases/use-case.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
    }


def _script(path: Path) -> str:
    """Describe a script by the parser it builds, without running it further."""

    def stop(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _ParserFound(parser)

    with patch.object(argparse.ArgumentParser, "parse_args", stop), patch.object(sys, "argv", [str(path)]):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except _ParserFound as found:
            parser: argparse.ArgumentParser = found.args[0]
    rows = list(_rows(parser))
    table = ["", "| option | |", "|---|---|", *rows] if rows else []
    return "\n".join(["", f"### `scripts/{path.name}`", str(parser.description).strip(), *table, ""])


def _rows(parser: argparse.ArgumentParser, command: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {each.dest: each.help for each in action._choices_actions}
            for name, sub in action.choices.items():
                yield f"| `{name}` | {helps[name]} |"
                yield from _rows(sub, f"{name} ")
        elif not isinstance(action, argparse._HelpAction):
            if not action.help:
                raise ValueError(f"{parser.prog}: {action.dest} has no help")
            yield f"| `{command}{_usage(action)}` | {action.help} |".replace("s3|", "s3\\|")


def _usage(action: argparse.Action) -> str:
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    if not action.option_strings:
        return f"[{value} …]" if action.nargs == "*" else f"{value} …" if action.nargs == "+" else str(value)
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {value}")


def _settings() -> Iterator[str]:
    needed, given = _declared("NEEDS"), _declared("OPTIONAL")
    for name, field in Settings.model_fields.items():
        may = "all" if name in EVERYWHERE else ", ".join(given.get(name, ()))
        yield f"| `{name.upper()}` | {field.description} | {', '.join(needed.get(name, ()))} | {may} |"


def _declared(what: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for function, module in DECLARED.items():
        declared: Any = getattr(importlib.import_module(f"tabserve.{module}"), what, ())
        for name in declared:
            found.setdefault(name, []).append(function)
    return found


if __name__ == "__main__":
    sys.exit(main())
