"""The model's reference as a report shows it."""

import json
from pathlib import Path

import numpy as np

from tabserve.core.folder import FolderStore
from tabserve.ingestion.report import HtmlReports
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile


def store(root: Path, rows: int = 5) -> FolderStore:
    columns: dict[str, NumericProfile | CategoricalProfile] = {
        "price": NumericProfile.of(np.array([1.0, 2.0, 3.0, 10.0, np.nan])),
        "size": CategoricalProfile(1, 0, {"small": 1, "large": 3}),
        "@prediction": CategoricalProfile(0, 0, {"no": 5}),
    }
    reference = {"schema": 1, "profile": Profile(rows, columns).to_dict(), "calibration": {}}
    artifacts = FolderStore(root)
    artifacts.put("models/orders/aliases/champion.json", b'{"version": "v1"}')
    artifacts.put("models/orders/v1/reference.json", json.dumps(reference).encode())
    return artifacts


def test_the_champions_profile_becomes_statistics(tmp_path: Path) -> None:
    found = HtmlReports(store(tmp_path)).reference("orders")
    assert set(found) == {"price", "size"}
    price = found["price"]
    assert (price.count, price.missing, price.minimum, price.mean, price.maximum) == (5, 1, 1.0, 4.0, 10.0)
    assert found["size"].top == (("large", 3), ("small", 1))


def test_without_a_champion_there_is_no_reference(tmp_path: Path) -> None:
    assert HtmlReports(FolderStore(tmp_path)).reference("orders") == {}


def test_a_malformed_reference_does_not_stop_a_report(tmp_path: Path) -> None:
    artifacts = store(tmp_path)
    artifacts.put("models/orders/v1/reference.json", b"{}")
    assert HtmlReports(artifacts).reference("orders") == {}
