import json

from hypothesis import given
from hypothesis import strategies as st

from tabserve.serving.json_columns import objects, texts

CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=4)


@given(st.lists(CELLS))
def test_a_column_is_encoded_as_each_of_its_values_is(values: list[str | float | int | None]) -> None:
    read = [json.loads(text) for text in texts(values)]

    assert read == values
    assert list(map(type, read)) == list(map(type, values))


@given(NAMES, st.integers(0, 5))
def test_rows_are_objects_of_their_columns(names: list[str], rows: int) -> None:
    columns = {name: list(range(place, place + rows)) for place, name in enumerate(names)}

    built = objects([(name, texts(values)) for name, values in columns.items()], rows)

    assert list(map(json.loads, built)) == [{name: columns[name][row] for name in names} for row in range(rows)]
    assert all("\n" not in text for text in built)
