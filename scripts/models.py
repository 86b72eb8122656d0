"""Look at the registered versions of use cases; let another one answer, or none any more."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

import command
import stack_env
import training
from command import CommandError
from local_cloud.config import REGISTRY as FOLDER
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.registry import build as registry_build
from tabserve.registry.store import Registry

BUCKET = "s3"


def main() -> int:
    """Do as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return command.ended(lambda: run(arguments, Console(highlight=False, soft_wrap=True)))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the versions of one use case, or of all")
    listing.add_argument("use_case", nargs="?", metavar="USE_CASE", help="all without")
    promoting = commands.add_parser("promote", help="make a version champion; brings a retired use case back")
    promoting.add_argument("use_case", metavar="USE_CASE", help="whose version it is")
    promoting.add_argument("version", metavar="VERSION", help="its name, or the beginning of it")
    retiring = commands.add_parser("retire", help="let a use case take no records and files any more; nothing is lost")
    retiring.add_argument("use_case", metavar="USE_CASE", help="its name")
    for each in commands.choices.values():
        each.add_argument(
            "--registry",
            metavar="s3|FOLDER",
            help="where versions are kept; default: the bucket of the stack that `make up` runs, else .local/registry",
        )
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Carry out one command and say what is so now."""
    running = stack_env.apply()
    place = arguments.registry or (BUCKET if running else str(FOLDER))
    settings = read_settings()
    registry = registry_build.registry(settings) if place == BUCKET else training.folder_registry(Path(place))
    if arguments.command == "list":
        names = [arguments.use_case] if arguments.use_case else registry.use_cases()
        console.print(table(registry, names))
    elif arguments.command == "promote":
        version = one_version(registry, arguments.use_case, arguments.version)
        registry.point(arguments.use_case, "champion", version)
        console.print(f"{version} answers for {arguments.use_case} within 30 seconds")
    else:
        name = arguments.use_case
        retire(registry, name, catalog(settings).names())
        console.print(
            f"{name} is retired: within 30 seconds it takes no records and files any more. Its versions, files and "
            f"predictions stay. To bring it back: scripts/models.py promote {name} VERSION"
        )


def table(registry: Registry, names: list[str]) -> Table:
    """Return the versions of use cases, newest first; raise CommandError for a use case without any."""
    found = Table("use case", "version", "role", "trained on", "figures on held-out rows")
    for name in names:
        versions = registry.versions(name)
        if not versions:
            raise CommandError(f"The registry knows no versions of {name!r}; it knows {known(registry)}.")
        retired = registry.standing(name).retired
        roles = {version: alias for alias, version in reversed(registry.aliases(name).items())}
        for version in reversed(versions):
            metadata = registry.metadata(name, version)
            figures = ", ".join(f"{metric} {each.value:.3f}" for metric, each in metadata.metrics.items())
            role = "retired" if retired and roles.get(version) == "champion" else roles.get(version, "")
            found.add_row(name, version, role, f"{metadata.rows_trained:,} rows", figures)
    return found


def one_version(registry: Registry, name: str, beginning: str) -> str:
    """Return the version that a text begins; raise CommandError unless it is one."""
    versions = registry.versions(name)
    found = [version for version in versions if version.startswith(beginning)]
    if len(found) != 1:
        there_are = ", ".join(found or versions) or "none"
        raise CommandError(f"{beginning!r} names {len(found)} versions of {name!r}; there are {there_are}.")
    return found[0]


def retire(registry: Registry, name: str, of_project: Sequence[str]) -> None:
    """Retire a use case that is known; raise CommandError for any other."""
    if name not in {*registry.use_cases(), *of_project}:
        raise CommandError(f"There is no use case {name!r}; the registry knows {known(registry)}.")
    registry.retire(name)


def known(registry: Registry) -> str:
    """Name the use cases of a registry."""
    return ", ".join(registry.use_cases()) or "none"


if __name__ == "__main__":
    sys.exit(main())
