"""Filters: what compiles to what, and what is refused with which rule."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from shanhai.db.features.cql2.compiler import Compiled, compile_filter
from shanhai.db.features.cql2.parser import FilterLanguage
from shanhai.db.features.cql2.predicates import FUNCTIONS
from shanhai.db.features.crs import parse_crs
from shanhai.errors import InvalidInput, LimitExceeded
from tests.support.filter_entity import THINGS

SQUARE = "POLYGON((118 24,119 24,119 25,118 25,118 24))"


def compiled(text: str, language: FilterLanguage = "cql2-text") -> Compiled:
    return compile_filter(text, entity=THINGS, language=language)


def refusal(text: str, language: FilterLanguage = "cql2-text") -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        compiled(text, language)
    assert [fault.pointer for fault in caught.value.faults] == ["filter"]
    assert caught.value.message_zh != caught.value.message
    return caught.value


def geometry_in(found: Compiled) -> BaseGeometry:
    data = found.values["q_0"]
    assert isinstance(data, bytes)
    geometry = shapely.from_wkb(data)
    assert geometry is not None
    return geometry


class TestBinds:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("whole = 3", [3]),
            ("real = 0.1", [Decimal("0.1")]),
            ("real = .5", [Decimal("0.5")]),
            ("real < -1.5E-3", [Decimal("-0.0015")]),
            ("whole = 12345678901234567890", [Decimal("1.2345678901234567e+19")]),
            ("名称 = '山''海'", ["山'海"]),
            ("名称 = '山\\'海'", ["山'海"]),
            ("note = 'a\\b' OR note = 'C:\\\\'", ["a\\b", "C:\\\\"]),
            ("note = 'a\\\n\\'b'", ["a\\\n'b"]),
            ("note LIKE 'a\\'_' OR note LIKE '\\_\\\\'", ["a'_", "\\_\\\\"]),
            ("note LIKE '50\\%%'", ["50\\%%"]),
            ("note IN ('a', 'b')", [["a", "b"]]),
            ("whole IN (1, 2)", [[1, 2]]),
            ("real IN (1, 2.5)", [[Decimal(1), Decimal("2.5")]]),
            ("yes = true", [True]),
            ("yes = 1 OR yes <> 0", [True, False]),
            ("day >= DATE('2026-01-31')", [date(2026, 1, 31)]),
            ("day >= '2026-01-31'", [date(2026, 1, 31)]),
            ("day >= '2026-01-31T'", [date(2026, 1, 31)]),
            (
                "moment < TIMESTAMP('2026-01-31T08:00:00+08:00')",
                [datetime(2026, 1, 31, tzinfo=UTC)],
            ),
            ("moment < DATE('2026-01-31')", [datetime(2026, 1, 31, tzinfo=UTC)]),
            ("T_AFTER(day, DATE('2026-01-31'))", [date(2026, 1, 31)]),
        ],
    )
    def test_values_are_bound_with_their_type(self, text: str, values: list[object]) -> None:
        found = compiled(text)
        assert list(found.values.values()) == values
        assert all(f":{name} " in f"{found.sql} " for name in found.values)

    def test_the_text_of_a_value_never_becomes_sql(self) -> None:
        hostile = "x'; DROP TABLE thing; --"
        found = compiled("note = '{}'".format(hostile.replace("'", "''")))
        assert found.sql == "((t.note) = CAST(:q_0 AS text))"
        assert found.values == {"q_0": hostile}

    def test_filters_of_one_shape_are_one_statement(self) -> None:
        assert compiled("whole IN (1,2)").sql == compiled("whole IN (3,4,5)").sql
        assert compiled("note = 'a'").sql == compiled("note = 'b'").sql

    def test_properties_read_are_told(self) -> None:
        assert compiled("whole = 1 AND (note = 'x' OR 名称 IS NULL)").properties == {
            "whole",
            "note",
            "名称",
        }

    def test_the_index_is_asked_by_name(self) -> None:
        found = compiled(f"S_WITHIN(geometry, {SQUARE})")
        assert found.sql.startswith("(t.geom && ST_GeomFromWKB(")
        assert "AND ST_Within(t.geom, " in found.sql


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "same"),
        [
            ("((whole = 1))", "whole=1"),
            ("whole\u3000=\u30001", "whole = 1"),
            ("not (whole = 1)", "NOT whole = 1"),
            ("whole NOT BETWEEN 1 AND (2)", "NOT (whole BETWEEN 1 AND 2)"),
            ("note NOT LIKE 'a%'", "NOT note LIKE 'a%'"),
            ("note ilike 'it''s%'", "CASEI(note) LIKE CASEI('it''s%')"),
            ("note ilike 'it\\'s%'", "CASEI(note) LIKE CASEI('it''s%')"),
            ("whole=1 OR (note) NOT ILIKE ''", "whole=1 OR NOT CASEI(note) LIKE CASEI('')"),
            ("note IS NOT NULL", "NOT note IS NULL"),
            ("whole IN ((1), 2)", "whole IN (1, 2)"),
            ('"whole" != 1', "whole <> 1"),
            ("CASEI(note) = casei(('A'))", "casei(note) = CASEI('A')"),
            ("-(whole + 1) = 2", "-1 * (whole + 1) = 2"),
        ],
    )
    def test_ways_of_writing_mean_the_same(self, text: str, same: str) -> None:
        assert compiled(text) == compiled(same)

    def test_and_binds_closer_than_or(self) -> None:
        loose = compiled("whole = 1 OR whole = 2 AND yes").sql
        assert loose == compiled("whole = 1 OR (whole = 2 AND yes)").sql
        assert loose != compiled("(whole = 1 OR whole = 2) AND yes").sql

    def test_json_means_what_text_means(self) -> None:
        tree = {
            "op": "and",
            "args": [
                {"op": "like", "args": [{"property": "名称"}, "山%"]},
                {
                    "op": "s_intersects",
                    "args": [{"property": "geometry"}, {"bbox": [118, 24, 119, 25]}],
                },
                {"op": "t_after", "args": [{"property": "day"}, {"date": "2026-01-31"}]},
            ],
        }
        text = (
            "名称 LIKE '山%' AND S_INTERSECTS(geometry, BBOX(118,24,119,25))"
            " AND T_AFTER(day, DATE('2026-01-31'))"
        )
        assert compiled(json.dumps(tree), "cql2-json") == compiled(text)


class TestGeometry:
    def test_coordinates_come_in_the_order_of_their_system(self) -> None:
        text = "S_INTERSECTS(geometry, POINT(24.5 118.1))"
        latitude_first = parse_crs("http://www.opengis.net/def/crs/EPSG/0/4490")
        found = compile_filter(text, entity=THINGS, crs=latitude_first)
        assert geometry_in(found) == shapely.Point(118.1, 24.5)

    def test_projected_coordinates_are_stored_as_degrees(self) -> None:
        zone = parse_crs("http://www.opengis.net/def/crs/EPSG/0/4548")
        text = "S_INTERSECTS(geometry, POINT(2711000 611000))"
        found = geometry_in(compile_filter(text, entity=THINGS, crs=zone))
        assert found.distance(shapely.Point(118.09, 24.50)) < 0.02

    def test_a_projected_box_follows_its_bent_edges(self) -> None:
        zone = parse_crs("http://www.opengis.net/def/crs/EPSG/0/4548")
        text = "S_INTERSECTS(geometry, BBOX(2700000,500000,2800000,600000))"
        assert (
            shapely.get_num_coordinates(geometry_in(compile_filter(text, entity=THINGS, crs=zone)))
            > 5
        )

    def test_a_box_across_the_antimeridian_is_two(self) -> None:
        found = geometry_in(compiled("S_INTERSECTS(geometry, BBOX(177,65,-177,70))"))
        assert [part.bounds for part in shapely.get_parts(found)] == [
            (177, 65, 180, 70),
            (-180, 65, -177, 70),
        ] or found.area == pytest.approx(30)

    @pytest.mark.parametrize(
        ("box", "kind"),
        [("118,24,118,24", "Point"), ("118,24,118,25", "LineString"), ("1,2,0,3,4,9", "Polygon")],
    )
    def test_boxes_without_size_and_with_heights(self, box: str, kind: str) -> None:
        assert geometry_in(compiled(f"S_INTERSECTS(geometry,BBOX({box}))")).geom_type == kind

    @pytest.mark.parametrize(
        ("solid", "flat"),
        [
            ("POINT Z (1 2 3)", "POINT(1 2)"),
            ("pointz(1 2 -3)", "POINT(1 2)"),
            ("POINT(1 2 3)", "POINT(1 2)"),
            ("POLYGON Z ((0 0 5,1 0 5,1 1 6,0 0 5))", "POLYGON((0 0,1 0,1 1,0 0))"),
            (
                "GEOMETRYCOLLECTION Z(MULTIPOINT Z((1 2 3),(3 4 5)),POINTZ(5 6 7))",
                "MULTIPOINT((1 2),(3 4),(5 6))",
            ),
        ],
    )
    def test_heights_are_left_out(self, solid: str, flat: str) -> None:
        found = geometry_in(compiled(f"S_INTERSECTS(geometry, {solid})"))
        assert not found.has_z
        assert found.equals(shapely.from_wkt(flat))
        written = shapely.geometry.mapping(shapely.from_wkt(solid))
        tree = {"op": "s_intersects", "args": [{"property": "geometry"}, written]}
        assert geometry_in(compiled(json.dumps(tree), "cql2-json")) == found

    def test_a_geometry_with_heights_has_as_many_positions(self) -> None:
        ring = ",".join(f"{n / 10} {n % 2} 5" for n in range(600))
        assert compiled(f"S_INTERSECTS(geometry, LINESTRING Z({ring}))").sql

    def test_a_collection_of_one_dimension_is_merged(self) -> None:
        text = "S_WITHIN(geometry, GEOMETRYCOLLECTION(POINT(1 2),POINT(3 4)))"
        assert geometry_in(compiled(text)).geom_type == "MultiPoint"

    def test_a_collection_of_several_dimensions_is_only_intersected(self) -> None:
        mixed = "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(3 4,5 6))"
        for function in ("S_INTERSECTS", "S_DISJOINT"):
            found = compiled(f"{function}(geometry, {mixed})")
            assert geometry_in(found).equals(shapely.from_wkt(mixed))
        for function in FUNCTIONS.keys() - {"s_intersects", "s_disjoint"}:
            assert "mixture" in refusal(f"{function}({mixed}, geometry)").message

    @pytest.mark.parametrize(
        ("geometry", "rule"),
        [
            ("POLYGON((0 0,1 1,1 0,0 1,0 0))", "Self-intersection"),
            ("POLYGON((0 0,1 1,1 0,0 1))", "end where it begins"),
            ("POLYGON((0 0,0 0))", "four positions"),
            ("LINESTRING(0 0)", "valid"),
            ("POINT(200 20)", "longitude comes first"),
            ("POINT(24 118)", "longitude comes first"),
            ("POINT M (1 2 3)", "without M"),
            ("POINTM(1 2 3)", "without M"),
            ("POINTZM(1 2 3 4)", "without M"),
            ("POINT ZM (1 2 3 4)", "without M"),
            ("POINT(1 2 3 4)", "without M"),
            ("LINESTRING Z(1 2 3,-1 -2 -3 -4)", "without M"),
            ("LINESTRING(1 2,1 2 3)", "cannot be read"),
            ("POINT EMPTY", "cannot be read"),
            ("POINT Z EMPTY", "cannot be read"),
            ("CIRCULARSTRING(0 0,1 1,2 0)", "cannot be read"),
            ("BBOX(1,2,3)", "four or six"),
            ("BBOX('a',1,2,3)", "four or six"),
            ("BBOX(whole,1,2,3)", "four or six"),
            ("BBOX(1+1,1,2,3)", "four or six"),
            ("BBOX(true,1,2,3)", "four or six"),
            ("BBOX(1e999,1,2,3)", "finite"),
            ("POINT(1e999 2)", "cannot be read"),
            ("BBOX(1,4,3,2)", "lower corner"),
            ("BBOX(1,2,3,91)", "outside the world"),
            ("'POINT(1 2)'", "takes geometries"),
            ("whole", "takes geometries"),
        ],
    )
    def test_what_is_no_geometry_is_refused(self, geometry: str, rule: str) -> None:
        assert rule in refusal(f"S_INTERSECTS(geometry, {geometry})").message

    @pytest.mark.parametrize(
        "box", ['["a",2,3,4]', "[null,1,2,3]", '[1,2,"x",4,5,6]', "[[1],2,3,4]"]
    )
    def test_a_box_is_of_numbers(self, box: str) -> None:
        tree = f'{{"op":"s_intersects","args":[{{"property":"geometry"}},{{"bbox":{box}}}]}}'
        assert "four or six numbers" in refusal(tree, "cql2-json").message

    def test_only_a_collection_is_read_by_its_geometries(self) -> None:
        tree = '{{"op":"s_intersects","args":[{{"property":"geometry"}},{}]}}'
        point = '{"type":"Point","coordinates":[1,2],"geometries":5}'
        assert geometry_in(compiled(tree.format(point), "cql2-json")) == shapely.Point(1, 2)
        long = '{"type":"Point","coordinates":[1,2,3,4],"geometries":[]}'
        assert "without M" in refusal(tree.format(long), "cql2-json").message

    @pytest.mark.parametrize("number", ["1e-5", "1E-5", ".1e-4", "0.00001"])
    def test_coordinates_may_have_exponents(self, number: str) -> None:
        found = geometry_in(compiled(f"S_INTERSECTS(geometry, POINT({number} 2.4e1))"))
        assert found == shapely.Point(1e-5, 24)

    def test_coordinates_are_finite(self) -> None:
        tree = '{"op":"s_intersects","args":[{"property":"geometry"},'
        infinite = tree + '{"type":"Point","coordinates":[1e999,2]}]}'
        refusal(infinite, "cql2-json")

    def test_vertices_are_counted_over_all_geometries(self) -> None:
        line = {"type": "LineString", "coordinates": [[n % 90, n % 7] for n in range(5001)]}
        one = {"op": "s_intersects", "args": [{"property": "geometry"}, line]}
        compiled(json.dumps(one, separators=(",", ":")), "cql2-json")
        both = {"op": "or", "args": [one, one]}
        error = refusal(json.dumps(both, separators=(",", ":")), "cql2-json")
        assert isinstance(error, LimitExceeded)


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("", "must not be empty"),
            ("whole = 1 AND", "character 14"),
            ("whole == 1", "character 8"),
            ("((whole = 1 1))", "character 13"),
            ("note = 'x", "character 8"),
            ("note = 'x\\'y' 1", "character 15"),
            ("名称 = '中文' 1", "character 11"),
            ("whole = 1)", "character 10"),
            ("note = 'a\nb' 1", "character 14"),
            ("(whole = 1", "not closed"),
            ("(whole, 1) = 2", "lists follow IN"),
            ("whole = 1; DROP TABLE thing", "character 10"),
            ("whole", "stands where a condition must"),
            ("'x'", "stands where a condition must"),
            ("unknown = 1", "'unknown' is not a queryable property of things"),
            ("secret = 'x'", "'secret' is not a queryable property"),
            ("id = 1", "is not a queryable property"),
            ("whole = 'x'", "whole (a number) cannot be compared with 'x' (a text)"),
            ("note > 1", "cannot be compared"),
            ("yes = 2", "cannot be compared"),
            ("day > 3", "cannot be compared"),
            ("day > 'soon'", "'soon' is not a timestamp"),
            ("day = DATE('2026-02-30')", "is not a date"),
            ("day = DATE('2026-W05')", "is not a date"),
            ("moment = TIMESTAMP('2026-01-31')", "is not a timestamp"),
            ("moment = TIMESTAMP('0001-01-01T00:00:00+08:00')", "is not a timestamp"),
            ("note = null", "IS NULL"),
            ("note LIKE 1", "LIKE compares texts"),
            ("note LIKE 名称", "must be a text"),
            ("note LIKE 'x\\'", "end with an escape"),
            ("note IN (1)", "cannot be compared"),
            ("details = 'x'", "cannot be compared"),
            ("geometry = geometry", "cannot be compared"),
            ("1 IS NULL", "only properties"),
            ("casei(whole) = casei('x')", "casei takes a text"),
            ("whole + note = 1", "computes with numbers"),
            ("real = 1e999", "must be finite"),
            ("upper(note) = 'X'", "'upper' is not a function"),
            ("pg_sleep(10) = 1", "'pg_sleep' is not a function"),
            ("ACCENTI(note) = 'x'", "is not a function"),
            ("A_CONTAINS(details, ('x'))", "is not a function"),
            ("casei() = 'x'", "casei takes 1"),
            ("casei(note, note) = 'x'", "casei takes 1"),
            ("T_AFTER(whole, DATE('2026-01-01'))", "where a date, timestamp or interval"),
            ("T_DURING(day, INTERVAL('2026-02-01','2026-01-01'))", "must not end before"),
            ("INTERVAL('2026-01-01','..') = day", "only in temporal functions"),
        ],
    )
    def test_what_the_language_does_not_mean_is_refused(self, text: str, rule: str) -> None:
        assert rule in refusal(text).message

    @pytest.mark.parametrize(
        "text",
        [
            "[1",
            "{}",
            "[]",
            "null",
            '"x"',
            '{"op":"=","args":[]}',
            '{"op":"=","args":[{"property":1},2]}',
            '{"op":"and","args":[]}',
            '{"op":"in","args":[{"property":"note"},[]]}',
            '{"op":"in","args":[{"property":"note"},"x"]}',
            '{"op":"not","args":[null]}',
            '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Point"}]}',
            '{"op":"like","args":[{"property":"note"},{"op":"casei","args":[]}]}',
            '{"op":"t_after","args":[{"property":"day"},{"interval":["2026-01-01"]}]}',
            '{"op":"t_after","args":[{"property":"day"},{"interval":[null,null]}]}',
            '{"op":"=","args":[{"property":"note"},"\\u0000"]}',
            '{"op":"=","args":[{"property":"note"},"\\ud800"]}',
            '{"op":"=","args":[{"property":"real"},NaN]}',
        ],
    )
    def test_json_of_another_form_is_refused(self, text: str) -> None:
        refusal(text, "cql2-json")

    @pytest.mark.parametrize("character", ["\x00", "\ud800", "\ue000"])
    def test_characters_that_cannot_be_stored_are_refused(self, character: str) -> None:
        refusal(f"note = '{character}'")


class TestLimits:
    @pytest.mark.parametrize(
        "text",
        [
            "note = '" + "x" * 8192 + "'",
            "(" * 33 + "yes" + ")" * 33,
            "NOT " * 33 + "yes",
            "whole = " + "-" * 40 + "1",
            "(-" * 20 + "whole" + ")" * 20 + "= 1",
            "whole = " + "+".join(["1"] * 40),
            "whole IN (" + ",".join(["1"] * 501) + ")",
            " OR ".join(["yes"] * 501),
            "real = "
            + "*".join(["1e300"] * 10)
            + "*("
            + "*".join(["real"] * 30)
            + ")*("
            + "*".join(["real"] * 30)
            + ")",
        ],
    )
    def test_more_than_allowed_is_refused_before_it_is_parsed(self, text: str) -> None:
        assert isinstance(refusal(text), LimitExceeded)

    @pytest.mark.parametrize(
        "text",
        [
            "(" * 32 + "yes" + ")" * 32,
            "NOT " * 31 + "yes",
            "whole IN (" + ",".join(["1"] * 499) + ")",
            " OR ".join(["yes"] * 500),
        ],
    )
    def test_as_much_as_allowed_is_read(self, text: str) -> None:
        assert compiled(text).sql

    def test_json_is_limited_alike(self) -> None:
        deep = '{"op":"not","args":[' * 17 + "true" + "]}" * 17
        assert isinstance(refusal(deep, "cql2-json"), LimitExceeded)
        assert isinstance(refusal("[" * 33 + "]" * 33, "cql2-json"), LimitExceeded)
        assert isinstance(refusal('"' + "x" * 65536 + '"', "cql2-json"), LimitExceeded)
        assert compiled('{"op":"not","args":[' * 16 + "true" + "]}" * 16, "cql2-json").sql

    @pytest.mark.parametrize(
        "text",
        [
            "(" * 32 + "whole = 1 1" + ")" * 32,
            "whole IN (" * 16 + "1 1" + ")" * 16,
            "casei((" * 16 + "note 1" + "))" * 16,
            "whole = " + "-(1+" * 15 + "whole 1" + ")" * 15,
            "whole IN (whole = " * 16 + "1 1" + ")" * 16,
            "(" * 2000 + "yes" + ")" * 2000,
        ],
    )
    def test_errors_in_deep_nesting_are_found_at_once(self, text: str) -> None:
        # Twice the time for each pair of parentheses would be more than any test has.
        refusal(text)
