"""Serve a joblib pipeline with BentoML, one worker: python serve_bentoml.py MODEL PORT."""

import os
import sys
import tempfile
from pathlib import Path

SERVICE = """
import bentoml, joblib, pandas
@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Model:
    def __init__(self) -> None:
        self.pipeline = joblib.load({model!r})
    @bentoml.api
    def predict(self, records: pandas.DataFrame) -> list:
        return self.pipeline.predict_proba(records).tolist()
"""
folder = Path(tempfile.mkdtemp())
(folder / "service.py").write_text(SERVICE.replace("{model!r}", repr(str(Path(sys.argv[1]).resolve()))))
os.chdir(folder)
command = [f"{sys.prefix}/bin/bentoml", "serve", "service:Model", "--port", sys.argv[2]]
os.execv(command[0], command)
