"""The plain way to serve the same model: FastAPI, pandas, a joblib pipeline, SQLAlchemy."""

import json
import os
import uuid
from datetime import UTC, datetime
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from mangum import Mangum
from pydantic import ConfigDict, create_model
from sqlalchemy import JSON, Column, DateTime, Float, MetaData, Table, Text, create_engine

COLUMNS: dict[str, str] = json.loads(os.environ["PLAIN_COLUMNS"])
TYPES: dict[str, Any] = {"text": (str | None, None), "number": (float | None, None)}

model = joblib.load(os.environ["PLAIN_MODEL"])
engine = create_engine(os.environ["DATABASE_URL"])
predictions = Table(
    "plain_predictions",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True)),
    Column("features", JSON),
    Column("prediction", Text),
    Column("probability", Float),
)
Record: Any = create_model(
    "Record",
    __config__=ConfigDict(coerce_numbers_to_str=True),
    **{name: TYPES[kind] for name, kind in COLUMNS.items()},
)
app = FastAPI()


@app.post("/predict")
def predict(record: Record) -> dict[str, Any]:
    """Answer one record and store the answer."""
    features = record.model_dump()
    frame = pd.DataFrame([features])
    probabilities = model.predict_proba(frame)[0]
    row = {
        "id": str(uuid.uuid4()),
        "created_at": datetime.now(UTC),
        "features": features,
        "prediction": str(model.classes_[probabilities.argmax()]),
        "probability": float(probabilities[1]),
    }
    with engine.begin() as connection:
        connection.execute(predictions.insert().values(**row))
    return {"id": row["id"], "prediction": row["prediction"], "probability": row["probability"]}


handler = Mangum(app, lifespan="off")
