"""Install locked wheels into a layer folder, prune what no function reads, compile the byte code."""

import argparse
import gzip
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

# Shared libraries are left alone: NumPy no longer loads once `*.libs` is stripped.
PRUNED = (
    "**/tests",
    "**/*.pyi",
    "bin",
    "botocore/data/*/*/examples-1.json",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/_pyinstaller",
    "numpy/distutils",
    "numpy/f2py/src",
    "onnxruntime/capi/libonnxruntime.so*",  # for C programs; the Python module has its own copy inside
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "scipy/datasets",
    "sqlalchemy/testing",
)
# Symbol tables of this library are only for debuggers: 40.1 MB of its layer's 185.8. With them the ingest function
# would have 261 MB of the 250 that Lambda takes, and `strip` is not on every machine that builds.
SYMBOLS_DROPPED = ("_polars_runtime*/*.so",)
AWS_SERVICES = {"dynamodb", "lambda", "s3", "secretsmanager", "sns", "sqs", "sts"}


def main() -> None:
    """Build one layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requirements", type=Path, required=True, help="locked requirements with hashes")
    parser.add_argument("--target", type=Path, required=True, help="the `python` folder of the layer")
    parser.add_argument("--python-version", required=True, help="minor version of the runtime, such as 3.13")
    parser.add_argument("--platform", default="", help="uv platform of the wheels; this machine's when empty")
    args = parser.parse_args()
    install(args.requirements, args.target, args.python_version, args.platform)
    prune(args.target)
    shorten_descriptions(args.target / "botocore" / "data")
    for pattern in SYMBOLS_DROPPED:
        for library in args.target.glob(pattern):
            drop_symbols(library)
    compile_byte_code(args.target, args.python_version)


def install(requirements: Path, target: Path, python_version: str, platform: str) -> None:
    """Install the wheels for a Python version and platform that need not be this machine's."""
    command = ["uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", python_version, "--target", str(target), "-r", str(requirements)]
    # A copy, not a link into uv's cache: pruning and compiling must not reach into it.
    command += ["--link-mode", "copy", *(["--python-platform", platform] if platform else [])]
    subprocess.run(command, check=True)


def prune(target: Path) -> None:
    """Remove tests, stubs, headers and the descriptions of AWS services that no function calls."""
    unused = [path for pattern in PRUNED for path in target.glob(pattern)]
    services = (path for path in (target / "botocore" / "data").glob("*") if path.is_dir())
    unused += [path for path in services if path.name not in AWS_SERVICES]
    for path in unused:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def shorten_descriptions(data: Path) -> None:
    """Keep of botocore's data what requests are made of; reading the rest is half the time a client takes to make."""
    endpoints = data / "endpoints.json"
    if endpoints.exists():
        content = json.loads(endpoints.read_bytes())
        for partition in content["partitions"]:
            services = partition["services"].items()
            partition["services"] = {name: service for name, service in services if name in AWS_SERVICES}
        endpoints.write_text(json.dumps(content), encoding="utf-8")
    for description in data.glob("*/*/service-2.json.gz"):
        content = _without_documentation(json.loads(gzip.decompress(description.read_bytes())))
        description.write_bytes(gzip.compress(json.dumps(content).encode(), mtime=0))


def _without_documentation(value: Any) -> Any:  # noqa: ANN401  JSON can be anything
    if isinstance(value, dict):
        texts = {"documentation": ""} if isinstance(value.get("documentation"), str) else {}
        return {name: _without_documentation(child) for name, child in value.items()} | texts
    return [_without_documentation(child) for child in value] if isinstance(value, list) else value


def drop_symbols(library: Path) -> None:
    """Cut a 64-bit ELF file after the last segment the loader maps; what follows are tables for debuggers.

    `tests/infra/test_artifacts.py` computes with what was cut. The library is built for the stable ABI, so its bytes
    are the same for Python 3.11, 3.12 and 3.13.
    """
    with library.open("r+b") as file:
        header = file.read(64)
        if header[:5] != b"\x7fELF\x02":
            return
        (segments_at,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(segments_at)
        segments = [file.read(size) for _ in range(count)]
        loaded_end = max(sum(struct.unpack_from("<8xQ16xQ", segment)) for segment in segments)
        file.seek(40)
        file.write(bytes(8))  # no section table any more
        file.seek(58)
        file.write(bytes(6))
        file.truncate(loaded_end)


def compile_byte_code(target: Path, python_version: str) -> None:
    """Write byte code that stays valid whatever the file times: Lambda's folders are read-only."""
    compileall = ["-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", str(target)]
    subprocess.run(["uv", "run", "--no-project", "--python", python_version, "python", *compileall], check=True)


if __name__ == "__main__":
    main()
