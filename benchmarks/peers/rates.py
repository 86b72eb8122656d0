"""Share of windows in which a peer's defaults alarm; runs in the peer's own environment.

Reads `{"columns": {name: {"kind", "values"}}, "reference": [...], "windows": [[row, ...], ...]}` from standard input,
where rows are indices into the columns, and prints `{"alarms": number of windows, "seconds": time}`.
"""

import json
import sys
import time
import warnings

import pandas as pd


def evidently(reference, windows, kinds):
    """Return how many windows have a drifted column by Evidently's DataDriftPreset."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def dataset(frame):
        definition = DataDefinition(
            numerical_columns=[name for name, kind in kinds.items() if kind == "numeric"],
            categorical_columns=[name for name, kind in kinds.items() if kind == "categorical"],
        )
        return Dataset.from_pandas(frame, data_definition=definition)

    known = dataset(reference)
    alarms = 0
    for window in windows:
        result = Report([DataDriftPreset()]).run(dataset(window), known).dict()
        drifted = [each for each in result["metrics"] if "DriftedColumnsCount" in each["metric_name"]]
        alarms += drifted[0]["value"]["count"] > 0
    return alarms


def nannyml(reference, windows, kinds):
    """Return how many windows have an alert in a column by NannyML's univariate drift."""
    import nannyml as nml

    names = list(kinds)
    categorical = [name for name, kind in kinds.items() if kind == "categorical"]
    size = len(windows[0])
    calculator = nml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=categorical, chunk_size=size)
    calculator.fit(reference)
    found = calculator.calculate(pd.concat(windows, ignore_index=True)).filter(period="analysis").to_df()
    alerts = found.loc[:, found.columns.get_level_values(-1) == "alert"]
    return int(alerts.any(axis=1).sum())


def main(peer):
    """Compare all windows."""
    warnings.simplefilter("ignore")
    data = json.load(sys.stdin)
    kinds = {name: column["kind"] for name, column in data["columns"].items()}
    frame = pd.DataFrame({name: column["values"] for name, column in data["columns"].items()})
    for name, kind in kinds.items():
        frame[name] = frame[name].astype(float if kind == "numeric" else object)
    frames = [frame.iloc[rows].reset_index(drop=True) for rows in [data["reference"], *data["windows"]]]
    start = time.perf_counter()
    alarms = {"evidently": evidently, "nannyml": nannyml}[peer](frames[0], frames[1:], kinds)
    print(json.dumps({"alarms": alarms, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main(sys.argv[1])
