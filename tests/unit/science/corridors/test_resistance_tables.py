import copy
import tomllib
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.corridors.resistance_factors import CLASS_NAMES
from shanhai.science.corridors.resistance_tables import TABLES, Bands, load_table, read_table


@pytest.fixture
def document() -> dict[str, Any]:
    path = files("shanhai.science.corridors").joinpath("catalogues", "resistance-city.toml")
    return copy.deepcopy(tomllib.loads(path.read_text("utf-8")))


def test_an_edge_belongs_to_the_next_band() -> None:
    bands = Bands((8.0, 15.0), (1.0, 10.0, 50.0))
    found = bands.of(np.array([0.0, 7.99, 8.0, 15.0, np.inf, np.nan]))
    np.testing.assert_array_equal(found, [1, 1, 10, 50, 50, np.nan])


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_the_platform_have_every_class_and_say_where_they_come_from(name: str) -> None:
    table = load_table(name)
    assert set(CLASS_NAMES.values()) <= set(table.land_cover)
    assert sum(table.weights.values()) == pytest.approx(1.0)
    assert table.version
    assert table.source
    assert table.label.zh
    assert table.note.en


def test_minor_roads_hinder_half_as_much() -> None:
    table = load_table("resistance-city")
    main, minor = table.roads["main"], table.roads["minor"]
    assert minor.edges == main.edges
    assert minor.values == (250.0, 150.0, 50.0, 15.0, 1.0)
    assert main.values == (500.0, 300.0, 100.0, 30.0, 1.0)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InvalidInput, match="resistance-city"):
        load_table("resistance-village")


def test_missing_parts_are_named(document: dict[str, Any]) -> None:
    del document["roads"]["minor"]
    with pytest.raises(InvalidInput, match="/roads/minor") as refused:
        read_table(document)
    assert refused.value.faults[0].pointer == "/roads/minor"


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("land_cover", "values", "forest"), 0.5, "/land_cover/values/forest"),
        (("slope", "values"), [1, 10, 50, 75, 1001], "/slope/values/4"),
        (("slope", "values"), [1, 10], "/slope/edges"),
        (("water", "edges"), [100, 100, 500, 1000], "/water/edges"),
        (("water", "weight"), -0.1, "/water/weight"),
        (("roads", "weight"), float("nan"), "/roads/weight"),
    ],
)
def test_values_out_of_range_are_named(
    document: dict[str, Any], path: tuple[str, ...], value: object, pointer: str
) -> None:
    part = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(InvalidInput) as refused:
        read_table(document)
    assert refused.value.faults[0].pointer == pointer
