"""Every collection is drawn in the colours its legend shows."""

from typing import Any

import pytest

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.entity import Entity
from shanhai.feature_styles import STYLES, feature_style, symbol_of
from shanhai.vocabulary import Label
from shanhai_tiles.layers.catalogue import VectorLayer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.styles.legend import LegendEntry, legend_of, png, svg
from shanhai_tiles.styles.map_styles import style_document
from shanhai_tiles.vector.collections import VECTORS, LayerSelection
from shanhai_tiles.vector.extent import WORLD

every = pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)


def layer_of(name: str) -> VectorLayer:
    collection = VECTORS[name]
    return VectorLayer(
        name, collection.entity.title, collection, LayerSelection(), "0" * 16, WORLD, ()
    )


def drawn(name: str, lang: Any = "zh") -> list[dict[str, Any]]:
    style = style_document(layer_of(name), Links("http://tiles.test"), lang)
    return [layer.as_json() for layer in style.layers]


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
    assert svg(legend, "en").count("<text") == len(legend.entries) + 1 + legend.no_data
    assert png(legend, "en").startswith(b"\x89PNG")


@every
def test_layers_have_names_of_their_own_and_one_source(entity: Entity) -> None:
    layers = drawn(entity.name)
    assert len({one["id"] for one in layers}) == len(layers)
    assert {one["source"] for one in layers} == {entity.name}


def test_shapes_are_drawn_as_what_they_are() -> None:
    assert {one["type"] for one in drawn("stations")} == {"circle", "symbol"}
    assert {one["type"] for one in drawn("corridors")} == {"line", "symbol"}
    assert drawn("plans")[0]["type"] == "line"
    areas, edges, ways, points = drawn("control_areas")[:4]
    assert [one["type"] for one in (areas, edges, ways, points)] == [
        *("fill", "line", "line", "circle")
    ]
    assert areas["filter"] == edges["filter"] == ["==", "$type", "Polygon"]
    assert ways["filter"] == ["==", "$type", "LineString"]
    assert points["filter"][:2] == ["all", ["==", "$type", "Point"]]
    assert "filter" not in drawn("corridors")[0]
    assert not any("$type" in str(one.get("filter")) for one in drawn("stations"))


def test_points_have_a_layer_for_each_class_and_one_for_all_others() -> None:
    points = {one["id"]: one for one in drawn("stations") if one["type"] == "circle"}
    classes = feature_style("stations").classes
    assert list(points) == [*(f"stations-point-{one.code}" for one in classes), "stations-point"]
    for one in classes:
        point = points[f"stations-point-{one.code}"]
        assert point["filter"] == ["in", "kind", *one.values]
        assert point["paint"]["circle-color"] == one.color
    others = points["stations-point"]["filter"]
    assert others == ["!in", "kind", *(value for one in classes for value in one.values)]


def test_zones_have_their_own_colour_and_without_one_that_of_their_class() -> None:
    classes = [
        LegendEntry(color, Label("区", "Zone")) for color in ("#123456", "#abcdef", "#123456")
    ]
    style = style_document(layer_of("zones"), Links("http://tiles.test"), "zh", classes).as_json()
    known, other, plain = (one for one in style["layers"] if one["type"] == "fill")
    assert known["filter"] == ["in", "color", "#123456", "#abcdef"]
    assert known["paint"]["fill-color"] == [
        *("match", ["get", "color"], ["#123456"], "#123456", ["#abcdef"], "#abcdef", "#888888")
    ]
    assert other["filter"] == [*("all", ["has", "color"], ["!in", "color", "#123456", "#abcdef"])]
    assert other["paint"]["fill-color"] == ["get", "color"]
    assert plain["filter"] == ["!has", "color"]
    assert plain["paint"]["fill-color"][:2] == ["match", ["to-string", ["get", "class"]]]


@every
def test_styles_keep_to_what_qgis_reads(entity: Entity) -> None:
    """Colours by a `match` of literals, plain texts, filters of the older form."""
    for layer in drawn(entity.name):
        assert all(map(is_older, conditions_of(layer))), layer
        text = layer.get("layout", {}).get("text-field", ["get", ""])
        assert text[0] == "get"
        for name, paint in layer["paint"].items():
            # What has a colour nobody knew of is drawn by others.
            if name.endswith("-color") and not layer["id"].endswith("-fill-other"):
                assert is_readable(paint, layer["type"]), layer


def conditions_of(layer: dict[str, Any]) -> list[Any]:
    condition = layer.get("filter")
    if condition is None:
        return []
    return list(condition[1:]) if condition[0] == "all" else [condition]


def is_older(condition: list[Any]) -> bool:
    known = condition[0] in {"==", "in", "!in", "has", "!has"}
    return known and all(isinstance(part, str) for part in condition)


def is_readable(color: Any, type_: str) -> bool:
    if isinstance(color, str):
        return True
    if type_ == "circle" or color[0] != "match":
        return False
    values, results = color[2:-1:2], [*color[3:-1:2], color[-1]]
    by_lists = all(isinstance(one, list) for one in values)
    return by_lists and all(isinstance(one, str) for one in results)


def test_symbols_of_legends() -> None:
    shapes = {entity.name: symbol_of(entity.name, entity.geometry_type) for entity in COLLECTIONS}
    assert shapes["stations"] == "point"
    assert shapes["corridors"] == "line"
    assert shapes["regions"] == "outline"
    assert shapes["zones"] == shapes["control_areas"] == "area"


def test_names_are_written_in_the_callers_language_where_there_is_one() -> None:
    own, other = drawn("stations", "en")[-2:]
    assert own["layout"]["text-field"] == ["get", "name_en"]
    assert own["filter"] == ["has", "name_en"]
    assert other["layout"]["text-field"] == ["get", "name_zh"]
    assert other["filter"] == ["!has", "name_en"]


def test_an_unknown_collection_is_tinted() -> None:
    assert feature_style("unheard_of").classes == ()
