"""Artifacts as zip files, made once for a content: `sam deploy` alone would compress all layers each time."""

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

URIS = ("CodeUri", "ContentUri")


def digest(files: Iterable[Path], root: Path, *words: str) -> str:
    """Return what tells one content from another: the names and bytes of files below a folder, and words."""
    found = hashlib.sha256("\0".join(words).encode())
    for file in sorted(files):
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        found.update(f"\0{file.relative_to(root)}\0{content}".encode())
    return found.hexdigest()


def files_in(folder: Path) -> list[Path]:
    """Return all files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def pack(artifacts: Path, target: Path) -> None:
    """Zip what `sam build` wrote and is not zipped yet, and write the template that names the zips."""
    template = yaml.safe_load((artifacts / "template.yaml").read_text())
    target.mkdir(parents=True, exist_ok=True)
    kept = {_pack_one(resource["Properties"], artifacts, target) for resource in template["Resources"].values()}
    for path in target.iterdir():
        if path not in kept:
            path.unlink()
    (target / "template.yaml").write_text(yaml.safe_dump(template, sort_keys=False))


def _pack_one(properties: dict[str, Any], artifacts: Path, target: Path) -> Path | None:
    """Let the code or content of a resource be a zip, if it has any; return the zip."""
    uri = next((uri for uri in URIS if uri in properties), None)
    if uri is None:
        return None
    folder = artifacts / properties[uri]
    files = files_in(folder)
    zipped = target / f"{digest(files, folder)}.zip"
    if not zipped.exists():
        _zip(files, folder, zipped)
    properties[uri] = zipped.name
    return zipped


def _zip(files: Iterable[Path], root: Path, path: Path) -> None:
    unfinished = path.with_suffix(".new")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.write(file, file.relative_to(root))
    unfinished.replace(path)
