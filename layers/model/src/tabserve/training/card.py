"""The card of a version as one HTML page that loads nothing from elsewhere: what it learned from, is worth and is not.

Whatever a definition or its data hold is text on it: everything is escaped.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tabserve.core.features import CategoryFeature, DateFeature, Feature, NumberFeature, TextFeature
from tabserve.core.use_case import UseCase
from tabserve.registry.version import Diagnostics, Metric, ModelMetadata
from tabserve.training.charts import Axis, Bar, Line, Whisker, chart

TEMPLATES: Final = Path(__file__).parent / "templates"
MOST_COLUMNS: Final = 30  # of importance
MOST_CLASSES: Final = 20  # of the confusion matrix, which is a table
FEW_RECOGNISED: Final = 0.5
FEW_ROWS: Final = 30  # of a class, to say how well it is recognised
SHARES: Final = {"precision": "first", "recall": "second", "f1": "third"}
PICTURES: Final = ("calibration", "roc", "residuals", "threshold", "cost")
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "accuracy": ("Accuracy", "share of right answers; 1 is best"),
    "roc_auc": ("ROC AUC", "how often a row of a class is ranked above one of another; 0.5 is chance, 1 is best"),
    "brier": ("Brier score", "squared error of the probabilities; 0 is best"),
    "log_loss": ("Log loss", "punishes confident errors; 0 is best"),
    "mae": ("Mean absolute error", "in the target's unit; 0 is best"),
    "rmse": ("RMSE", "root of the mean squared error, in the target's unit; 0 is best"),
    "r2": ("R²", "share of the variance that is explained; 1 is best, 0 is no better than the mean"),
    "median_absolute_error": ("Median absolute error", "half of the answers are nearer; in the target's unit"),
    "coverage": ("Coverage", "share of the true values inside the interval"),
}


def card(metadata: ModelMetadata, use_case: UseCase) -> bytes:
    """Return the card of a version with diagnostics, as UTF-8."""
    found = metadata.diagnostics
    if found is None:
        raise ValueError(f"{metadata.version} has no diagnostics to write a card of")
    columns = sorted(found.importance.items(), key=lambda item: -item[1].value)
    page = _template().render(
        version=metadata,
        use_case=use_case,
        measures=[(*MEASURES.get(name, (name, "")), metric) for name, metric in metadata.metrics.items()],
        candidates=[(each, MEASURES[each.measure][0]) for each in metadata.candidates],
        charts=dict.fromkeys(PICTURES, "") | dict(_charts(found, use_case, metadata.threshold)),
        budget=_budget(use_case),
        confusion=_confusion(found, use_case),
        importance=_bars(columns[:MOST_COLUMNS]),
        more_columns=max(0, len(columns) - MOST_COLUMNS),
        columns=[(each, _kind(each), _limits(each)) for each in use_case.features],
        derived=[(each.name, each.feature.type, ", ".join(each.sources)) for each in use_case.derived],
        weaknesses=list(_weaknesses(metadata, use_case)),
        definition=json.dumps(
            use_case.model_dump(mode="json", by_alias=True, exclude_defaults=True), indent=2, ensure_ascii=False
        ),
        settings=use_case.training,
    )
    return page.encode()


def _charts(found: Diagnostics, use_case: UseCase, threshold: float | None) -> Iterator[tuple[str, str]]:
    """Yield the pictures by name: those that there are figures of."""
    if found.calibration:
        yield "calibration", _calibration(found, use_case)
    if found.roc:
        x, y = Axis("false positive rate", percent=True), Axis("true positive rate", percent=True)
        yield "roc", chart("ROC curve", x, y, [Line(found.roc, "first")], diagonal=True)
    if found.residuals:
        tallest = max(count for _, _, count in found.residuals)
        unit = f" in {use_case.target.unit}" if use_case.target.unit else ""
        x = Axis(f"true minus predicted{unit}", found.residuals[0][0], found.residuals[-1][1])
        bars = [Bar(*each) for each in found.residuals]
        yield "residuals", chart("Residuals", x, Axis("rows", 0, tallest), bars=bars, mark=0)
    if found.threshold_curve:
        x, mark = Axis("threshold", percent=True), 0.5 if threshold is None else threshold
        lines = [Line(_curve(found, name), style) for name, style in SHARES.items()]
        yield "threshold", chart("Threshold curve", x, Axis("share", percent=True), lines, mark=mark)
        if costs := _curve(found, "cost"):
            highest = max(cost for _, cost in costs)
            yield "cost", chart("Cost", x, Axis("cost of a row", 0, highest), [Line(costs, "fourth")], mark=mark)


def _curve(found: Diagnostics, name: str) -> list[tuple[float, float]]:
    points = ((each.threshold, getattr(each, name)) for each in found.threshold_curve)
    return [(threshold, value) for threshold, value in points if value is not None]


def _calibration(found: Diagnostics, use_case: UseCase) -> str:
    bins = found.calibration
    line = Line([(each.answered, each.happened) for each in bins], "first", dots=True)
    whiskers = [Whisker(each.answered, each.low, each.high) for each in bins]
    if not use_case.is_regression:
        x, y = Axis("answered probability", percent=True), Axis("how often it happened", percent=True)
        return chart("Calibration", x, y, [line], whiskers, diagonal=True)
    low = min(min(each.answered, each.low) for each in bins)
    high = max(max(each.answered, each.high) for each in bins)
    x, y = Axis("mean predicted", low, high), Axis("mean true", low, high)
    return chart("Predicted and true numbers", x, y, [line], whiskers, diagonal=True)


def _budget(use_case: UseCase) -> str:
    search = use_case.training.search
    if search is None:
        return ""
    attempts = f"{search.iterations} attempts a candidate" if search.iterations else ""
    seconds = f"{search.seconds:g} s" if search.seconds else ""
    return f"{' and '.join(filter(None, (attempts, seconds)))}, in {search.folds} folds of the rows to learn from"


def _confusion(found: Diagnostics, use_case: UseCase) -> Sequence[tuple[str, Sequence[tuple[int, float]]]]:
    """Return by true class the rows of each predicted class, with their share of the true class's rows."""
    if len(found.confusion) > MOST_CLASSES:
        return ()
    return [
        (use_case.target.label(place), [(count, count / max(1, sum(line))) for count in line])
        for place, line in enumerate(found.confusion)
    ]


