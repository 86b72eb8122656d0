"""Write docs/openapi.json, the API's document for the use cases of USE_CASES_DIR."""

import argparse
import json
import os
from typing import Any

from local_cloud.config import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"


def document(default_use_case: str) -> dict[str, Any]:
    """Return the document as the deployed API serves it."""
    os.environ.update(DATABASE_URL="sqlite:///unused.db", API_KEY="unused", DEFAULT_USE_CASE=default_use_case)
    from functions.predict.app import app

    return app.openapi()


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--default-use-case", required=True, help="the one of a bare record")
    shown = document(parser.parse_args().default_use_case)
    DOCUMENT.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
