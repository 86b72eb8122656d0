"""Serve a joblib pipeline with `mlflow models serve`: python serve_mlflow.py MODEL PORT."""

import os
import sys
import tempfile

import joblib
import mlflow.sklearn

folder = f"{tempfile.mkdtemp()}/model"
options = {"pyfunc_predict_fn": "predict_proba", "serialization_format": "cloudpickle"}
mlflow.sklearn.save_model(joblib.load(sys.argv[1]), folder, **options)
command = [f"{sys.prefix}/bin/mlflow", "models", "serve", "-m", folder, "-p", sys.argv[2], "--env-manager", "local"]
os.environ["PATH"] = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
os.execv(command[0], command)
