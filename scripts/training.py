"""Train use cases into a registry, pack champions into the layer, copy them into a bucket."""

import argparse
from collections.abc import Callable
from pathlib import Path

import command
import stack_env
from command import CommandError
from local_cloud.config import REGISTRY as FOLDER
from tabserve.core import service as common
from tabserve.core.entities import FeatureStore
from tabserve.core.errors import StorageUnavailableError, TrainingDataError, UnavailableError
from tabserve.core.folder import FolderStore
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.registry.build import registry
from tabserve.registry.store import Registry
from tabserve.training.build import train_dependencies
from tabserve.training.comparison import Figures, candidates
from tabserve.training.dataset import Dataset
from tabserve.training.datasets import read_csv, read_dataset
from tabserve.training.search import Watch
from tabserve.training.service import Rows, Trained, split, train
from tabserve.training.stored_rows import with_stored_features

ROOT = Path(__file__).resolve().parent.parent
Progress = Callable[[str], None]
BUCKET = "s3"


def add_registry_option(parser: argparse.ArgumentParser) -> None:
    """Let a command line say where versions are kept."""
    parser.add_argument(
        "--registry",
        metavar="s3|FOLDER",
        help="where versions are kept; default: the bucket of the stack that `make up` runs, else .local/registry",
    )


def ended(work: Callable[[], None], otherwise: str) -> int:
    """Do what registers versions and return its exit code; where the bucket is away, say what to do `otherwise`."""

    def attempt() -> None:
        try:
            work()
        except StorageUnavailableError as error:
            raise CommandError(f"{error}\n{otherwise} into a folder instead: --registry {FOLDER}") from error

    return command.ended(attempt, "stopped; nothing was registered")


def chosen_registry(asked: str | None) -> tuple[Registry, str]:
    """Return the registry that a command line asks for, and its place; the running stack's settings apply then."""
    running = stack_env.apply()
    place = asked or (BUCKET if running else str(FOLDER))
    return registry(read_settings()) if place == BUCKET else folder_registry(Path(place)), place


def folder_registry(folder: Path) -> Registry:
    """Return the registry kept in a folder."""
    return Registry(FolderStore(folder))


def labelled_data(
    use_case: UseCase,
    data: Path | None = None,
    holdout: Path | None = None,
    store: FeatureStore | None = None,
    say: Progress = lambda _: None,
    progress: Progress = lambda _: None,
) -> Rows:
    """Read the data of a use case, or other files, features from a store if one is given; raise TrainingDataError."""
    rows, held_out = _datasets(use_case, data, holdout)
    if store is None:
        return split(use_case, rows, held_out, progress=progress)
    rows = _stored(use_case, rows, store, say)
    return split(use_case, rows, held_out and _stored(use_case, held_out, store, say), "feature-store", progress)


def _datasets(use_case: UseCase, data: Path | None, holdout: Path | None) -> tuple[Dataset, Dataset | None]:
    held_out = read_csv(holdout, use_case.format) if holdout else None
    if data is not None:
        return read_csv(data, use_case.format), held_out
    settings = use_case.training
    if not settings.data:
        raise TrainingDataError(f"Use case {use_case.name!r} names no training data; say which file: --data CSV.")
    if held_out is None and settings.holdout:
        held_out = read_dataset(use_case, settings.holdout, ROOT)
    return read_dataset(use_case, settings.data, ROOT), held_out


def _stored(use_case: UseCase, rows: Dataset, store: FeatureStore, say: Progress) -> Dataset:
    try:
        found = with_stored_features(use_case, rows, store)
    except UnavailableError as error:
        raise TrainingDataError(f"The features cannot be read: {error}") from error
    say(f"{rows.name}: the feature store knows {found.known} of {found.known + found.unknown} ids")
    return found.dataset


def train_use_case(
    use_case: UseCase,
    rows: Rows,
    registry: Registry,
    *,
    promote: bool,
    progress: Progress = lambda _: None,
    watch: Watch = lambda *_: None,
) -> Trained:
    """Train and register one version."""
    dependencies = train_dependencies(registry, ROOT, read_settings().mlflow_tracking_uri)
    return train(use_case, rows, dependencies, promote=promote, progress=progress, watch=watch)


def figures_of(use_case: UseCase, progress: Progress, watch: Watch, repeats: int) -> list[Figures]:
    """Measure a definition's candidates on its data, cross-validated and on the held-out rows; register nothing."""
    from tabserve.training.fitting import fit

    rows = labelled_data(use_case)
    return candidates(use_case, rows.training, rows.held_out, fit, progress, watch, repeats)


def train_missing(registry: Registry, progress: Progress = lambda _: None) -> None:
    """Train every use case that has data and no usable champion; pack all champions into the layer."""
    catalog = common.catalog(read_settings())
    for use_case in map(catalog.get, catalog.names()):
        usable = registry.has_usable_champion(use_case)
        if not usable and use_case.training.data:
            progress(f"training {use_case.name}")
            train_use_case(use_case, labelled_data(use_case), registry, promote=True)
        if usable or use_case.training.data:
            registry.bake(use_case)


def publish(source: Registry, target: Registry) -> None:
    """Copy all versions into another registry; its champions stay where they are usable."""
    catalog = common.catalog(read_settings())
    for use_case in map(catalog.get, catalog.names()):
        source.copy_to(target, use_case)
