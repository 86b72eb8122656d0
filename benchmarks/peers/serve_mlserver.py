"""Serve a joblib pipeline with MLServer, one worker: python serve_mlserver.py MODEL PORT."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
shutil.copy(sys.argv[1], folder / "model.joblib")
ports = {"http_port": int(sys.argv[2]), "grpc_port": int(sys.argv[2]) + 1, "metrics_port": int(sys.argv[2]) + 2}
(folder / "settings.json").write_text(json.dumps({"debug": False, "parallel_workers": 0, "host": "127.0.0.1", **ports}))
parameters = {"uri": "./model.joblib", "content_type": "pd"}
model = {"name": "model", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": parameters}
(folder / "model-settings.json").write_text(json.dumps(model))
command = [f"{sys.prefix}/bin/mlserver", "start", str(folder)]
os.execv(command[0], command)
