"""Broken rules are told in Chinese with their limits."""

import re
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.processes.compose_map_sheet.contract import SheetLayer
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.import_dataset.contract import ImportDatasetInputs
from shanhai.validation import Words, in_both, rule_in_chinese, rule_in_english

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def rules_of(inputs: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        DelineateZonesInputs.model_validate(inputs)
    return {
        "/".join(map(str, item["loc"])): rule_in_chinese(item) for item in caught.value.errors()
    }


def test_rules_name_their_limits() -> None:
    assert rules_of({"region": "x", "cell_m": 1, "parameters": {"k": 11}}) == {
        "cell_m": "必须大于或等于 10.0（给出的是 1）",
        "parameters/k": "必须小于或等于 10（给出的是 11）",
    }


def test_choices_are_listed_in_chinese_with_the_wrong_name() -> None:
    told = rules_of({"region": "x", "profile": "other", "datasets": {"nothing": "x"}})
    assert told["profile"] == "必须是 'mixed'、'biophysical' 或 'index' 之一（给出的是 'other'）"
    assert told["datasets/nothing/[key]"].endswith("之一（给出的是 'nothing'）")


def test_missing_and_unknown_members() -> None:
    assert rules_of({"unknown": 1}) == {"region": "必填", "unknown": "不是已知的成员"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"region": 5},
        {"region": "a b"},
        {"region": "x", "profile": "other"},
        {"region": "x", "datasets": []},
        {"region": "x", "datasets": {"nothing": "x"}},
        {"region": "x", "seed": 1.5},
        {"region": "x", "publish": "perhaps"},
    ],
)
def test_every_kind_of_mistake_has_a_translation(inputs: dict[str, object]) -> None:
    assert all(CHINESE.search(rule) for rule in rules_of(inputs).values())


def test_a_rule_of_the_model_itself_is_bilingual() -> None:
    with pytest.raises(ValidationError) as caught:
        ImportDatasetInputs.model_validate(
            {
                "upload": "6010a963-89b8-4105-a6f6-0c42aad74037",
                "region": "x",
                "theme": "dem",
                "observed_from": "2024-02-01",
                "observed_to": "2024-01-01",
            }
        )
    item = caught.value.errors()[0]
    assert rule_in_chinese(item) == "观测截止日早于起始日"
    assert rule_in_english(item) == "observed_to is before observed_from"


class Account(BaseModel):
    """What a member may be called, and how it may be wrong."""

    name: Literal["one", "two"] = "one"
    share: float = Field(0.5, le=1)
    size: int = 0
    open: bool = True
    note: str = Field("x", max_length=3)
    parts: list[int] = []
    password: str = Field("x" * 20, pattern="^x{20}$")
    reason: Words = "x"
    layer: SheetLayer | None = None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "three"}, "Input should be 'one' or 'two' (was 'three')"),
        ({"name": "长" * 200}, f"Input should be 'one' or 'two' (was '{'长' * 80}')"),
        (
            {"name": "a'\ud800"},
            "Input should be a valid string, unable to parse raw data as a unicode string"
            ' (was "a\'\\ud800")',
        ),
        ({"share": 1.5}, "Input should be less than or equal to 1 (was 1.5)"),
        ({"size": None}, "Input should be a valid integer (was null)"),
        ({"open": 2}, "Input should be a valid boolean, unable to interpret input (was 2)"),
        ({"size": [1]}, "Input should be a valid integer"),
        ({"parts": True}, "Input should be a valid list (was true)"),
        ({"note": "long"}, "String should have at most 3 characters"),
        ({"layer": {"theme": "zones"}}, "'kind' is required"),
        ({"layer": {"kind": "no"}}, "'kind' should be one of 'raster', 'features' (was 'no')"),
        ({"reason": "\u3000\n"}, "must not be blank or hold control characters (was '\\u3000\\n')"),
        ({"password": "hunter2"}, "String should match pattern '^x{20}$'"),
    ],
)
def test_a_rule_tells_the_value_that_broke_it(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Account.model_validate(given)
    (item,) = caught.value.errors()
    assert rule_in_english(item) == told
    assert ("（给出的是 " in rule_in_chinese(item)) == ("(was " in told)
    assert "^[^" not in rule_in_chinese(item)


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"activities": 5}, "activities"),
        ({"activities": [5]}, "activities/0"),
        ({"activities": ["a b"]}, "activities/0"),
        ({"activities": ["a"] * 201}, "activities"),
        ({"measures": [None]}, "measures/0"),
        ({"lines": []}, "lines"),
        ({"lines": [{}]}, "lines/0"),
        ({"lines": ["red_line", "coast"]}, "lines/1"),
    ],
)
def test_lists_and_their_members_are_told_in_chinese(inputs: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CheckComplianceInputs.model_validate({"project": "p", **inputs})
    (item,) = caught.value.errors()
    assert "/".join(map(str, item["loc"])) == where
    assert CHINESE.search(rule_in_chinese(item))
    assert not CHINESE.search(rule_in_english(item))


@pytest.mark.parametrize(
    ("message", "both"),
    [
        ("must be a / 必须是 a", ("must be a", "必须是 a")),
        ("not 'x / 中' / 必须是 a/b", ("not 'x / 中'", "必须是 a/b")),
        ("one / two", ("one / two", "one / two")),
        ("plain", ("plain", "plain")),
    ],
)
def test_messages_in_both_languages(message: str, both: tuple[str, str]) -> None:
    assert in_both(message) == both
