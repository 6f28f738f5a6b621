"""What answers are made of: numbers and documents that are sent as they are."""

from typing import Any

import pytest

from shanhai_api.kit.answers import Answered, Described, Document, JsonNumber
from shanhai_api.plans.answers import OfPlan


class Figure(Answered):
    value: JsonNumber | None


class Kept(Document):
    whole: Described[Figure]
    many: Described[list[Figure]]


SENT: dict[str, Any] = {"value": 1, "more": [2.0, None]}


@pytest.mark.parametrize("value", [1, 1.5, 0, 0.0, None])
def test_whole_numbers_stay_without_a_point(value: float | None) -> None:
    found = Figure(value=value).as_json()["value"]
    assert (found, type(found)) == (value, type(value))
    told = Figure.model_json_schema(mode="serialization")["properties"]["value"]
    assert told["anyOf"] == [{"type": "number"}, {"type": "null"}]


def test_what_is_described_is_sent_as_it_is() -> None:
    kept = Kept.model_validate({"whole": SENT, "many": [SENT]})
    assert kept.as_json() == {"whole": SENT, "many": [SENT]}
    members = Kept.model_json_schema(mode="serialization")["properties"]
    assert members["whole"]["$ref"] == members["many"]["items"]["$ref"] == "#/$defs/Figure"


def test_without_a_day_nothing_is_told_of_one() -> None:
    assert OfPlan(plan="a", as_of=None, in_force=None).as_json() == {"plan": "a"}
    told = OfPlan.model_validate({"plan": "a", "as_of": "2024-01-01"}).as_json()
    assert told == {"plan": "a", "as_of": "2024-01-01", "in_force": None}
