"""Query options of SensorThings: read, compiled to SQL with bound values, or refused."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.identity import PUBLIC
from shanhai.db.sensorthings.compiler import OrderKey, behind, condition
from shanhai.db.sensorthings.expressions import (
    Constant,
    Cursor,
    FunctionCall,
    GeometryLiteral,
    PropertyPath,
    read_expression,
)
from shanhai.db.sensorthings.model import KINDS
from shanhai.db.sensorthings.operands import Composition
from shanhai.db.sensorthings.options import (
    MOST_TOP,
    USUAL_TOP_OF_RELATIONS,
    Options,
    place_of,
    read_options,
    token_of,
)
from shanhai.errors import InvalidInput


def read(text: str) -> Any:
    cursor = Cursor.over(text, "$filter")
    found = read_expression(cursor)
    cursor.demand_end()
    return found


def compiled(kind: str, text: str) -> tuple[str, dict[str, object]]:
    composition = Composition(PUBLIC, "en")
    return condition(composition, KINDS[kind], "t", read(text)), composition.values


class TestExpressions:
    @pytest.mark.parametrize(
        ("text", "tree"),
        [
            ("result eq 1", FunctionCall("eq", (PropertyPath(("result",)), Constant(1.0)))),
            ("'it''s'", Constant("it's")),
            ("null", Constant(None)),
            ("-2", Constant(-2.0)),
            ("duration'P1DT2H'", Constant(timedelta(days=1, hours=2))),
            ("2026-01-31", Constant(datetime(2026, 1, 31, tzinfo=UTC))),
            ("2026-01-31T08:00:00+08:00", Constant(datetime(2026, 1, 31, tzinfo=UTC))),
            # What `+` in an address that was not escaped becomes.
            ("2026-01-31T08:00:00 08:00", Constant(datetime(2026, 1, 31, tzinfo=UTC))),
            ("Datastream/Thing/@iot.id", PropertyPath(("Datastream", "Thing", "@iot.id"))),
            ("now()", FunctionCall("now", ())),
        ],
    )
    def test_values_and_names(self, text: str, tree: object) -> None:
        assert read(text) == tree

    def test_operators_bind_as_odata_says(self) -> None:
        a, b, c = (PropertyPath((name,)) for name in "abc")
        assert read("a or b and c") == FunctionCall("or", (a, FunctionCall("and", (b, c))))
        assert read("(a or b) and c") == FunctionCall("and", (FunctionCall("or", (a, b)), c))
        assert read("a add b mul c") == FunctionCall("add", (a, FunctionCall("mul", (b, c))))
        assert read("a sub b sub c") == FunctionCall("sub", (FunctionCall("sub", (a, b)), c))
        assert read("not a eq b and c") == FunctionCall(
            "and", (FunctionCall("not", (FunctionCall("eq", (a, b)),)), c)
        )

    def test_geometries_are_points_in_degrees(self) -> None:
        constant = read("geography'SRID=4326;POINT(118 24)'")
        assert isinstance(constant.value, GeometryLiteral)
        assert constant.value.wkb.hex() == "0101000000" + "0000000000805d40" + "0000000000003840"

    @pytest.mark.parametrize(
        "text",
        [
            *("", "a eq", "a eq 1 2", "(a", "f(a", "a eq 'x", "a = 1", "a eq 2026-13-01", "a;b"),
            *("duration'P1Y' eq a", "1e999 eq a", "geography'POINT(1)' eq a", "'\x00' eq a"),
            *("geography'SRID=3857;POINT(1 1)' eq a", "geography'POINT(1 99)' eq a"),
            *("not " * 50 + "a", "(" * 50 + "a" + ")" * 50, "a eq " + "b add " * 2000 + "1"),
        ],
    )
    def test_what_breaks_a_rule_is_refused_by_its_place(self, text: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(text)
        assert [fault.pointer for fault in refused.value.faults] == ["$filter"]
        assert refused.value.message_zh != refused.value.message

    @given(st.text(alphabet="ab1'() ,/$;=eqnotandor.-:T\x00é", max_size=60))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        with suppress(InvalidInput):
            condition(Composition(PUBLIC, "en"), KINDS["Thing"], "t", read(text))


class TestConditions:
    def test_values_are_bound_and_never_written(self) -> None:
        sql, values = compiled("Thing", "name eq '''; DROP TABLE station; --'")
        assert sql == "((t.name_en) = CAST(:v0 AS text))"
        assert values == {"v0": "'; DROP TABLE station; --"}

    def test_the_id_of_a_series_is_asked_of_the_row_itself(self) -> None:
        sql, values = compiled("Observation", "'a:b' eq Datastream/id")
        assert sql == "(t.property_code = CAST(:v0 AS text) AND t.station_code = CAST(:v1 AS text))"
        assert values == {"v0": "b", "v1": "a"}

    def test_what_a_row_leads_to_is_joined_once(self) -> None:
        sql, _ = compiled("Observation", "Datastream/Sensor/name eq Datastream/Sensor/encodingType")
        assert sql.startswith("EXISTS (SELECT FROM (")
        assert sql.count("FROM sensor sr)") == 1

    def test_dates_divisions_and_documents(self) -> None:
        sql, values = compiled("Observation", "result div 0 gt year(phenomenonTime)")
        assert "nullif(CAST(:v0 AS double precision), 0)" in sql
        assert "extract(year FROM (t.observed_at) AT TIME ZONE 'UTC')" in sql
        assert values == {"v0": 0.0}
        sql, values = compiled("Thing", "properties/depth/m ge 3")
        assert "jsonb_typeof(((t.properties) #> CAST(:v0 AS text[]))) = 'number'" in sql
        assert values["v0"] == ["depth", "m"]

    @pytest.mark.parametrize(
        ("kind", "text", "named"),
        [
            ("Thing", "soundex(name) eq 'x'", "soundex"),
            ("Thing", "year(name) eq 1", "year"),
            ("Thing", "concat(name) eq 'x'", "concat"),
            ("Thing", "depth eq 1", "depth"),
            ("Thing", "name eq 1", "name"),
            ("Thing", "name", "$filter"),
            ("Thing", "Datastreams eq 1", "Datastreams"),
            ("Thing", "properties gt null", "null"),
            ("Location", "location eq location", "location"),
            ("Datastream", "phenomenonTime gt 5", "phenomenonTime"),
        ],
    )
    def test_what_cannot_be_asked_is_named(self, kind: str, text: str, named: str) -> None:
        with pytest.raises(InvalidInput, match=named.replace("$", r"\$")):
            compiled(kind, text)


class TestOptions:
    def test_relations_are_nested_with_their_options(self) -> None:
        expand = "Datastreams($select=name;$expand=Observations($top=1;$count=true)),Locations"
        options = read_options([("$expand", expand), ("$orderby", "name desc,id")])
        series = options.expand["Datastreams"]
        assert series.select == (PropertyPath(("name",)),)
        assert (series.expand["Observations"].top, series.expand["Observations"].count) == (1, True)
        assert series.given["$expand"] == "Observations ( $top = 1 ; $count = true )"
        assert options.expand["Locations"] == Options(top=USUAL_TOP_OF_RELATIONS)
        assert [ordering.descending for ordering in options.orderby] == [True, False]

    def test_relations_of_relations_are_one_tree(self) -> None:
        options = read_options([("$expand", "Datastreams/Sensor,Datastreams/ObservedProperty")])
        assert options.expand["Datastreams"].expand.keys() == {"Sensor", "ObservedProperty"}

    def test_pages_are_bounded(self) -> None:
        assert read_options([("$top", "99999999999")]).top == MOST_TOP

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            ("$top", "1.5", "'1.5'"),
            ("$top", "-3", "'-3'"),
            ("$top", "", "''"),
            ("$top", "٣", "'٣'"),
            ("$top", "9" * 100 + "a", "…"),
            ("$skip", "10001", "10001"),
            ("$count", "yes", "'yes'"),
            ("$resultFormat", "csv", "'csv'"),
        ],
    )
    def test_a_refusal_tells_what_was_given(self, name: str, text: str, told: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            read_options([(name, text)])
        assert told in refusal.value.message
        assert told in refusal.value.message_zh

    def test_an_option_given_twice(self) -> None:
        with pytest.raises(InvalidInput):
            read_options([("$top", "1"), ("$top", "2")])

    @given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text()), max_size=5))
    def test_places_come_back_as_they_were(self, place: list[Any]) -> None:
        assert place_of(token_of(place)) == tuple(place)

    @pytest.mark.parametrize("token", ["", "e30", "W1tdXQ", "*", "A"])
    def test_tokens_that_were_never_given(self, token: str) -> None:
        with pytest.raises(InvalidInput):
            place_of(token)


class TestPlaces:
    def after(self, place: tuple[Any, ...], *, descending: bool, nullable: bool = True) -> str:
        key = OrderKey("a", "text", descending, nullable)
        own = OrderKey("i", "bigint", nullable=False)
        return behind(Composition(PUBLIC, "en"), (key, own), place)

    def test_missing_values_are_the_largest(self) -> None:
        rising = self.after((None, 7), descending=False)
        assert rising.startswith("(false OR (a IS NULL AND (i > ")
        falling = self.after((None, 7), descending=True)
        assert falling.startswith("(a IS NOT NULL OR (a IS NULL AND (i > ")
        assert "OR a IS NULL OR" in self.after(("x", 7), descending=False)

    def test_the_first_key_bounds_what_an_index_reads(self) -> None:
        assert self.after(("x", 7), descending=True).startswith("a <= CAST(")
        assert self.after(("x", 7), descending=False, nullable=False).startswith("a >= CAST(")

    def test_a_place_of_another_order(self) -> None:
        with pytest.raises(InvalidInput):
            self.after((7,), descending=True)
