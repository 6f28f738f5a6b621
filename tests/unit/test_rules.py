"""Broken rules are told in Chinese with their limits."""

import re

import pytest
from pydantic import ValidationError

from shanhai.jobs.contracts import DelineateZonesInputs, ImportDatasetInputs
from shanhai.rules import rule_in_chinese

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def rules_of(inputs: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        DelineateZonesInputs.model_validate(inputs)
    return {
        "/".join(map(str, item["loc"])): rule_in_chinese(item) for item in caught.value.errors()
    }


def test_rules_name_their_limits() -> None:
    assert rules_of({"region": "x", "cell_m": 1, "parameters": {"k": 11}}) == {
        "cell_m": "必须大于或等于 10.0",
        "parameters/k": "必须小于或等于 10",
    }


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
    assert "观测截止日早于起始日" in rule_in_chinese(caught.value.errors()[0])
