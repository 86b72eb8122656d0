"""Train a use case's model, compare its export with it, measure it on held-out rows and register it."""

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
from tabserve.core.errors import StorageUnavailableError
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.features.build import feature_store
from tabserve.registry import build as registry_build
from tabserve.registry.store import Registry
from tabserve.registry.version import Metric
from tabserve.training.service import Trained

BUCKET = "s3"
HOW = ("10 times 10 folds", "held out")


def main() -> int:
    """Train as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()

    def work() -> None:
        try:
            run(arguments, Console(highlight=False, soft_wrap=True))
        except StorageUnavailableError as error:
            raise CommandError(f"{error}\nTrain into a folder instead: --registry {FOLDER}") from error

    return command.ended(work, "stopped; nothing was registered")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--use-case", metavar="NAME", help="the definition in use_cases/NAME.yaml")
    what.add_argument(
        "--compare",
        nargs="+",
        metavar="NAME",
        help="register nothing; measure these definitions by ten times ten folds and on their held-out rows",
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
    parser.add_argument(
        "--registry",
        metavar="s3|FOLDER",
        help="where versions are kept; default: the bucket of the stack that `make up` runs, else .local/registry",
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Train one version and print what became of it, or compare definitions."""
    if arguments.compare:
        compare(arguments.compare, console)
        return
    running = stack_env.apply()
    place = arguments.registry or (BUCKET if running else str(FOLDER))
    settings = read_settings()
    use_case = catalog(settings).get(arguments.use_case)
    registry = registry_build.registry(settings) if place == BUCKET else training.folder_registry(Path(place))
    store = feature_store(settings) if arguments.features_from == "feature-store" else None
    with console.status("training") as status:

        def progress(message: str) -> None:
            console.print(f"  … {message}", style="dim")
            status.update(message)

        rows = training.labelled_data(use_case, arguments.data, arguments.holdout, store, console.print, progress)
        trained = training.train_use_case(use_case, rows, registry, promote=arguments.promote, progress=progress)
    print_result(console, trained, registry, place, use_case.target.unit)


def compare(names: Sequence[str], console: Console) -> None:
    """Print measures of several definitions side by side."""
    definitions = catalog(read_settings())
    use_cases = [definitions.get(name) for name in names]
    with console.status("comparing") as status:
        found = [training.figures_of(use_case, status.update) for use_case in use_cases]
    table = Table("measure", *(f"{use_case.name}, {how}" for use_case in use_cases for how in HOW))
    for name in dict.fromkeys(name for each in found for name in each.cross_validated):
        cells = [
            _with_interval(side[name]) if name in side else ""
            for each in found
            for side in (each.cross_validated, each.held_out)
        ]
        table.add_row(name, *cells)
    console.print(table)


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
    for warning in metadata.warnings:
        console.print(f"warning: {warning}", style="yellow")
    champion = registry.alias(metadata.use_case, "champion")
    if champion != metadata.version:
        console.print(f"champion stays {champion}; make this version champion with --promote")


if __name__ == "__main__":
    sys.exit(main())
