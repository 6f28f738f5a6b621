"""Every collection is drawn in the colours its legend shows."""

from typing import Any

import pytest

from shanhai.db.features.catalogue import COLLECTIONS
from shanhai.db.features.entity import Entity
from shanhai_tiles.documents import Links
from shanhai_tiles.feature_styles import STYLES, feature_style, symbol_of
from shanhai_tiles.layers import VectorLayer
from shanhai_tiles.legend import legend_of, png, svg
from shanhai_tiles.styles import style_document
from shanhai_tiles.vector_layers import VECTORS, Selection
from shanhai_tiles.vector_state import WORLD

every = pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)


def layer_of(name: str) -> VectorLayer:
    collection = VECTORS[name]
    return VectorLayer(name, collection.entity.title, collection, Selection(), "0" * 16, WORLD, ())


def drawn(name: str, lang: Any = "zh") -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = style_document(layer_of(name), Links("http://tiles.test"), lang)[
        "layers"
    ]
    return layers


def colors_in(expression: Any) -> set[str]:
    if isinstance(expression, list):
        return set().union(*map(colors_in, expression))
    return {expression} if isinstance(expression, str) and expression.startswith("#") else set()


def test_every_declared_style_belongs_to_a_collection() -> None:
    assert set(STYLES) == {entity.name for entity in COLLECTIONS}


@every
def test_colours_are_chosen_by_a_property_that_tiles_carry(entity: Entity) -> None:
    style = feature_style(entity.name)
    wanted = {name for name in (style.by, style.colored_by) if name is not None}
    assert wanted <= set(VECTORS[entity.name].properties)


@every
def test_every_code_of_a_closed_list_has_a_class(entity: Entity) -> None:
    style = feature_style(entity.name)
    by = None if style.by is None else entity.declared(style.by)
    if by is None or not by.terms:
        return
    values = [value for one in style.classes for value in one.values]
    assert sorted(values) == sorted(term.code for term in by.terms)


@every
def test_classes_differ_in_colour_and_value(entity: Entity) -> None:
    classes = feature_style(entity.name).classes
    values = [value for one in classes for value in one.values]
    assert len(set(values)) == len(values)
    assert len({one.color for one in classes}) == len(classes)


@every
def test_the_legend_shows_the_colours_of_the_map(entity: Entity) -> None:
    legend = legend_of(layer_of(entity.name))
    assert legend.entries
    paints = [one["paint"] for one in drawn(entity.name) if one["type"] != "symbol"]
    on_the_map = set().union(*(colors_in(list(paint.values())) for paint in paints))
    assert {entry.color for entry in legend.entries} <= on_the_map
    assert all(entry.label.zh and entry.label.en for entry in legend.entries)
    assert svg(legend, "en").count("<text") == len(legend.entries) + 1
    assert png(legend, "en").startswith(b"\x89PNG")


@every
def test_layers_have_names_of_their_own_and_one_source(entity: Entity) -> None:
    layers = drawn(entity.name)
    assert len({one["id"] for one in layers}) == len(layers)
    assert {one["source"] for one in layers} == {entity.name}


def test_shapes_are_drawn_as_what_they_are() -> None:
    assert [one["type"] for one in drawn("stations")] == ["circle", "symbol"]
    assert [one["type"] for one in drawn("corridors")] == ["line", "symbol"]
    assert drawn("plans")[0]["type"] == "line"
    areas, edges, ways, points = drawn("control_areas")[:4]
    assert [one["type"] for one in (areas, edges, ways, points)] == [
        *("fill", "line", "line", "circle")
    ]
    assert areas["filter"] == edges["filter"] != ways["filter"] != points["filter"]
    assert "filter" not in drawn("stations")[0]


def test_symbols_of_legends() -> None:
    shapes = {entity.name: symbol_of(entity.name, entity.geometry_type) for entity in COLLECTIONS}
    assert shapes["stations"] == "point"
    assert shapes["corridors"] == "line"
    assert shapes["regions"] == "outline"
    assert shapes["zones"] == shapes["control_areas"] == "area"


def test_names_are_written_in_the_callers_language_where_there_is_one() -> None:
    name = drawn("stations", "en")[-1]
    assert name["layout"]["text-field"] == [
        *("coalesce", ["get", "name_en"], ["get", "name_zh"], "")
    ]


def test_an_unknown_collection_is_tinted() -> None:
    assert feature_style("unheard_of").classes == ()
