"""Train a use case's model, compare its export with it, measure it on held-out rows and register it."""

import argparse
import math
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import training
from command import CommandError
from tabserve.core.catalog import sentences
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.core.training import ESTIMATORS
from tabserve.core.use_case import UseCase
from tabserve.features.build import feature_store
from tabserve.registry.store import Registry
from tabserve.registry.version import Metric, ModelMetadata
from tabserve.training.comparison import REPEATS, Figures
from tabserve.training.search import Attempt
from tabserve.training.service import Trained

EVERY_ESTIMATOR = ", ".join(ESTIMATORS)


class Shown:
    """What is being done, how far the search is, and each attempt that is better than those before."""

    def __init__(self, console: Console, *, lines: bool) -> None:
        self._console, self._lines = console, lines
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._progress.add_task("training", total=None)
        self._best = -math.inf

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def say(self, message: str) -> None:
        """Say what is being done from now on."""
        if self._lines:
            self._console.print(f"  … {message}", style="dim")
        self._best = -math.inf
        self._progress.update(self._task, description=message, completed=0, total=None)

    def attempt(self, attempt: Attempt, done: int, most: int | None) -> None:
        """Show that one more attempt of the search is done."""
        self._progress.update(self._task, completed=done, total=most)
        if attempt.error:
            self._console.print(f"  … attempt {done}: {attempt.error}", style="yellow", markup=False)
        elif attempt.goodness > self._best:
            self._best = attempt.goodness
            said = ", ".join(f"{name} {value}" for name, value in attempt.choice.parameters.items())
            value = attempt.means[attempt.measure]
            what = f"{attempt.measure} {value:.4f}: {attempt.choice.estimator}{said and f' ({said})'}"
            self._console.print(f"  … attempt {done}: {what}", style="dim", markup=False)


def main() -> int:
    """Train as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return training.ended(lambda: run(arguments, Console(highlight=False, soft_wrap=True)), "Train")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--use-case", metavar="NAME", help="the definition in use_cases/NAME.yaml")
    what.add_argument(
        "--compare",
        nargs="+",
        metavar="NAME",
        help="register nothing; measure these definitions in ten folds and on their held-out rows",
    )
    parser.add_argument(
        "--estimator",
        nargs="+",
        metavar="ESTIMATOR",
        help=f"with --compare: these candidates instead of those of the definitions: {EVERY_ESTIMATOR}",
    )
    parser.add_argument(
        "--iterations", type=int, metavar="N", help="with --compare: search, with N attempts of each candidate"
    )
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, metavar="N", help=f"with --compare: N times ten folds ({REPEATS})"
    )
    parser.add_argument("--data", type=Path, metavar="CSV", help="labelled rows instead of those the use case names")
    parser.add_argument("--holdout", type=Path, metavar="CSV", help="held-out rows; without it a share of the data is")
    parser.add_argument(
        "--from",
        dest="features_from",
        choices=["data", "feature-store"],
        default="data",
        help="where the features come from: the data itself, or the running stack's feature store, which gives the "
        "latest features of the ids in the data; outcomes always come from the data (data)",
    )
    parser.add_argument("--promote", action="store_true", help="make the new version champion, not only challenger")
    training.add_registry_option(parser)
    arguments = parser.parse_args()
    if not arguments.compare and (arguments.estimator or arguments.iterations is not None):
        parser.error("--estimator and --iterations go with --compare; training takes those of the definition")
    if arguments.repeats < 1:
        parser.error("--repeats must be at least 1")
    return arguments


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Train one version and print what became of it, or compare definitions."""
    if arguments.compare:
        compare(arguments, console)
        return
    registry, place = training.chosen_registry(arguments.registry)
    settings = read_settings()
    use_case = catalog(settings).get(arguments.use_case)
    store = feature_store(settings) if arguments.features_from == "feature-store" else None
    with Shown(console, lines=True) as shown:
        rows = training.labelled_data(use_case, arguments.data, arguments.holdout, store, console.print, shown.say)
        trained = training.train_use_case(
            use_case, rows, registry, promote=arguments.promote, progress=shown.say, watch=shown.attempt
        )
    print_result(console, trained, registry, place, use_case.target.unit)


