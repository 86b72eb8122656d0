"""Look at the registered versions of use cases; let another one answer, try one beside the champion, take it back."""

import argparse
import getpass
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

import command
import training
from command import CommandError
from tabserve.core.clock import utc_now
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.registry.release import Mover, Releases
from tabserve.registry.standing import Standing
from tabserve.registry.store import Registry
from tabserve.registry.version import Metric, ModelMetadata

PIPED_WIDTH = 160
LIVE = "within 30 seconds"
MOVES = ("promote", "rollback", "retire", "shadow", "canary", "stop")


def main() -> int:
    """Do as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return command.ended(lambda: run(arguments, console))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add(commands, "list", "the versions of one use case, or of all", use_case="?")
    _add(commands, "show", "a version as it was trained and measured", version=True)
    compare = _add(commands, "compare", "two versions side by side", version=True)
    compare.add_argument("other", nargs="?", metavar="OTHER", help="the champion without")
    _add(commands, "history", "who moved the champion, when and why")
    _add(commands, "promote", "make a version champion; brings a retired use case back", version=True)
    _add(commands, "rollback", "make the champion before this one champion again")
    _add(commands, "retire", "let a use case take no records and files any more; nothing is lost")
    _add(commands, "shadow", "let a version score what the champion answers; nobody is answered by it", version=True)
    canary = _add(commands, "canary", "let a version answer a share of the entities, always the same", version=True)
    canary.add_argument("--share", type=float, default=0.1, help="of the entities, above 0 and at most 1 (0.1)")
    _add(commands, "stop", "end the shadow or the canary; the champion answers all")
    for name in MOVES:
        each = commands.choices[name]
        each.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
        each.add_argument("--by", default="", metavar="NAME", help="who; your name on this machine without")
        each.add_argument(
            "--expected", type=int, metavar="N", help="only if the last move is still number N of `history`"
        )
    for each in commands.choices.values():
        training.add_registry_option(each)
    return parser.parse_args()


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    *,
    use_case: str | None = None,
    version: bool = False,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    what = "its name" + ("; all without" if use_case else "")
    parser.add_argument("use_case", metavar="USE_CASE", help=what, **({"nargs": use_case} if use_case else {}))  # type: ignore[arg-type]
    if version:
        parser.add_argument("version", metavar="VERSION", help="its name, or the beginning of it")
    return parser


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Carry out one command and say what is so now."""
    registry, _ = training.chosen_registry(arguments.registry)
    name = arguments.use_case
    match arguments.command:
        case "list":
            console.print(listing(registry, [name] if name else registry.use_cases()))
        case "show":
            console.print(side_by_side([registry.metadata(name, one_version(registry, name, arguments.version))]))
        case "compare":
            other = arguments.other or registry.alias(name, "champion") or ""
            versions = [one_version(registry, name, other), one_version(registry, name, arguments.version)]
            console.print(side_by_side([registry.metadata(name, version) for version in versions]))
        case "history":
            require_known(registry, name)
            for each in registry.history(name):
                console.print(f"{each.number:>4}  {each.sentence()}", markup=False)
        case _:
            console.print(move(registry, arguments), markup=False)


def move(registry: Registry, arguments: argparse.Namespace) -> str:
    """Make a move and say what it leads to."""
    definitions = catalog(read_settings())
    releases = Releases(registry, definitions.get, utc_now)
    name = arguments.use_case
    mover = Mover(arguments.by or getpass.getuser(), arguments.reason, arguments.expected)
    version = one_version(registry, name, arguments.version) if "version" in arguments else ""
    match arguments.command:
        case "promote":
            releases.promote(name, version, mover)
            return f"{version} answers for {name} {LIVE}"
        case "rollback":
            return f"{releases.rollback(name, mover).version} answers for {name} again {LIVE}"
        case "retire":
            require_known(registry, name, definitions.names())
            releases.retire(name, mover)
            return (
                f"{name} is retired: {LIVE} it takes no records and files any more. Its versions, files and "
                f"predictions stay. To bring it back: scripts/models.py promote {name} VERSION"
            )
        case "shadow":
            releases.start(name, "shadow", version, 1.0, mover)
            return f"{version} scores what {name}'s champion answers {LIVE}; to end it: scripts/models.py stop {name}"
        case "canary":
            releases.start(name, "canary", version, arguments.share, mover)
            return (
                f"{version} answers {arguments.share:.3g} of {name}'s entities {LIVE}; it stops by itself when it "
                f"fails. To end it: scripts/models.py stop {name}"
            )
    return f"{releases.stop(name, mover).version} answers all of {name} {LIVE}"


