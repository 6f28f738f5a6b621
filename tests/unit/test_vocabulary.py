"""The closed lists: complete, distinct, bilingual."""

from typing import get_args

import pytest

from shanhai.processes.kit.contract import Theme
from shanhai.vocabulary import ECOSERVICES, THEMES, ZONE_CLASSES, JobStatus, label_of


def test_seven_ecoservices_in_the_plan_s_order() -> None:
    assert [term.code for term in ECOSERVICES] == [
        "water_conservation",
        "soil_retention",
        "cooling",
        "carbon_sink",
        "stormwater_regulation",
        "biodiversity",
        "recreation",
    ]


def test_five_zone_classes_three_protect_two_restore() -> None:
    assert [zone.value for zone in ZONE_CLASSES] == [1, 2, 3, 4, 5]
    assert [zone.group for zone in ZONE_CLASSES] == ["protection"] * 3 + ["restoration"] * 2
    assert len({zone.color for zone in ZONE_CLASSES}) == 5


def test_contracts_know_exactly_the_themes_of_the_vocabulary() -> None:
    assert set(get_args(Theme)) == {term.code for term in THEMES}


def test_labels_are_chosen_by_language() -> None:
    label = label_of("priority_restoration")
    assert label.in_("zh") == "优先修复与功能提升区"
    assert label.in_("en") == "Priority restoration and function enhancement zone"


def test_an_unknown_code_has_no_label() -> None:
    with pytest.raises(KeyError):
        label_of("unheard_of")


def test_final_states() -> None:
    assert {status.value for status in JobStatus if status.final} == {
        "successful",
        "failed",
        "dismissed",
    }
