"""Give a new stack something to show: raw files of every use case that names its data, some of their rows broken."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import stack_env
from local_cloud.config import ROOT, LocalCloudError, Place
from tabserve.core import service as common
from tabserve.core.settings import read_settings


def feed(place: Place, env: Mapping[str, str]) -> None:
    """Upload sample files, once in the life of a state folder."""
    folder = place.data / "samples"
    if (folder / "fed").exists():
        return
    s3 = stack_env.client(env, "s3")
    catalog = common.catalog(read_settings())
    for use_case in catalog.names():
        if not catalog.get(use_case).training.data:
            continue  # its rows are known only to whoever trained it
        for path in split(use_case, folder / use_case, files=3, errors=0.1, seed=1):
            s3.upload_file(str(path), env["RAW_BUCKET"], f"{use_case}/{path.name}")
    (folder / "fed").touch()


def split(use_case: str, out: Path, *, files: int, errors: float, seed: int) -> Sequence[Path]:
    """Make raw files of a use case's data, some of their rows broken; raise LocalCloudError."""
    options = {"use-case": use_case, "out": out, "files": files, "errors": errors, "seed": seed}
    command = [sys.executable, str(ROOT / "scripts/split_dataset.py")]
    command += [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LocalCloudError(f"The raw files of {use_case} could not be made: {done.stderr.strip()}")
    return sorted(out.glob("*.csv*"))
