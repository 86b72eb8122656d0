"""Import a model that was made elsewhere: convert it, compare the export with it, measure it and register it.

The model is a file of joblib, pickle, skops or ONNX, a folder of MLflow's, or an MLflow URI (models:/…, runs:/…).
It is opened in a child process without environment and credentials and, where the system allows it, without network;
that process runs as you and can read your files, so import only what you would run.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

import training
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.training.build import train_dependencies
from tabserve.training.datasets import read_csv
from tabserve.training.importing import held_out_rows, import_model
from tabserve.training.model_files import read_model
from train import print_result

MLFLOW_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}


def main() -> int:
    """Import as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return training.ended(lambda: run(arguments, Console(highlight=False, soft_wrap=True)), "Import")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="a file, a folder of MLflow's, or an MLflow URI")
    parser.add_argument("--use-case", required=True, metavar="NAME", help="the definition in use_cases/NAME.yaml")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="CSV", help="labelled rows that the model has not learned from"
    )
    parser.add_argument("--promote", action="store_true", help="make the new version champion, not only challenger")
    training.add_registry_option(parser)
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Import one version and print what became of it."""
    for name, value in MLFLOW_PATIENCE.items():
        os.environ.setdefault(name, value)
    registry, place = training.chosen_registry(arguments.registry)
    use_case = catalog(read_settings()).get(arguments.use_case)

    def progress(message: str) -> None:
        console.print(f"  … {message}", style="dim", markup=False)

    with tempfile.TemporaryDirectory(prefix="tabserve-model-") as folder:
        name, body = read_model(arguments.model, Path(folder))
    rows = held_out_rows(use_case, read_csv(arguments.data, use_case.format), progress)
    dependencies = train_dependencies(registry, training.ROOT)
    imported = import_model(use_case, name, body, rows, dependencies, promote=arguments.promote, progress=progress)
    print_result(console, imported, registry, place, use_case.target.unit)


if __name__ == "__main__":
    sys.exit(main())