def listing(registry: Registry, names: Sequence[str]) -> Table:
    """Return the versions of use cases, newest first; raise CommandError for a use case without any."""
    found = Table(
        *(Column(title, no_wrap=True) for title in ("use case", "version", "role", "estimator", "trained on"))
    )
    found.add_column("figures on held-out rows")
    for name in names:
        require_known(registry, name)
        stands, challenger = registry.standing(name), registry.alias(name, "challenger")
        for version in reversed(registry.versions(name)):
            metadata = registry.metadata(name, version)
            figures = ", ".join(f"{metric} {each.value:.3f}" for metric, each in metadata.metrics.items())
            rows = f"{metadata.rows_trained:,} rows"
            found.add_row(name, version, role(stands, challenger, version), metadata.estimator, rows, figures)
    return found


def role(stands: Standing, challenger: str | None, version: str) -> str:
    """Return what a version is in its use case."""
    if version == stands.version:
        return "retired" if stands.retired else "champion"
    if stands.trial and version == stands.trial.version:
        return "shadow" if stands.trial.kind == "shadow" else f"canary {stands.trial.share:.3g}"
    return "challenger" if version == challenger else ""


def side_by_side(cards: Sequence[ModelMetadata]) -> Table:
    """Return what is known about versions, a column each."""
    table = Table("", *(card.version for card in cards))
    table.add_row("trained at", *(f"{card.created_at:%Y-%m-%d %H:%M} UTC" for card in cards))
    table.add_row("estimator", *(card.estimator for card in cards))
    table.add_row("definition", *(f"version {card.use_case_version}, {card.model_sha256[:8]}" for card in cards))
    table.add_row("rows", *(f"{card.rows_trained:,}, held out {card.rows_held_out:,}" for card in cards))
    table.add_row("data", *(card.data_sha256[:8] for card in cards))
    for measure in dict.fromkeys(name for card in cards for name in card.metrics):
        table.add_row(measure, *(_with_interval(card.metrics.get(measure)) for card in cards))
    same = [f"{card.parity.max_difference:.1e} on {card.parity.rows:,} rows" for card in cards]
    table.add_row("export differs by", *same)
    effects = [card.diagnostics.importance if card.diagnostics else {} for card in cards]
    first = sorted(effects[0], key=lambda name: -effects[0][name].value)
    for name in dict.fromkeys([*first, *(name for each in effects for name in each)]):
        table.add_row(f"importance of {name}", *(_with_interval(each.get(name)) for each in effects))
    for card in cards:
        for warning in card.warnings:
            table.caption = f"{table.caption or ''}{card.version}: {warning}\n"
    return table


def _with_interval(metric: Metric | None) -> str:
    return f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})" if metric else "—"


def one_version(registry: Registry, name: str, beginning: str) -> str:
    """Return the version that a text begins; raise CommandError unless it is one."""
    versions = registry.versions(name)
    found = [version for version in versions if beginning and version.startswith(beginning)]
    if len(found) != 1:
        there_are = ", ".join(found or versions) or "none"
        raise CommandError(f"{beginning!r} names {len(found)} versions of {name!r}; there are {there_are}.")
    return found[0]


def require_known(registry: Registry, name: str, of_project: Sequence[str] = ()) -> None:
    """Raise CommandError unless a use case has versions, or is one of the project's."""
    known = registry.use_cases()
    if name not in {*known, *of_project}:
        raise CommandError(f"The registry knows no versions of {name!r}; it knows {', '.join(known) or 'none'}.")


if __name__ == "__main__":
    sys.exit(main())
