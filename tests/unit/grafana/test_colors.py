"""Colours by meaning can be read, and told apart by people who do not see red and green as others do."""

import tomllib
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from grafana import colors, write

# Machado, Oliveira and Fernandes (2009), full protanopia and deuteranopia, for linear light.
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]]),
    "deuteranopia": np.array([[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
CONFIG = Path(__file__).resolve().parents[3] / ".streamlit" / "config.toml"
LEVELS = ("none", "low", "medium", "high", "severe")


def light(color: str) -> np.ndarray:
    channels = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(color: str, eye: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(TO_XYZ @ np.clip(eye @ light(color), 1e-4, 1) / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("color", [*sorted({*colors.MEANING.values()}), *colors.SERIES])
def test_every_colour_can_be_read_on_white(color: str) -> None:
    assert 1.05 / (TO_XYZ[1] @ light(color) + 0.05) >= 4.5


@pytest.mark.parametrize("eye", EYES)
def test_levels_can_be_told_apart(eye: str) -> None:
    shades = {level: lab(colors.MEANING[level], EYES[eye]) for level in LEVELS}
    for one, other in combinations(LEVELS, 2):
        assert np.linalg.norm(shades[one] - shades[other]) > 20, (one, other)
    for one, other in pairwise(LEVELS):
        assert np.linalg.norm(shades[one] - shades[other]) > 30, (one, other)


def test_names_without_a_meaning_share_no_colour_with_those_that_have_one() -> None:
    found = colors.of(["good", "Age", "bad", "Fare"])
    assert found == {"good": colors.GOOD, "Age": colors.SERIES[0], "bad": colors.BAD, "Fare": colors.SERIES[1]}
    assert not {*colors.SERIES} & {*colors.MEANING.values()}


def test_the_theme_of_the_page_has_the_same_colours() -> None:
    theme = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"]
    found = [theme[f"{name}Color"] for name in ("green", "blue", "orange", "red")]
    assert found == [colors.GOOD, colors.NOTICE, colors.WARNING, colors.BAD]
    assert theme["chartCategoricalColors"] == [*colors.SERIES]


def test_series_with_a_meaning_have_its_colour_in_grafana() -> None:
    found = {}
    for panel in write.documents()["tabserve-data"]["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            for property_ in override["properties"]:
                if property_["id"] == "color":
                    found[override["matcher"]["options"]] = property_["value"]["fixedColor"]
    assert {name: found[name] for name in ("good", "bad", "none", "low", "medium", "high")} == {
        name: colors.MEANING[name] for name in ("good", "bad", "none", "low", "medium", "high")
    }
