"""Where a model to import comes from: a file, a folder of MLflow's, or its server."""

from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from tabserve.core.errors import ImportRefusedError, UnavailableError
from tabserve.training.model_files import read_model
from tests.model.test_import import dumped, frame


def test_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    large = tmp_path / "large.joblib"
    with large.open("wb") as stream:
        stream.truncate(500 * 2**20)
    with pytest.raises(ImportRefusedError, match="has 500 MiB, and models of more than 200 MiB are not taken"):
        read_model(str(large), tmp_path)
    with pytest.raises(ImportRefusedError, match=r"There is no file .*none\.joblib"):
        read_model(str(tmp_path / "none.joblib"), tmp_path)
    (tmp_path / "model.h5").write_bytes(b"")
    with pytest.raises(ImportRefusedError, match=r"model\.h5 ends in none of \.joblib"):
        read_model(str(tmp_path / "model.h5"), tmp_path)
    with pytest.raises(ImportRefusedError, match="is a folder without MLmodel"):
        read_model(str(tmp_path), tmp_path)


def test_a_folder_of_mlflow_gives_its_model_and_nothing_beside_it(tmp_path: Path) -> None:
    body = dumped(LogisticRegression().fit(*frame("iris")))
    (tmp_path / "model.pkl").write_bytes(body)
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: model.pkl}, python_function: {}}")
    assert read_model(str(tmp_path), tmp_path) == ("model.pkl", body)
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: ../../model.pkl}}")
    with pytest.raises(ImportRefusedError, match="names a file outside of its folder"):
        read_model(str(tmp_path), tmp_path)
    (tmp_path / "MLmodel").write_text("flavors: {keras: {}}")
    with pytest.raises(ImportRefusedError, match="holds flavours keras; known are sklearn"):
        read_model(str(tmp_path), tmp_path)


def test_an_mlflow_server_that_is_away_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UnavailableError, match="MLflow does not give models:/churn/3: "):
        read_model("models:/churn/3", tmp_path)
