"""Export the locked requirements of each runtime layer from uv.lock, with hashes."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "layers/model/runtime"
COMMON = "common"
LAYERS = (COMMON, "predict", "ingest", "monitor")
HEADER = "# Exported from uv.lock by `make lock`; `make check` fails when they differ.\n"


def main() -> int:
    """Write the requirements, or compare them with --check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file differs from uv.lock")
    check = parser.parse_args().check
    stale = []
    for layer, text in layer_requirements().items():
        path = RUNTIME / f"{layer}.txt"
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale:
        print(f"out of step with uv.lock: {', '.join(map(str, stale))}; run `make lock`", file=sys.stderr)
        return 1
    return 0


def layer_requirements() -> dict[str, str]:
    """Return the requirements file of each layer; what the common layer carries is in no other."""
    pinned = {layer: _pinned(layer) for layer in LAYERS}
    shared = pinned[COMMON].keys()
    return {
        layer: HEADER + "".join(text for name, text in packages.items() if layer == COMMON or name not in shared)
        for layer, packages in pinned.items()
    }


def _pinned(group: str) -> dict[str, str]:
    command = ["uv", "export", "--frozen", "--no-header", "--no-annotate", "--no-emit-project", "--only-group", group]
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        command[0] = str(uv)
    exported = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    blocks = re.findall(r"^\S.*\n(?:\s+.*\n)*", exported, flags=re.MULTILINE)
    packages: dict[str, str] = {}
    for block in blocks:  # a package stands once for each range of Python versions that needs another release
        name = re.split(r"[=\[ ;]", block, maxsplit=1)[0]
        packages[name] = packages.get(name, "") + block
    return packages


if __name__ == "__main__":
    sys.exit(main())
