import subprocess
import sys
from pathlib import Path

import pytest

from tabserve.core.folder import FolderStore
from tabserve.registry.store import Registry
from tests import synthetic
from tests.definitions import FOLDER, PENGUINS

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/train.py", "--registry", str(folder / "registry"), *map(str, arguments)]
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "USE_CASES_DIR": str(FOLDER), **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)


def test_a_users_own_dataset_is_one_definition_and_one_csv(tmp_path: Path) -> None:
    data = synthetic.write(synthetic.dataset(PENGUINS), tmp_path / "rows.csv")
    done = run(tmp_path, "--use-case", "penguins", "--data", data)
    assert done.returncode == 0, done.stderr
    champion = Registry(FolderStore(tmp_path / "registry")).champion(PENGUINS)
    assert f"registered penguins {champion.version}" in done.stdout
    for line in ("accuracy", "roc_auc", "brier", "log_loss", "120 held-out rows", "no class differs"):
        assert line in done.stdout


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a,b\n1,2\n", "missing column"),
        ("", "is empty"),
        (
            "PassengerId,Survived,Pclass,Sex,Age,Fare,Embarked\n1,0,3,male,old,7,S\n",
            "'Age' breaks not_a_number in 1 row",
        ),
        ("PassengerId,Survived,Pclass,Sex,Age,Fare,Embarked\n1,2,3,male,3,7,S\n", "'Survived' breaks unknown_class"),
        (
            "PassengerId,Survived,Pclass,Sex,Age,Fare,Embarked\n1,0,3,male,3,7,S\n2,0,3,male,3,7,S\n",
            "holds class '1' in 0 rows",
        ),
    ],
)
def test_bad_training_data_is_one_message_and_exit_code_2(tmp_path: Path, body: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(body)
    done = run(tmp_path, "--use-case", "titanic", "--data", tmp_path / "rows.csv")
    assert done.returncode == 2
    assert done.stderr.startswith("error: rows.csv")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_bucket_names_the_way_out(tmp_path: Path) -> None:
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "ARTIFACTS_BUCKET": "artifacts"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    done = run(tmp_path, "--use-case", "iris", "--registry", "s3", **away, **keys)
    assert done.returncode == 2
    assert "Train into a folder instead: --registry" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_says_what_the_options_do() -> None:
    for script in ("train.py", "split_dataset.py", "feed.py"):
        done = subprocess.run([sys.executable, f"scripts/{script}", "--help"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0
        assert "--use-case NAME" in done.stdout


def test_without_a_stack_there_is_no_feature_store_to_train_from(tmp_path: Path) -> None:
    done = run(tmp_path, "--use-case", "titanic", "--from", "feature-store")
    assert done.returncode == 2
    assert "Missing setting FEATURES_TABLE" in done.stderr
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "FEATURES_TABLE": "features"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    done = run(tmp_path, "--use-case", "titanic", "--from", "feature-store", **away, **keys)
    assert done.returncode == 2
    assert done.stderr.startswith("error: The features cannot be read: The table features does not answer")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--use-case", "iris", "--iterations", "3"], "--estimator and --iterations go with --compare"),
        (["--compare", "iris", "--repeats", "0"], "--repeats must be at least 1"),
        (
            ["--compare", "iris", "--estimator", "ridge"],
            "iris: multiclass_classification takes no estimator ridge",
        ),
        (["--compare", "iris", "--estimator", "svm"], "error: iris: training.estimator: there is no estimator 'svm'"),
        (["--compare", "iris", "--iterations", "0"], "a search whose budget is nothing (iterations: 0) finds nothing"),
    ],
)
def test_candidates_that_make_no_sense_are_one_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
