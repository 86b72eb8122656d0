"""Write the JSON Schema of use-case definitions, with which editors complete and check them."""

import argparse
import json
import sys

from local_cloud.config import ROOT
from tabserve.core.use_case import UseCase

SCHEMA = ROOT / "use_cases" / "use-case.schema.json"


def schema() -> str:
    """Return the schema as the file holds it."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **UseCase.model_json_schema()}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    SCHEMA.write_text(schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
