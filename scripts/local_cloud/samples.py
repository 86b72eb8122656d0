"""Give a new stack something to show: raw files of every use case that names its data, some of their rows broken."""

import subprocess
import sys
from collections.abc import Mapping

import boto3

from local_cloud.config import ROOT, LocalCloudError, Place
from tabserve.core import service as common
from tabserve.core.settings import read_settings

SPLIT = {"--files": "3", "--errors": "0.1", "--seed": "1"}


def feed(place: Place, env: Mapping[str, str]) -> None:
    """Upload sample files, once in the life of a state folder."""
    folder = place.folder / "samples"
    if (folder / "fed").exists():
        return
    s3 = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    catalog = common.catalog(read_settings())
    for use_case in catalog.names():
        if not catalog.get(use_case).training.data:
            continue  # its rows are known only to whoever trained it
        out = folder / use_case
        options = {**SPLIT, "--use-case": use_case, "--out": str(out)}
        command = [
            sys.executable,
            str(ROOT / "scripts/split_dataset.py"),
            *(part for pair in options.items() for part in pair),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise LocalCloudError(f"The sample files of {use_case} could not be made: {done.stderr.strip()}")
        for path in sorted(out.glob("*.csv")):
            s3.upload_file(str(path), env["RAW_BUCKET"], f"{use_case}/{path.name}")
    (folder / "fed").touch()