def compare(arguments: argparse.Namespace, console: Console) -> None:
    """Print measures of several definitions, and of their candidates, side by side."""
    definitions = catalog(read_settings())
    use_cases = [_with_candidates(definitions.get(name), arguments) for name in arguments.compare]
    found: list[tuple[str, Figures]] = []
    with Shown(console, lines=False) as shown:
        for use_case in use_cases:
            several = len(use_case.candidates) > 1
            for each in training.figures_of(use_case, shown.say, shown.attempt, arguments.repeats):
                which = f", {each.choice.estimator}{', taken' * each.taken}" if several else ""
                found.append((f"{use_case.name}{which}", each))
    table = Table("model", "measure", f"{arguments.repeats} times 10 folds", "held out")
    for title, each in found:
        for place, name in enumerate(each.cross_validated):
            sides = [side[name] for side in (each.cross_validated, each.held_out)]
            table.add_row("" if place else title, name, *map(_with_interval, sides))
        table.add_section()
    console.print(table)


def _with_candidates(use_case: UseCase, arguments: argparse.Namespace) -> UseCase:
    """Return a definition with the candidates and the search of the command line."""
    content = use_case.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    changes: dict[str, object] = {}
    if arguments.estimator:
        changes["estimator"] = arguments.estimator
    if arguments.iterations is not None:
        changes["search"] = {"iterations": arguments.iterations}
    try:
        return UseCase.model_validate(content | {"training": content.get("training", {}) | changes})
    except ValidationError as error:
        raise CommandError(f"{use_case.name}: {sentences(error)}") from error


def _with_interval(metric: Metric) -> str:
    return f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"


def print_result(console: Console, trained: Trained, registry: Registry, place: str, unit: str) -> None:
    """Print the measures and what the version is now."""
    metadata = trained.metadata
    table = Table("measure", "value", "95 % interval", title=f"{metadata.rows_held_out} held-out rows")
    for name, metric in metadata.metrics.items():
        table.add_row(name, f"{metric.value:.3f}", f"{metric.low:.3f} - {metric.high:.3f}")
    console.print(table)
    parity = metadata.parity
    same = "relative" if metadata.interval else "no class differs"
    console.print(f"parity: {parity.rows:,} rows, largest difference {parity.max_difference:.1e}, {same}")
    if metadata.interval:
        share, half = metadata.interval.share, metadata.interval.half_width
        console.print(f"interval: ± {half:.4g}{unit and f' {unit}'} holds {share:.0%} of the true values")
    if metadata.threshold is not None:
        console.print(f"decision: the positive class from a probability of {metadata.threshold:.3g} on")
    console.print(f"features from {'the feature store' if metadata.features_from == 'feature-store' else 'the data'}")
    console.print(f"registered {metadata.use_case} {metadata.version} in {place} as {' and '.join(trained.aliases)}")
    for warning in (*metadata.warnings, *filter(None, [trained.warning])):
        console.print(f"warning: {warning}", style="yellow")
    if metadata.candidates:
        _print_candidates(console, metadata)
    champion = registry.alias(metadata.use_case, "champion")
    if champion != metadata.version:
        console.print(f"champion stays {champion}; make this version champion with --promote")


def _print_candidates(console: Console, metadata: ModelMetadata) -> None:
    measure = metadata.candidates[0].measure
    table = Table("candidate", measure, "95 % interval", "attempts", title="cross-validated, before it was fitted")
    for each in metadata.candidates:
        name = f"{each.estimator}{', taken' * each.chosen}"
        metric = each.cross_validated
        failed = f", {each.failed} failed" if each.failed else ""
        table.add_row(name, f"{metric.value:.3f}", f"{metric.low:.3f} - {metric.high:.3f}", f"{each.attempts}{failed}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