def _bars(columns: Sequence[tuple[str, Metric]]) -> Sequence[tuple[str, Metric, float]]:
    """Return columns with how long their bars are, in per cent."""
    longest = max((metric.value for _, metric in columns), default=0.0)
    return [(name, each, 100 * max(0.0, each.value) / longest if longest > 0 else 0.0) for name, each in columns]


def _kind(feature: Feature) -> str:
    if isinstance(feature, CategoryFeature) and feature.is_open:
        return "open category"
    return f"{feature.type}{f' in {feature.unit}' if isinstance(feature, NumberFeature) and feature.unit else ''}"


def _limits(feature: Feature) -> str:
    match feature:
        case NumberFeature():
            low = f"at least {feature.minimum:g}" if feature.has_minimum else ""
            high = f"at most {feature.maximum:g}" if feature.has_maximum else ""
            usual = "usually {:g} to {:g}".format(*feature.usual) if feature.usual else ""
            return ", ".join(filter(None, (low, high, usual)))
        case CategoryFeature():
            return f"the {feature.keep} most frequent" if feature.is_open else ", ".join(feature.texts)
        case TextFeature() | DateFeature():
            return "only as a source of derived features"
    return ""


def _weaknesses(metadata: ModelMetadata, use_case: UseCase) -> Iterator[str]:
    """Yield what its figures say against a version, a sentence each."""
    found = metadata.diagnostics
    assert found is not None  # noqa: S101  for the types
    yield from metadata.warnings
    for place, line in enumerate(found.confusion):
        if sum(line) < FEW_ROWS:
            yield (
                f"Only {sum(line)} held-out rows are {use_case.target.label(place)!r}: "
                "how well that class is recognised is hardly known."
            )
        elif line[place] / sum(line) < FEW_RECOGNISED:
            share = line[place] / sum(line)
            yield f"Of the rows that are {use_case.target.label(place)!r} only {share:.0%} are recognised."
    off = [each for each in found.calibration if not each.low <= each.answered <= each.high]
    if len(off) > len(found.calibration) / 5:
        what = "predicted numbers" if use_case.is_regression else "probabilities"
        yield (
            f"In {len(off)} of {len(found.calibration)} groups of held-out rows "
            f"the {what} are off by more than chance, "
            f"so {'read them with care' if use_case.is_regression else 'rank by them rather than count on them'}."
        )
    idle = [name for name, each in found.importance.items() if each.high <= 0]
    if idle:
        names = ", ".join(idle[:5]) + (f" and {len(idle) - 5} more" if len(idle) > 5 else "")
        yield f"Shuffling did not make answers worse for: {names}. The model may do as well without."
    open_ones = [each.name for each in use_case.inputs if isinstance(each, CategoryFeature) and each.is_open]
    if open_ones:
        yield f"Values that were rare or unknown in training are all alike to it: {', '.join(open_ones[:5])}."


@cache
def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"figure": _figure, "share": lambda value: f"{value:.1%}", "parameters": _parameters}
    return environment.get_template("card.html")


def _figure(value: float) -> str:
    text = f"{value:,.3f}" if abs(value) < 1_000 else f"{value:,.0f}"
    return text.replace("-", "−")


def _parameters(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in parameters.items()) or "default"
